"""The distillers by name, and the decorator that makes a function one: a loss to train with, and a score without."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from torch import Tensor, nn

from diswot_errors import UsageError
from diswot_registry import Registry
from proxies.authors import AuthorsSetting
from proxies.distillation.comparison import as_proxy
from proxies.distillation.published import Published, WarmUp
from proxies.distillation.record import Context, FeaturesLike, HeadFactory, Loss, Predictor, Teaching, Term
from proxies.registry import PROXIES

G = TypeVar("G", bound=Callable[..., Tensor])


def _admit(loss: Loss) -> None:
    """A distiller states its formula; one that compares two networks is a proxy of the same name."""
    if not loss.formula:
        raise UsageError(f"distiller {loss.name!r} has no docstring: its formula belongs there")
    if loss.compares:
        PROXIES.add(as_proxy(loss))


DISTILLERS: Registry[Loss] = Registry("distiller", Loss, "diswot_bench.distillers", admit=_admit, beside=PROXIES)


def distiller(
    name: str,
    *,
    paper: str,
    of: str = "",
    needs: Iterable[str] = (),
    weight: float = 1.0,
    ce: float = 1.0,
    kd: float = 0.0,
    head: HeadFactory | None = None,
    head_required: bool = False,
    teaching: Teaching = "trained",
    note: str = "",
    proxy: bool = True,
    version: int = 1,
    predict: Predictor | None = None,
    warm_up: WarmUp | None = None,
    published: Published | None = None,
    authors: AuthorsSetting | None = None,
) -> Callable[[G], G]:
    """Register a function as the distiller `name`; its docstring is the formula shown everywhere.

    `of` names the one field of the features that the function compares: f(student's, teacher's). Without it, the
    function takes (student, teacher, labels, head, context) and `needs` says what it looks at. For the rest see `Loss`.
    """

    def register(function: G) -> G:
        term = _on(of, function) if of else cast(Term, function)
        inputs = frozenset(needs) | ({of} if of else set())
        fields = (paper, weight, ce, kd, head, head_required, teaching, note, proxy, version)
        DISTILLERS.add(Loss(name, term, inputs, *fields, predict, warm_up, published, authors=authors))
        return function

    return register


def _on(field: str, function: Callable[..., Tensor]) -> Term:
    """Lift a function of one field (a tensor, or the list of stages) to a function of two networks' features."""

    def term(
        student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
    ) -> Tensor:
        return function(getattr(student, field), getattr(teacher, field))

    term.__doc__, term.__module__ = function.__doc__, function.__module__
    return term
