"""Files that add something: loaded before the options are read, since their names are choices of options."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import proxies.registry  # noqa: F401 - protects what plugins might change
from diswot_plugins import load_plugin


def load_plugins(argv: Sequence[str]) -> None:
    """Execute every FILE of `--plugin FILE` or `--plugin=FILE`."""
    files = [text.partition("=")[2] for text in argv if text.startswith("--plugin=")]
    files += [after for before, after in pairwise(argv) if before == "--plugin"]
    for file in files:
        load_plugin(Path(file))
