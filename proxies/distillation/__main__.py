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
    start = [f"`{loss.name}`", loss.minimises]
    if theirs is None:
        return [*start, "", loss.paper, "", ""]
    return [*start, theirs.inside, theirs.source, theirs.accuracy, theirs.differs]


if __name__ == "__main__":
    print(table(), end="")
