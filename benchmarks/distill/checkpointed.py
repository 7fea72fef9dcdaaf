"""A training run on disk: it goes on where it stopped, and ends bit-equal to one that never stopped (on a CPU)."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any

import torch

from benchmarks.distill.trainer import EpochResult, Trainer
from diswot_errors import DataError, UsageError

CHECKPOINT, CONFIGURATION, CURVE, WEIGHTS = "checkpoint.pt", "run.json", "curve.csv", "student.pth"


def train(
    trainer: Trainer,
    folder: Path,
    configuration: Mapping[str, Any],
    *,
    until: int | None = None,
    report: Callable[[EpochResult], object] = lambda result: None,
) -> list[EpochResult]:
    """Train up to epoch `until` (default: the protocol's last), resuming what lies in `folder`; all epochs' results.

    Leaves run.json, curve.csv, checkpoint.pt, and student.pth with the weights alone. A folder that holds a run of
    another configuration is refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, configuration)
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


def _claim(folder: Path, configuration: Mapping[str, Any]) -> None:
    file, text = folder / CONFIGURATION, json.dumps(configuration, indent=2, sort_keys=True) + "\n"
    if not file.is_file():
        _write(file, lambda partial: partial.write_text(text, encoding="utf-8"))
        return
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError(f"{file} is no configuration ({error}); remove the folder to start again") from None
    wanted = json.loads(text)
    if found != wanted:
        other = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
        change = ", ".join(f"{key}: {found.get(key)!r} there, {wanted.get(key)!r} now" for key in other)
        raise UsageError(f"{folder} holds another run ({change}); choose another --out, or remove it")


def _resume(trainer: Trainer, folder: Path) -> list[EpochResult]:
    file = folder / CHECKPOINT
    if not file.is_file():
        return []
    try:
        saved = torch.load(file, map_location=trainer.device, weights_only=True)
        trainer.load(saved["trainer"])
        return [EpochResult(*values) for values in saved["history"]]
    except Exception as error:  # torch raises many kinds for a truncated or foreign file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"cannot resume from {file}: {reason}; remove the file to start this run again") from error


def _save(trainer: Trainer, history: list[EpochResult], folder: Path) -> None:
    saved = {"trainer": trainer.state(), "history": [list(astuple(result)) for result in history]}
    weights = trainer.student.network.state_dict()
    _write(folder / CHECKPOINT, lambda partial: torch.save(saved, partial))
    _write(folder / WEIGHTS, lambda partial: torch.save(weights, partial))
    _write(folder / CURVE, lambda partial: _write_curve(partial, history))


def _write(file: Path, write: Callable[[Path], object]) -> None:
    """Whole or not at all."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    try:
        write(partial)
        partial.replace(file)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise DataError(f"cannot write {file}: {error}; free some space or choose another --out") from error


def _write_curve(file: Path, history: list[EpochResult]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(field.name for field in fields(EpochResult))
        for result in history:
            values = asdict(result).values()
            writer.writerow("" if isinstance(v, float) and math.isnan(v) else v for v in values)
