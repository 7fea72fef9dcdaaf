"""A training run on disk: it goes on where it stopped, and ends bit-equal to one that never stopped (on a CPU)."""

from __future__ import annotations

import csv
import io
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.command.claim import Settings, claimed, holds
from benchmarks.distill.trainer import EpochResult, Trainer
from diswot_errors import DataError
from nb201_data.sealed import read_sealed, write_sealed

CHECKPOINT, BEFORE, CURVE, WEIGHTS = "checkpoint.pt", "checkpoint-before.pt", "curve.csv", "student.pth"
HEAD = "head.pth"


class Checkpoint(NamedTuple):
    """What a run has reached: the trainer's state and all epochs so far."""

    file: Path
    trainer: dict[str, Any]
    history: list[EpochResult]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The student's."""
        return self.trainer["student"]["network"]


def train(
    trainer: Trainer,
    folder: Path,
    settings: Settings,
    *,
    until: int | None = None,
    report: Callable[[EpochResult], object] = lambda result: None,
) -> list[EpochResult]:
    """Train up to epoch `until` (default: the protocol's last), resuming what lies in `folder`; all epochs' results.

    Leaves curve.csv, two sealed checkpoints, student.pth with the weights alone, and head.pth where the student answers
    through its head. A folder that holds a run of other settings is refused.
    """
    with claimed(folder, settings):
        history = _resume(trainer, folder)
        last = trainer.protocol.epochs if until is None else until
        while trainer.epoch < last:
            try:
                result = trainer.train_epoch()
            except DataError as error:
                kept = f"; the last good checkpoint is {folder / CHECKPOINT}" if trainer.epoch else ""
                raise DataError(f"{error}{kept}") from None
            history.append(result)
            _save(trainer, history, folder)
            report(result)
    return history


def finished(folder: Path, settings: Settings, last: int) -> Checkpoint | None:
    """The end of a run of these settings that reached epoch `last`; None where there is more to do."""
    found = latest(folder) if holds(folder, settings) else None
    return found if found is not None and len(found.history) == last else None


def latest(folder: Path, device: torch.device | str = "cpu") -> Checkpoint | None:
    """The newest whole checkpoint; a damaged one is named, and the one before it taken."""
    for file in (folder / CHECKPOINT, folder / BEFORE):
        try:
            content = read_sealed(file)
            if content is None:
                continue
            saved = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
            return Checkpoint(file, saved["trainer"], [EpochResult(*values) for values in saved["history"]])
        except DataError as error:
            print(f"warning: {error}; the run goes on from what was before", file=sys.stderr, flush=True)
    return None


def _resume(trainer: Trainer, folder: Path) -> list[EpochResult]:
    saved = latest(folder, trainer.device)
    if saved is None:
        return []
    try:
        trainer.load(saved.trainer)
        if saved.file.name == BEFORE:  # which the next one must not replace by the damaged one
            (folder / CHECKPOINT).unlink(missing_ok=True)
    except (RuntimeError, KeyError, ValueError) as error:  # written by a version with other networks
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"cannot go on in {folder}: {reason}; remove the folder to start this run again") from error
    return saved.history


def _save(trainer: Trainer, history: Sequence[EpochResult], folder: Path) -> None:
    """The checkpoint comes last: where it says that the run has ended, the weights beside it are the last ones."""
    student, through = trainer.student, trainer.loss.predict is not None
    for file, module in ((WEIGHTS, student.network), (HEAD, student.head if through else None)):
        if module is not None:
            _write_bytes(folder / file, _saved(module.state_dict()))
    _write(folder / CURVE, lambda partial: _write_curve(partial, history))
    saved = _saved({"trainer": trainer.state(), "history": [list(astuple(result)) for result in history]})
    with suppress(FileNotFoundError):
        os.replace(folder / CHECKPOINT, folder / BEFORE)
    write_sealed(folder / CHECKPOINT, saved)


def _saved(content: Any) -> bytes:
    """As `torch.save` writes it into a file of any name, which it would put into the content."""
    saved = io.BytesIO()
    torch.save(content, saved)
    return saved.getvalue()


def _write_bytes(file: Path, content: bytes) -> None:
    _write(file, lambda partial: partial.write_bytes(content))


def _write(file: Path, write: Callable[[Path], object]) -> None:
    """Whole or not at all."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    try:
        write(partial)
        partial.replace(file)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise DataError(f"cannot write {file}: {error}; free some space or choose another --out") from error


def _write_curve(file: Path, history: Sequence[EpochResult]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(field.name for field in fields(EpochResult))
        for result in history:
            values = asdict(result).values()
            writer.writerow("" if isinstance(v, float) and math.isnan(v) else v for v in values)
