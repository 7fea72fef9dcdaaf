"""The public door to the distillation losses: the functions by name, and one record for each.

`get(name)(student, teacher, labels, head, context)` is a loss's own term; `.objective(...)` what training minimises.
Weights are the recommended ones of RepDistiller or of the method's authors, for CIFAR-100.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.distillation import heads
from proxies.distillation.contrast import ContrastHead, nce
from proxies.distillation.features import at, fitnet, hcl, nst, ofd, vid
from proxies.distillation.logits import ce, dml, kd, one
from proxies.distillation.record import Context, FeaturesLike, HeadSetup, Loss, Term
from proxies.distillation.relations import cc, ickd, pkt, rkd, sp
from proxies.distillation.similarity import diswot_terms, m_r, m_s

__all__ = [
    "Context", "HeadSetup", "Loss", "at", "cc", "ce", "diswot_terms", "dml", "fitnet", "get", "hcl", "ickd", "kd",
    "m_r", "m_s", "names", "nce", "nst", "ofd", "one", "pkt", "register", "rkd", "sp", "vid",
]  # fmt: skip

_REGISTRY: dict[str, Loss] = {}


def register(loss: Loss) -> Loss:
    """Add a loss; a name can be taken once."""
    if loss.name in _REGISTRY:
        raise UsageError(f"a distillation loss named {loss.name!r} exists already ({_REGISTRY[loss.name].paper})")
    _REGISTRY[loss.name] = loss
    return loss


def names() -> list[str]:
    """All losses, in the order of registration."""
    return list(_REGISTRY)


def get(name: str) -> Loss:
    """The record of a loss; an unknown name is refused with the nearest ones."""
    if name not in _REGISTRY:
        near = get_close_matches(name.lower(), _REGISTRY, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(_REGISTRY)}"
        raise UsageError(f"unknown distillation loss {name!r}: {hint}")
    return _REGISTRY[name]


def _on(field: str, function: Callable[..., Tensor]) -> Term:
    """Lift a function of one field (a tensor, or the list of stages) to a function of two networks' features."""

    def term(
        student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
    ) -> Tensor:
        return function(getattr(student, field), getattr(teacher, field))

    return term


def _ce(student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: object, context: Context) -> Tensor:
    return ce(student.logits, labels)


def _fitnet(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    hint = heads.hint_stage(student)
    return fitnet(hint if head is None else head(hint), heads.hint_stage(teacher))


def _ickd(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    return ickd(student.last if head is None else head(student.last), teacher.last)


def _cc(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    return cc(student.pooled, teacher.pooled) if head is None else cc(*head(student.pooled, teacher.pooled))


def _vid(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    assert head is not None
    means, variances = head(student.stages)
    return vid(means, teacher.stages, variances)


def _ofd(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    assert isinstance(head, heads.StageRegressors)
    return ofd(head(student.stages), teacher.stages, head.margins)


def _review(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    assert head is not None
    target = heads.levels(teacher)
    return hcl(head(heads.levels(student), target), target)


def _crd(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    assert isinstance(head, ContrastHead)
    return head(student.pooled, teacher.pooled, labels, context.indices)


def _one(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    assert head is not None
    branches, gates = head(student.stages[-2], student.logits)
    return one(branches, gates, labels)


def _diswot_terms(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: object, context: Context
) -> Tensor:
    assert context.student_weight is not None and context.teacher_weight is not None
    return diswot_terms(student.last, teacher.last, context.student_weight, context.teacher_weight, labels)


def _needs(*inputs: str) -> frozenset[str]:
    return frozenset(inputs)


ESKD_NOTE = "the loss of kd; the teacher's checkpoint is an early one (stopped at about a third of its schedule)"
ATKD_NOTE = (
    "the loss of kd; the teacher is an assistant of middle size, itself distilled from the real teacher. "
    "Table 9 of DisWOT prints 'ATKD' without saying what it stands for; assistant teacher is our reading, "
    "attention transfer + KD the other possible one"
)
ICKD_NOTE = "the weight is ours to choose: the authors' value was not at hand"
ONE_NOTE = "no teacher: the gated ensemble of the student's own branches; the term holds every branch's CE"
OFD_NOTE = "margins need maps before ReLU; on maps after ReLU the margin never acts and partial L2 remains"
REVIEW_NOTE = "the authors raise the weight from 0 over the first 20 of 240 epochs"

for _loss in (
    Loss("ce", _ce, _needs("logits", "labels"), "no distillation", ce=0.0, teaching="nobody"),
    Loss("kd", _on("logits", kd), _needs("logits"), "Hinton et al. 2015", weight=0.9, ce=0.1),
    Loss("fitnet", _fitnet, _needs("stages"), "Romero et al. 2015", weight=100, head=heads.make_regressor),
    Loss("at", _on("stages", at), _needs("stages"), "Zagoruyko and Komodakis 2017", weight=1000),
    Loss("sp", _on("last", sp), _needs("last"), "Tung and Mori 2019", weight=3000),
    Loss("rkd", _on("pooled", rkd), _needs("pooled"), "Park et al. 2019"),
    Loss("pkt", _on("pooled", pkt), _needs("pooled"), "Passalis and Tefas 2018", weight=30000),
    Loss("cc", _cc, _needs("pooled"), "Peng et al. 2019", weight=0.02, head=heads.make_embeddings),
    Loss("nst", _on("stages", nst), _needs("stages"), "Huang and Wang 2017", weight=50),
    Loss("ickd", _ickd, _needs("last"), "Liu et al. 2021", weight=2.5, head=heads.make_bridge, note=ICKD_NOTE),
    Loss("vid", _vid, _needs("stages"), "Ahn et al. 2019", head=heads.make_variational, head_required=True),
    Loss(
        "crd", _crd, _needs("pooled", "labels", "indices"), "Tian et al. 2020", weight=0.8,
        head=heads.make_contrast, head_required=True,
    ),
    Loss(
        "review", _review, _needs("stages", "pooled"), "Chen et al. 2021", weight=0.6,
        head=heads.make_review, head_required=True, note=REVIEW_NOTE,
    ),
    Loss(
        "ofd", _ofd, _needs("stages"), "Heo et al. 2019", weight=1e-3,
        head=heads.make_overhaul, head_required=True, note=OFD_NOTE,
    ),
    Loss("dml", _on("logits", dml), _needs("logits"), "Zhang et al. 2018", teaching="peer"),
    Loss(
        "one", _one, _needs("stages", "logits", "labels"), "Lan et al. 2018", ce=0.0,
        head=heads.make_ensemble, head_required=True, teaching="nobody", note=ONE_NOTE,
    ),
    Loss("eskd", _on("logits", kd), _needs("logits"), "Cho and Hariharan 2019", weight=0.9, ce=0.1, teaching="early",
        note=ESKD_NOTE),
    Loss("atkd", _on("logits", kd), _needs("logits"), "Mirzadeh et al. 2020", weight=0.9, ce=0.1, teaching="assistant",
        note=ATKD_NOTE),
    Loss("diswot", _on("logits", kd), _needs("logits"), "Dong et al. 2023"),
    Loss("diswot+", _diswot_terms, _needs("last", "labels", "weights"), "Dong et al. 2023", kd=1.0),
):  # fmt: skip
    register(_loss)
