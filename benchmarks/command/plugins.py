"""Files that add something: loaded before the options are read, since their names are choices of options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import proxies.registry  # noqa: F401 - protects what plugins might change
from diswot_plugins import load_plugin


def begun(
    argv: Sequence[str] | None, parser: Callable[[], argparse.ArgumentParser]
) -> tuple[list[str], argparse.Namespace]:
    """How every command begins: its arguments, its plugins, and then its options."""
    given = list(sys.argv[1:] if argv is None else argv)
    load_plugins(given)
    return given, parser().parse_args(given)


def load_plugins(argv: Sequence[str]) -> None:
    """Execute every FILE of `--plugin FILE` or `--plugin=FILE`."""
    files = [text.partition("=")[2] for text in argv if text.startswith("--plugin=")]
    files += [after for before, after in pairwise(argv) if before == "--plugin"]
    for file in files:
        load_plugin(Path(file))
