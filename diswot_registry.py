"""How things are found by name: those of the project, of installed packages (entry points) and of plugin files.

A registry holds records of one kind and remembers who brought each: the project, a package, a plugin file
(`diswot_plugins`). Every room may import this module; it imports none.
"""

import difflib
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import fields, is_dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Generic, TypeVar

from diswot_collector import uncollected
from diswot_errors import DataError, UsageError

R = TypeVar("R")

HOME = "diswot-bench"
"""The origin of what the project brings itself."""

_NAME = re.compile(r"[a-z][a-z0-9_.+-]*\Z")
_FEW = 25  # names that an error message still lists
_ORIGIN: ContextVar[str] = ContextVar("origin", default="")
GUARDS: list[Callable[[], AbstractContextManager[object]]] = []
"""What surrounds the loading of other people's code: a room adds what puts back the state that it depends on."""

JOURNAL: list[tuple["Registry[Any]", str]] = []
"""Every addition: to which registry, under which name."""


def names_in(text: str) -> list[str]:
    """The names of a comma list."""
    return [name for part in text.split(",") if (name := part.strip())]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean kd?`, with the names most like `word`; empty where none is like it."""
    near = difflib.get_close_matches(word.lower(), list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""


@contextmanager
def origin(name: str) -> Iterator[list[str]]:
    """What registers inside is brought by `name`; where the block fails, it is forgotten again.

    Gives the list of the names that were registered, filled when the block ends.
    """
    start, token = len(JOURNAL), _ORIGIN.set(name)
    found: list[str] = []
    try:
        with ExitStack() as stack:
            for make in GUARDS:
                stack.enter_context(make())
            yield found
    except BaseException:
        for registry, key in _brought_by(name, start):
            del registry._entries[key]
        raise
    finally:
        _ORIGIN.reset(token)
        found += [key for _, key in _brought_by(name, start)]


def _brought_by(name: str, start: int) -> list[tuple["Registry[Any]", str]]:
    return [
        (registry, key)
        for registry, key in JOURNAL[start:]
        if key in registry._entries and registry._entries[key][1] == name
    ]


class _Shelf:
    """Registries that are filled together: the same modules register in several of them."""

    def __init__(self) -> None:
        self.registries: list[Registry[Any]] = []
        self.modules: list[str] = []
        self.filled = False
        self.failures: list[str] = []

    def fill(self) -> None:
        """Import the project's modules, then the entry points; one that fails is noted and stops no other."""
        if self.filled:
            return
        self.filled = True
        try:
            with uncollected():
                for module in self.modules:
                    _import_all(module)
        except BaseException:
            self.filled = False
            raise
        for registry in self.registries:
            for point in entry_points(group=registry.group):
                self._load_point(registry, point)

    def _load_point(self, registry: "Registry[Any]", point: EntryPoint) -> None:
        package = point.dist.name if point.dist else point.value
        try:
            with origin(package):
                registry.take(point.load())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also `sys.exit(0)`, which would end the command as if all had gone well
            self.failures.append(
                f"entry point {point.name!r} of {package} (group {registry.group}) failed with "
                f"{type(error).__name__}: {error}; mend or uninstall {package}"
            )


def _lacking(record: object, protocol: type) -> str:
    """What a record lacks where records are told by what they offer."""
    if not getattr(protocol, "_is_protocol", False):
        return ""
    lacking = [name for name in vars(protocol) if not name.startswith("_") and not hasattr(record, name)]
    return f"; it lacks {', '.join(lacking)}"


def _import_all(name: str) -> None:
    """A module; of a package all its modules."""
    module = importlib.import_module(name)
    for each in sorted(found.name for found in pkgutil.iter_modules(getattr(module, "__path__", []))):
        importlib.import_module(f"{name}.{each}")


class Registry(Mapping[str, R], Generic[R]):
    """Records by name, built-in ones first, in the order of registration. A read-only mapping for all but `add`.

    `modules`: what to import for the built-in ones, packages with all their modules. `admit`: called with each record
    before it is kept; it refuses it with `UsageError`, or brings along what belongs to it. `beside`: a registry that
    the same modules and packages fill. `listing`: where all names stand, for messages that would be too long with them.
    """

    def __init__(
        self,
        kind: str,
        record: type[R],
        group: str,
        modules: Iterable[str] = (),
        *,
        admit: Callable[[R], object] | None = None,
        beside: "Registry[Any] | None" = None,
        listing: str = "",
    ) -> None:
        self.kind, self.record, self.group, self.listing = kind, record, group, listing
        self._admit = admit
        self._entries: dict[str, tuple[R, str]] = {}
        self._shelf: _Shelf = beside._shelf if beside is not None else _Shelf()
        self._shelf.registries.append(self)
        self._shelf.modules.extend(modules)

    def load(self) -> None:
        """Bring in everything, once. `DataError`, every time, names the installed packages that failed to load."""
        self._shelf.fill()
        if self._shelf.failures:
            raise DataError("\n".join(self._shelf.failures))

    def add(self, record: R) -> R:
        """Put a record in and return it as it is kept: a field `origin`, where it has one, says who brought it."""
        if not isinstance(record, self.record):
            raise UsageError(
                f"a {self.kind} is a {self.record.__name__}, got {type(record).__name__}: "
                f"{repr(record)[:80]}{_lacking(record, self.record)}"
            )
        name, brought_by = str(getattr(record, "name", "")), self._current_origin(record)
        if brought_by != HOME:
            self._shelf.fill()  # so that the project's own names cannot be taken from it
        if not _NAME.match(name):
            raise UsageError(
                f"{self.kind} name {name!r}: expected lower-case letters, digits and _ . + -, beginning with a letter"
            )
        if name in self._entries:
            first = self._entries[name][1]
            raise UsageError(f"{self.kind} {name!r} from {brought_by} is already registered by {first}: rename it")
        if self._admit:
            self._admit(record)
        if is_dataclass(record) and "origin" in {field.name for field in fields(record)}:
            record = copy(record)
            object.__setattr__(record, "origin", brought_by)  # frozen, and its class may have a constructor of its own
        self._entries[name] = record, brought_by
        JOURNAL.append((self, name))
        return record

    def take(self, thing: object) -> None:
        """Add what an entry point names: a record, a list of records, a function or class that gives one of these, or
        a module, which has registered its own."""
        if isinstance(thing, type) or (callable(thing) and not isinstance(thing, self.record)):
            thing = thing()
        if thing is None or isinstance(thing, ModuleType):
            return
        records: Iterable[Any] = thing if isinstance(thing, list | tuple) else [thing]
        for record in records:
            self.add(record)

    def remove(self, name: str) -> None:
        """Take a record out again (for tests and notebooks)."""
        self.find(name)
        del self._entries[name]

    def find(self, name: str) -> R:
        """The record of this name; `UsageError` with near names, or all, where there is none."""
        self.load()
        if name not in self._entries:
            known = self.listing if len(self._entries) > _FEW else f"Expected one of {', '.join(self)}"
            raise UsageError(f"unknown {self.kind} {name!r}.{did_you_mean(name, self._entries)} {known}".rstrip())
        return self._entries[name][0]

    def known(self, name: str) -> bool:
        """Whether the name is taken so far; loads nothing."""
        return name in self._entries

    def origin(self, name: str) -> str:
        """Who brought it: `diswot-bench`, a package, a plugin `mine.py@1a2b3c4d`, a module such as `__main__`."""
        self.find(name)
        return self._entries[name][1]

    def __getitem__(self, name: str) -> R:
        self.load()
        return self._entries[name][0]

    def __iter__(self) -> Iterator[str]:
        self.load()
        return iter(sorted(self._entries, key=lambda name: self._entries[name][1] != HOME))

    def __len__(self) -> int:
        self.load()
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<registry of {self.kind}s: {', '.join(self._entries)}>"

    def _current_origin(self, record: R) -> str:
        """The project, where one of its own modules is being imported; else the package or file being loaded; else
        the module of the record's function, or the one that is running."""
        frame = sys._getframe(1)
        while frame.f_back and frame.f_code.co_name != "<module>":
            frame = frame.f_back
        running = str(frame.f_globals.get("__name__", "__main__"))
        if any(running == own or running.startswith(f"{own}.") for own in self._shelf.modules):
            return HOME
        return _ORIGIN.get() or str(getattr(getattr(record, "function", None), "__module__", "") or running)
