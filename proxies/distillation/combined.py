"""Several losses at once: `kd+crd` is the sum of their terms, each with its own weight, and of one cross entropy."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.distillation import names
from proxies.distillation.record import Context, FeaturesLike, HeadSetup, Loss
from proxies.distillation.registry import DISTILLERS


def find(name: str) -> Loss:
    """The loss of this name, or the sum of those that `a+b` names; unknown names are refused with the nearest ones."""
    parts = names.split(name)
    if name in DISTILLERS or len(parts) == 1:
        return DISTILLERS.find(name)
    return combined([DISTILLERS.find(part) for part in parts])


def combined(parts: Sequence[Loss]) -> Loss:
    """One loss of several, each with its own weight and warm-up; CE and KD count once, by the largest of their weights.

    Cross entropy is what all of them have in common; their terms are what tells them apart. `ce`, which has no other
    term, counts as the CE of weight 1 that it is.
    """
    name = names.joined([part.name for part in parts])
    _check(name, parts)
    lone = [part for part in parts if part.name == names.ALONE]
    ce, kd = max(1.0 if part in lone else part.ce for part in parts), max(part.kd for part in parts)
    parts = [part for part in parts if part not in lone]
    teachings = {part.teaching for part in parts} - {"nobody"}

    def term(
        student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
    ) -> Tensor:
        own = head if isinstance(head, Heads) else Heads([None] * len(parts))
        terms = [part.weighted(student, teacher, labels, own.of(i), context) for i, part in enumerate(parts)]
        return sum(terms[1:], terms[0])

    def heads(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
        return Heads([part.make_head(student, teacher, setup) for part in parts])

    term.__doc__ = " + ".join(f"{part.weight:g} {part.name}" for part in parts)
    return Loss(
        name,
        term,
        needs=frozenset().union(*(part.needs | ({"epoch"} if part.warm_up else set()) for part in parts)),
        paper="; ".join(dict.fromkeys(part.paper for part in parts)),
        ce=ce,
        kd=kd,
        head=heads if any(part.head for part in parts) else None,
        head_required=any(part.head_required for part in parts),
        teaching=teachings.pop() if teachings else "nobody",
        note="; ".join(f"{part.name}: {part.note}" for part in parts if part.note),
        proxy=False,
    )


def _check(name: str, parts: Sequence[Loss]) -> None:
    """What cannot be added up."""
    known = [part.name for part in parts]
    if twice := sorted({each for each in known if known.count(each) > 1}):
        raise UsageError(f"distiller {name!r} names {twice[0]} twice: expected different losses")
    if answering := [part.name for part in parts if part.predict]:
        raise UsageError(
            f"distiller {name!r}: with {answering[0]} the student answers through a head of its own, "
            "which no other loss looks at: take it alone"
        )
    teachers = {part.teaching: part.name for part in parts if part.teacher}
    if len(teachers) > 1:
        who = ", ".join(f"{loss} {teaching}" for teaching, loss in teachers.items())
        raise UsageError(f"distiller {name!r}: its losses have different teachers ({who}); expected the same")
    if "peer" in teachers and any(part.head for part in parts):
        raise UsageError(f"distiller {name!r}: a peer learns by the same loss and has no head; expected losses without")


class Heads(nn.Module):
    """The heads of the parts, by their places; a part may have none."""

    def __init__(self, heads: Sequence[nn.Module | None]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({str(i): head for i, head in enumerate(heads) if head is not None})

    def of(self, place: int) -> nn.Module | None:
        """The head of the part at this place."""
        return dict(self.parts.items()).get(str(place))
