"""Ask a question with the code at hand, and read its numbers from the run folder."""

import contextlib
import csv
import hashlib
import importlib
import importlib.util
import io
import math
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from golden.questions import Question

TABLES = Path(__file__).parent / "tables"
PASSING = {"seconds", "date", "device", "torch", "version", "cost", "elapsed", "speedup", "seal"}
"""Columns and rows of one run alone."""
LEFT_OUT = {"truth.csv"}  # what was given, not what was found
QUESTION_OF_A_SCORE = ("space", "arch", "proxy", "init", "seed", "images", "batch_size", "teacher", "precision")
Table = dict[str, list[Any]]  # column -> cells: numbers and texts, None where a cell is empty


def play(question: Question, folder: Path, reference: str = "") -> dict[str, Table]:
    """Run the lines of a question in an empty `folder`: its tables by file name."""
    import torch

    places = {"out": folder / "out", "store": folder / "store.sqlite", "tables": TABLES, "data": folder / "data"}
    places["out"].mkdir(parents=True)
    threads = torch.get_num_threads()
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NB201_DATA_DIR", reference if question.reference else str(places["data"]))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setattr("nb201_data.truth.measured.TABLES", TABLES)
        patch.chdir(folder)
        torch.set_num_threads(1)
        if question.teacher:
            _write_teacher(places["data"] / "teachers" / "embedded_resnet20.pth")
        try:
            with contextlib.redirect_stdout(printed):
                for line in question.lines:
                    name, *arguments = shlex.split(line)
                    code = _command(name).main([argument.format(**places) for argument in arguments])
                    assert not code, f"{line} ends with exit code {code}"
        finally:
            torch.set_num_threads(threads)
    names = {str(folder): "FOLDER", str(TABLES): "TABLES"} | ({reference: "DATA"} if reference else {})
    if question.printed:
        return {"printed": _lines(printed.getvalue(), names)}
    return _tables(places["out"], names, question.hidden)


def _command(name: str) -> Any:
    """The module that `python -m NAME` runs."""
    found = importlib.util.find_spec(name)
    assert found is not None, f"there is no command {name}"
    return importlib.import_module(f"{name}.__main__" if found.submodule_search_locations else name)


def _write_teacher(path: Path) -> None:
    import torch

    from nb201_data.images import load_images
    from nb201_data.networks import build_resnet
    from proxies.inits import initialise

    network = build_resnet("resnet20", load_images("embedded").classes)
    initialise(network, "kaiming", 99)
    path.parent.mkdir(parents=True)
    torch.save(network.state_dict(), path)


def _tables(out: Path, names: dict[str, str], hidden: tuple[str, ...]) -> dict[str, Table]:
    found = {}
    for path in sorted(out.rglob("*")):
        file = str(path.relative_to(out))
        if path.suffix == ".csv" and path.name not in LEFT_OUT:
            found[file] = _csv(path, names, hidden)
        elif path.suffix == ".md":
            found[file] = _lines(_markdown_tables(path.read_text(encoding="utf-8")), names)
    return found


def _csv(path: Path, names: dict[str, str], hidden: tuple[str, ...]) -> Table:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = (row for row in csv.reader(file) if row[0] not in PASSING)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    kept = {name: [_cell(cell, names) for cell in cells] for name, cells in columns.items() if name not in PASSING}
    return {name: list(map(_hash, cells)) if name in hidden else cells for name, cells in kept.items()}


def _markdown_tables(text: str) -> str:
    """Without those that have no header: they say how the page was made."""
    return "\n".join(block for block in text.split("\n\n") if block.startswith("| ") and block[2:].strip()[0] != "|")


def _lines(text: str, names: dict[str, str]) -> Table:
    """The lines of a text that are not empty."""
    return {"line": [_named(" ".join(line.split()), names) for line in text.splitlines() if line.strip()]}


def _cell(text: str, names: dict[str, str]) -> int | float | str | None:
    """A number where it is one; the status 'nan' is a word."""
    if text == "":
        return None
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            if math.isfinite(number := kind(text)):
                return number
    return _named(text, names)


def _named(text: str, names: dict[str, str]) -> str:
    for path, name in names.items():
        text = text.replace(path, name)
    return text


def _hash(cell: object) -> object:
    """A number of the reference data, told apart from others without being told."""
    if not isinstance(cell, int | float):
        return cell
    return "#" + hashlib.sha256(f"{cell:.9f}".encode()).hexdigest()[:12]


def machine() -> str:
    """What decides the last bits of a sum: the library and the instructions that it uses."""
    import platform

    import torch

    isa = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    capability = torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {platform.machine()} {_processor()}, {capability} {isa}".strip()


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return ""
