"""The commands that make up `all_tables`, and the options that each gets from its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module

from benchmarks.command.registry import TABLES
from benchmarks.scoring.resolve import resolve_images
from benchmarks.tables.together import TablePart
from diswot_errors import UsageError
from diswot_registry import names_in
from nb201_data.skeleton import Skeleton

Main = Callable[[Sequence[str]], int]

MACHINE = ("workers", "engine", "address", "gpus_per_worker")


def _scored(options: argparse.Namespace) -> list[str]:
    return ["--images", options.images, *_stored(options), *_given(options, "seeds")]


def _searched(options: argparse.Namespace) -> list[str]:
    return ["--seeds", str(options.searches), *_stored(options)]


def _distilled(options: argparse.Namespace) -> list[str]:
    images = resolve_images(options.images, Skeleton(classes=100), "cifar100").partition(":")[0]
    return ["--images", images, "--minutes", str(options.minutes), *_machine(options)]


def _stored(options: argparse.Namespace) -> list[str]:
    flags = ["--no-tables"] if options.no_tables else []
    return [*_machine(options), *_given(options, "store", "together", "time_limit", "memory_limit"), *flags]


def _machine(options: argparse.Namespace) -> list[str]:
    return ["--device", options.device, *_given(options, *MACHINE)]


def _given(options: argparse.Namespace, *names: str) -> list[str]:
    given = [(f"--{name.replace('_', '-')}", str(value)) for name in names if (value := getattr(options, name))]
    return [word for pair in given for word in pair]


PARTS = (
    TablePart("s0_table", "Correlation comparison on S0", _scored),
    TablePart("rank_table", "Rank table of NAS-Bench-201", _scored),
    TablePart("metric_ablation", "Different metrics", _scored),
    TablePart("init_ablation", "Different initialization", _scored),
    TablePart("best_student", "The best network alone and the best student", lambda options: []),
    TablePart("distiller_table", "DisWOT as a distiller (Table 9)", _distilled),
    TablePart("search_table", "Search (Table 8)", _searched),
    TablePart("proxy_facts", "Numbers that nobody published", _scored),
)


def known() -> dict[str, TablePart]:
    """Every part by name: the project's, then those of plugins and other packages."""
    return {part.command: part for part in PARTS} | {
        name: TablePart(name, TABLES[name].title, _scored) for name in TABLES
    }


def chosen(only: str | None, skip: str) -> list[TablePart]:
    """The parts asked for, in their order; unknown names are refused."""
    parts = known()
    wanted = list(parts) if only is None else names_in(only)
    without = names_in(skip)
    for name in (*wanted, *without):
        if name not in parts:
            raise UsageError(f"unknown part {name!r}: expected one of {', '.join(parts)}")
    found = [part for name, part in parts.items() if name in wanted and name not in without]
    if not found:
        raise UsageError("--only and --skip leave nothing to make")
    return found


def main_of(part: TablePart) -> Main:
    """The command itself."""
    main: Main = (
        TABLES[part.command].main if part.command in TABLES else import_module(f"benchmarks.{part.command}").main
    )
    return main
