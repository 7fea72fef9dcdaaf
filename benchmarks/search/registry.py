"""Strategies by name. One file in `strategies/` adds one; other packages add theirs by an entry point."""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal, TypeVar

from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Strategy
from diswot_errors import DataError, UsageError

GROUP = "diswot_bench.strategies"
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

    def resolve(self, settings: dict[str, Any]) -> dict[str, Any]:
        """All settings, defaults filled in; unknown ones and wrong types are refused."""
        defaults = self.settings
        for key, value in settings.items():
            if key not in defaults:
                known = ", ".join(f"{name}={default!r}" for name, default in defaults.items()) or "none"
                raise UsageError(f"{self.name} has no setting {key!r}{near(key, defaults)} Its settings: {known}")
            wanted = type(defaults[key])
            if not isinstance(value, wanted) and not (wanted is float and isinstance(value, int)):
                raise UsageError(f"{self.name}: {key} must be a {wanted.__name__}, got {value!r}")
        return {**defaults, **settings}


_REGISTRY: dict[str, StrategyInfo] = {}


def strategy(name: str, *, paper: str, kind: Kind = "ask-tell") -> Callable[[F], F]:
    """Register the class or function below under `name`."""

    def register(make: F) -> F:
        if name in _REGISTRY and _REGISTRY[name].make is not make:
            raise UsageError(f"two search strategies are called {name!r}: {_REGISTRY[name].make} and {make}")
        if isinstance(make, type) and issubclass(make, Strategy):
            make.name = name
        _REGISTRY[name] = StrategyInfo(name, kind, paper, make)
        return make

    return register


@cache
def _load() -> None:
    from benchmarks.search import strategies

    for module in pkgutil.iter_modules(strategies.__path__):
        importlib.import_module(f"{strategies.__name__}.{module.name}")
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception as error:
            origin = entry.dist.name if entry.dist else entry.value
            raise DataError(
                f"entry point {entry.name!r} of {origin} (group {GROUP}) failed with {type(error).__name__}: {error}; "
                f"mend or uninstall {origin}"
            ) from error


def all_strategies() -> list[StrategyInfo]:
    """Every strategy, by name."""
    _load()
    return [_REGISTRY[name] for name in sorted(_REGISTRY)]


def get_strategy(name: str) -> StrategyInfo:
    """The strategy called `name`; near matches in the error where there is none."""
    _load()
    if name not in _REGISTRY:
        raise UsageError(
            f"unknown search strategy {name!r}{near(name, _REGISTRY)} Known: {', '.join(sorted(_REGISTRY))}"
        )
    return _REGISTRY[name]


def make_strategy(name: str, problem: SearchProblem, seed: int, settings: dict[str, Any] | None = None) -> Strategy:
    """A fresh ask-and-tell strategy."""
    info = get_strategy(name)
    if info.kind != "ask-tell":
        raise UsageError(f"{name} trains one shared network and asks for no evaluations: see weight_sharing.search")
    made: Strategy = info.make(problem, seed, **info.resolve(settings or {}))
    return made


def near(name: str, known: Iterable[str]) -> str:
    """What to put behind an unknown name: '; did you mean ...?' with the known ones like it, or a full stop."""
    matches = difflib.get_close_matches(name, list(known), n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(matches)}?" if matches else "."
