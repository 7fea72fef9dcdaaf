"""What all commands share: how they end, which options they have in common, which device they run on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from diswot_errors import DataError, UsageError

if TYPE_CHECKING:
    import torch

INTERRUPTED = 130


def run(main: Callable[[Sequence[str] | None], int]) -> NoReturn:
    """Call `main(None)` and exit: 0 done, 1 failure, 2 wrong use, 130 interrupted; a known error has no traceback."""
    try:
        code = main(None)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept, the same command goes on from there", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        known = getattr(error, "exit_code", None)
        if known is None and not isinstance(error, OSError):
            raise
        print(f"error: {error}", file=sys.stderr)
        code = 1 if known is None else known
    sys.exit(code)


def parser(command: str, description: str) -> argparse.ArgumentParser:
    """A parser of `python -m benchmarks.COMMAND` that shows defaults and takes no abbreviated options."""
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks.{command}",
        description=description,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Defaults are shown where they say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, argparse.SUPPRESS):
            return action.help
        return super()._get_help_string(action)


def positive(text: str) -> int:
    """An integer above zero, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return value


def choose_device(name: str) -> torch.device:
    """`auto` is the GPU where there is one; a device that is not there is an error."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}: expected auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DataError(f"no GPU for --device {name}: torch {torch.__version__} sees none; use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DataError(f"no GPU number {device.index}: there are {torch.cuda.device_count()}")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {name!r} is not supported: expected auto, cpu or cuda")
    return device


def default_workers(device: str) -> int:
    """On a CPU as many processes as cores, one torch thread each; on a GPU one process."""
    if device != "cpu" and choose_device(device).type == "cuda":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_output(folder: Path) -> Path:
    """Make the folder for results, before any work is done, so that a bad place is known at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror or error}; choose another --out") from error
    return folder


def one_thread() -> None:
    """One torch thread a process: with more, any other load on the machine stalls every parallel region."""
    import torch

    torch.set_num_threads(1)
