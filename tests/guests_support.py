"""A zoo of guests: how one gets into it, with the status and the reason that it must get, and how it is invited."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from diswot_registry import origin
from proxies import registry
from proxies.evidence import Evidence
from proxies.registry import ProxyInfo


@dataclass(frozen=True)
class Guest:
    """One animal: `status` and a part of the reason that it must get."""

    name: str
    function: Callable[[Evidence], Any]
    needs: frozenset[str]
    status: str
    reason: str
    teacher: bool


ZOO: dict[str, Guest] = {}


def guest(status: str, reason: str = "", needs: str = "model features", teacher: bool = False) -> Callable[..., Any]:
    def add(function: Callable[[Evidence], Any]) -> Callable[[Evidence], Any]:
        function.__doc__ = "A guest of the zoo."
        ZOO[function.__name__] = Guest(function.__name__, function, frozenset(needs.split()), status, reason, teacher)
        return function

    return add


@contextlib.contextmanager
def invited(*names: str) -> Iterator[None]:
    """These guests are in the registry within the block."""
    registry.all_proxies()
    try:
        for name in names:
            g = ZOO[name]
            with origin("a-zoo"):
                registry.PROXIES.add(ProxyInfo(name, g.function, "higher", g.needs, g.teacher, "none", 1))
        yield
    finally:
        for name in names:
            if registry.PROXIES.known(name):
                registry.remove(name)


def layer(evidence: Evidence) -> Any:
    return evidence.layers[0].module
