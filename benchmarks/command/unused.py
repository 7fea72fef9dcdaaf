"""Options that a command takes and that one way of using it does not read: given there, they are refused."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from diswot_errors import UsageError


def refuse_unused(options: argparse.Namespace, usual: argparse.ArgumentParser, names: Iterable[str], why: str) -> None:
    """An error where one of these options is not what `usual` has where nothing is said. `why`: '... is for ...'."""
    for name in names:
        if (given := getattr(options, name)) != usual.get_default(name):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} {given} {why}, or leave {option} out")
