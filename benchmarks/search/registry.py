"""Strategies by name. One file in `strategies/` adds one; other packages add theirs by an entry point."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Strategy
from diswot_errors import UsageError
from diswot_registry import Registry, did_you_mean

Kind = Literal["ask-tell", "weight-sharing"]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class StrategyInfo:
    """What is known about a strategy. `make` is a `Strategy` class, or for weight sharing a function that trains."""

    name: str
    kind: Kind
    paper: str
    make: Callable[..., Any] = field(repr=False)

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.make) or "").split("\n")[0]

    @property
    def settings(self) -> dict[str, Any]:
        """Its keyword-only settings with their defaults."""
        parameters = inspect.signature(self.make).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def resolve(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """All settings, defaults filled in, text read as the type of the default; what does not fit is refused."""
        resolved = self.settings
        for key, value in settings.items():
            if key not in resolved:
                known = ", ".join(f"{name}={default!r}" for name, default in resolved.items()) or "none"
                near = did_you_mean(key, resolved)
                raise UsageError(f"{self.name} has no setting {key!r}.{near} Its settings: {known}")
            resolved[key] = _as(type(resolved[key]), value, f"{self.name}: {key}")
        return resolved


def _as(wanted: type, value: Any, what: str) -> Any:
    with suppress(ValueError):
        if isinstance(value, str) and wanted is not str:
            value = {"true": True, "false": False}.get(value.lower(), value) if wanted is bool else wanted(value)
    if not isinstance(value, wanted) and not (wanted is float and isinstance(value, int)):
        raise UsageError(f"{what} must be a {wanted.__name__}, got {value!r}")
    return value


STRATEGIES = Registry("search strategy", StrategyInfo, "diswot_bench.strategies", ["benchmarks.search.strategies"])
get_strategy = STRATEGIES.find


def strategy(name: str, *, paper: str, kind: Kind = "ask-tell") -> Callable[[F], F]:
    """Register the class or function below under `name`."""

    def register(make: F) -> F:
        STRATEGIES.add(StrategyInfo(name, kind, paper, make))
        if isinstance(make, type) and issubclass(make, Strategy):
            make.name = name
        return make

    return register


def all_strategies() -> list[StrategyInfo]:
    """Every strategy, by name."""
    return [STRATEGIES[name] for name in sorted(STRATEGIES)]


def make_strategy(name: str, problem: SearchProblem, seed: int, settings: dict[str, Any] | None = None) -> Strategy:
    """A fresh ask-and-tell strategy."""
    info = get_strategy(name)
    if info.kind != "ask-tell":
        raise UsageError(f"{name} trains one shared network and asks for no evaluations: see weight_sharing.search")
    made: Strategy = info.make(problem, seed, **info.resolve(settings or {}))
    return made


def in_words(settings: Mapping[str, Any]) -> str:
    """'population=36, ratio=0.222'."""
    return ", ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in settings.items())
