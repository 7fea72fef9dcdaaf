"""Work in a run folder: claimed for these settings, done, published."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from benchmarks.command.claim import Settings, claimed, folder_for
from benchmarks.command.publish import Content, publish


def work_in_folder(
    name: str,
    given: Sequence[str],
    options: argparse.Namespace,
    settings: Settings,
    work: Callable[[Path], Content],
    *,
    words: Collection[str] = (),
    growing: Collection[str] = (),
) -> int:
    """Do `work` in the folder of `--out`, or in one named by the settings, and publish what it says.

    `settings`: everything that decides a number; a folder of others is refused, but for those in `growing`.
    """
    settings = {"command": name, **settings}
    out = options.out or folder_for(name, words, {k: v for k, v in settings.items() if k not in growing})
    with claimed(out, settings, growing=growing, replace=options.replace):
        print(publish(out, ["python", "-m", f"benchmarks.{name}", *given], work(out)))
    return 0
