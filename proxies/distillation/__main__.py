"""`python -m proxies.distillation`: what every loss is trained with, and what its authors set, in Markdown."""

from __future__ import annotations

from proxies.distillation import losses
from proxies.distillation.losses import Loss


def table() -> str:
    """One row a loss."""
    columns = ("distiller", "minimises", "inside the term", "source", "printed accuracies are of", "different here")
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(_cells(losses.get(name)))} |" for name in losses.names()]
    return "\n".join(lines) + "\n"


def _cells(loss: Loss) -> list[str]:
    theirs = loss.published
    start = [f"`{loss.name}`", objective(loss)]
    if theirs is None:
        return [*start, "", loss.paper, "", ""]
    return [*start, theirs.inside, theirs.source, theirs.accuracy, theirs.differs]


def objective(loss: Loss) -> str:
    """`0.1 CE + 0.9 term`; a weight that grows says over which epochs."""
    own = f"{loss.weight:g} term"
    if loss.warm_up:
        own += f", grown over the first {loss.warm_up.epochs} of {loss.warm_up.of} epochs"
    parts = [f"{weight:g} {name}" for weight, name in ((loss.ce, "CE"), (loss.kd, "KD")) if weight]
    return " + ".join([*parts, own])


if __name__ == "__main__":
    print(table(), end="")
