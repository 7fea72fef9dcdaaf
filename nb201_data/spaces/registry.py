"""The search spaces by name: built in, of installed packages, of plugin files."""

from typing import TypeVar

from diswot_registry import Registry
from nb201_data.spaces.protocol import SearchSpace

S = TypeVar("S", bound=SearchSpace)

SPACES: Registry[SearchSpace] = Registry(
    "search space",
    SearchSpace,  # type: ignore[type-abstract]
    "diswot_bench.spaces",
    ("nb201_data.spaces",),
)
"""Every search space by name, in its own skeleton."""


def register(space: S) -> S:
    """Make a search space known by its name."""
    SPACES.add(space)
    return space


def get_space(name: str) -> SearchSpace:
    """The search space of this name in its own skeleton; that of `my.py:build` holds one network of one's own."""
    if reads_as_own(name):
        from nb201_data.own import own_network

        return own_network(name)
    return SPACES.find(name)


def reads_as_own(name: str) -> bool:
    """Whether a name means a function of a file, or forgets to say which."""
    return name.endswith(".py") or ".py:" in name
