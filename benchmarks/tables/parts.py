"""The commands that make up `all_tables`, and the options that each gets from its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module

from benchmarks.command.registry import TABLES
from benchmarks.scoring.resolve import resolve_images
from benchmarks.tables.together import TablePart
from diswot_errors import UsageError
from nb201_data.skeleton import Skeleton

Main = Callable[[Sequence[str]], int]

PARTS = (
    TablePart("s0_table", "Correlation comparison on S0"),
    TablePart("rank_table", "Rank table of NAS-Bench-201"),
    TablePart("metric_ablation", "Different metrics"),
    TablePart("init_ablation", "Different initialization"),
    TablePart("best_student", "The best network alone and the best student"),
    TablePart("distiller_table", "DisWOT as a distiller (Table 9)"),
    TablePart("search_table", "Search (Table 8)"),
    TablePart("proxy_facts", "Numbers that nobody published"),
)


def known() -> dict[str, TablePart]:
    """Every part by name: the project's, then those of plugins and other packages."""
    return {part.command: part for part in PARTS} | {name: TablePart(name, TABLES[name].title) for name in TABLES}


def chosen(only: str | None, skip: str) -> list[TablePart]:
    """The parts asked for, in their order; unknown names are refused."""
    parts = known()
    wanted = [name.strip() for name in (only if only is not None else ",".join(parts)).split(",") if name.strip()]
    without = [name.strip() for name in skip.split(",") if name.strip()]
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


def arguments(part: TablePart, options: argparse.Namespace) -> list[str]:
    """Its options, from those of all tables."""
    machine = ["--device", options.device]
    for name in ("workers", "engine", "address", "gpus_per_worker"):
        machine += _given(name, options)
    store = [*machine, *_given("store", options)]
    if part.command == "best_student":
        return []
    if part.command == "distiller_table":
        images = resolve_images(options.images, Skeleton(classes=100), "cifar100").partition(":")[0]
        return ["--images", images, "--minutes", str(options.minutes), *machine]
    if part.command == "search_table":
        return ["--seeds", str(options.searches), *store]
    return ["--images", options.images, *store, *_given("seeds", options)]


def _given(name: str, options: argparse.Namespace) -> list[str]:
    value = getattr(options, name)
    return [f"--{name.replace('_', '-')}", str(value)] if value else []
