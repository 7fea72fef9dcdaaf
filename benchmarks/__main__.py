"""The commands of the bench: `python -m benchmarks`, or `diswot`, lists them; `diswot NAME ...` runs one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

import diswot_ending
from benchmarks.command.plugins import load_plugins
from benchmarks.command.registry import COMMANDS, GROUPS, TABLES
from diswot_errors import UsageError
from diswot_registry import did_you_mean

ELSEWHERE = {
    "data": ("nb201_data.__main__", "the data there are; get them"),
    "reports": ("reports.__main__", "draw the page of a run again, compare two runs, an index of runs"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """List the commands, or run the one named first."""
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or given[0] in ("-h", "--help"):
        print(listing())
        return 0
    name, rest = given[0].replace("-", "_"), given[1:]
    if name in ELSEWHERE:
        return int(import_module(ELSEWHERE[name][0]).main(rest))
    if name in COMMANDS:
        return int(_module(name).main(rest))
    load_plugins(rest)
    if name in TABLES:
        return TABLES[name].main(rest)
    known = [*COMMANDS, *TABLES, *ELSEWHERE]
    raise UsageError(f"unknown command {given[0]!r}.{did_you_mean(name, known)} Known: {', '.join(known)}")


def _module(name: str) -> ModuleType:
    """The module of a command; of a package the one that runs it."""
    module = import_module(f"benchmarks.{name}")
    return import_module(f"benchmarks.{name}.__main__") if hasattr(module, "__path__") else module


def listing() -> str:
    """Every command and what one gets from it, by what one wants."""
    groups = GROUPS | {"Other rooms": {name: summary for name, (_, summary) in ELSEWHERE.items()}}
    parts = [
        "\n".join([f"{wanted}:", *(f"  {name:18} {summary}" for name, summary in group.items())])
        for wanted, group in groups.items()
    ]
    return "\n\n".join(["usage: python -m benchmarks COMMAND ... (or: diswot COMMAND ...)", *parts])


def script() -> NoReturn:
    """The console script `diswot`."""
    diswot_ending.run(main)


if __name__ == "__main__":
    script()
