"""One run a folder: who begins in it says with which settings, and who comes with others is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from diswot_errors import DataError, UsageError
from nb201_data.sealed import locked
from reports.csv_files import write_text

SETTINGS, LOCK, PROBE, PROGRAM = "settings.json", ".lock", ".writable", "diswot-bench"
Settings = Mapping[str, Any]


def folder_for(command: str, words: Collection[str], settings: Settings) -> Path:
    """`runs/COMMAND-WORDS-HASH`: the same settings have the same folder, others another."""
    named = "-".join(re.sub(r"[^A-Za-z0-9_.+-]+", "-", word)[:60].strip("-") for word in words if word)
    digest = hashlib.sha256(_text(settings).encode()).hexdigest()[:8]
    return Path("runs") / "-".join(part for part in (command.replace("_", "-"), named, digest) if part)


@contextlib.contextmanager
def claimed(
    folder: Path, settings: Settings, *, growing: Collection[str] = (), replace: bool = False
) -> Iterator[Path]:
    """The folder, made or gone on in, and nobody else's as long as the context lasts.

    A folder of other settings is refused, but for those in `growing` that are larger now; with `replace` what the other
    run left is thrown away. One that holds anything but a run is refused whatever is said: a run writes over its own.
    """
    prepare(folder)
    settings = {"program": PROGRAM, **settings}
    with locked(folder / LOCK, f"another process is at work in {folder}: wait for it, or choose another --out"):
        found = _found(folder)
        if found is None and (foreign := sorted(path.name for path in folder.iterdir() if not _begun(path.name))):
            more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
            (folder / LOCK).unlink()
            raise UsageError(
                f"{folder} holds {', '.join(foreign[:3])}{more}, which no run of this program wrote: choose another "
                "--out, a folder that is empty or not there"
            )
        other = [] if found is None else _changes(found, _fixed(settings, found, growing), growing)
        if other and not (replace and found and found.get("program") == PROGRAM):
            raise UsageError(
                f"{folder} holds another run ({'; '.join(other)}): choose another --out"
                + (f", or raise only {', '.join(growing)}" if growing else "")
                + (", or give --replace to throw it away" if found and found.get("program") == PROGRAM else "")
            )
        if other:
            _empty(folder)
        write_text(folder / SETTINGS, _text(settings))
        yield folder


def _begun(name: str) -> bool:
    """Whether a run that was killed before it said anything leaves a file of this name."""
    return name in (LOCK, PROBE) or name.startswith(f".{SETTINGS}.")


def noted(folder: Path) -> Settings:
    """The settings that a run in the folder was begun with; empty where there is none."""
    return _found(folder) or {}


def holds(folder: Path, settings: Settings) -> bool:
    """Whether the folder holds a run of just these settings; nothing is locked or changed."""
    found = _found(folder)
    return found is not None and not _changes(found, json.loads(_text({"program": PROGRAM, **settings})), ())


def prepare(folder: Path) -> Path:
    """Make a folder for results, before any work is done, so that a bad place is known at once."""
    try:
        os.fsencode(folder).decode("utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / PROBE
        probe.touch()
        probe.unlink()
    except UnicodeError as error:
        raise UsageError(f"--out {os.fsencode(folder)!r} is not UTF-8: choose another folder") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot write to {folder}: {reason}; choose another --out") from error
    return folder


def _found(folder: Path) -> dict[str, Any] | None:
    """The settings of the run in the folder; None where there is none, nothing in them where they are not ours."""
    file = folder / SETTINGS
    if not file.is_file():
        return {"program": "another or older one"} if (folder / "manifest.json").exists() else None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _fixed(settings: Settings, found: Settings, growing: Collection[str]) -> dict[str, Any]:
    """As JSON gives them back, without those that have grown."""
    wanted = json.loads(_text(settings))
    return {key: value for key, value in wanted.items() if not (key in growing and _grew(found.get(key), value))}


def _grew(there: Any, now: Any) -> bool:
    return isinstance(there, int | float) and isinstance(now, int | float) and now >= there


def _changes(there: Mapping[str, Any], now: Mapping[str, Any], ignored: Collection[str], name: str = "") -> list[str]:
    """'batch_size: 64 there, 32 now', for every value that differs."""
    found: list[str] = []
    for key in dict.fromkeys((*now, *(key for key in there if key not in ignored))):
        a, b = there.get(key), now.get(key)
        if a == b:
            continue
        if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            a, b = ({str(i): value for i, value in enumerate(each, start=1)} for each in (a, b))
        if isinstance(a, dict) and isinstance(b, dict):
            found += _changes(a, b, (), f"{name}{key} ")
        else:
            found.append(f"{name}{key}: {_short(a)} there, {_short(b)} now")
    return found


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


def _text(settings: Settings) -> str:
    return json.dumps(settings, indent=1, sort_keys=True, default=str) + "\n"


def _empty(folder: Path) -> None:
    """Throw away what another run of ours left."""
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
