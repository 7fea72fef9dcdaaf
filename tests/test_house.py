"""The house rules that a parser can hold: who imports whom, light imports, short lines of descent."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from processes_support import LIGHT, in_fresh_python, numpy_seconds

ROOT = Path(__file__).parents[1]
ROOMS = ("benchmarks", "reports", "proxies", "nb201_data")
# modules beside the rooms, for all of them
SHARED = ("diswot_collector", "diswot_ending", "diswot_errors", "diswot_registry", "diswot_plugins")
MAY_IMPORT = {
    "benchmarks": {"benchmarks", "reports", "proxies", "nb201_data"},
    "reports": {"reports", "nb201_data"},
    "proxies": {"proxies"},
    "nb201_data": {"nb201_data"},
}
BESIDE = [ROOT / f"{name}.py" for name in SHARED]
FILES = [*BESIDE, *sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
WITHOUT_TORCH = [  # modules of nb201_data that never import torch, not even inside a function
    "__init__", "catalogue", "datasets", "files", "ground_truth", "last_epochs", "skeleton", "space",
]  # fmt: skip
LONGEST = 300


@cache
def imports(path: Path, inside: bool = True) -> tuple[tuple[str, int], ...]:
    """(full name of a module, line) of every import; without `inside`, only those that importing the file runs."""
    return tuple(_imports(path, inside))


def _imports(path: Path, inside: bool) -> Iterator[tuple[str, int]]:
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield str(node.module), node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        if not inside and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if not inside and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))


def at(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_parse() -> None:
    there = {path.relative_to(ROOT).parts[0] for path in FILES}
    assert there == {*ROOMS, *(path.name for path in BESIDE)} and len(FILES) > 30
    assert set(BESIDE) == set(ROOT.glob("*.py"))


def test_what_all_rooms_share_needs_only_the_standard_library() -> None:
    strange = [
        f"{at(path)}:{line} imports {name}"
        for path in BESIDE
        for name, line in imports(path)
        if name.split(".")[0] not in {*sys.stdlib_module_names, *SHARED}
    ]
    assert not strange


@pytest.mark.parametrize("room", ROOMS)
def test_who_may_import_whom(room: str) -> None:
    strangers = {*ROOMS, "tests"} - MAY_IMPORT[room]
    wrong = [
        f"{at(path)}:{line} imports {name}"
        for path in FILES
        if path.is_relative_to(ROOT / room)
        for name, line in imports(path)
        if name.split(".")[0] in strangers
    ]
    assert not wrong


@pytest.mark.parametrize("folder", ["reports", "benchmarks/statistics", "nb201_data/truth"])
def test_rooms_without_torch(folder: str) -> None:
    paths = list((ROOT / folder).rglob("*.py"))
    wrong = [
        f"{at(p)}:{line}" for p in paths for name, line in imports(p, inside=False) if name.split(".")[0] == "torch"
    ]
    assert paths and not wrong


def test_modules_without_torch() -> None:
    room = ROOT / "nb201_data"
    paths = [*(room / f"{name}.py" for name in WITHOUT_TORCH), *(room / "spaces").glob("*.py")]
    wrong = [f"{at(p)}:{line}" for p in paths for name, line in imports(p) if name.split(".")[0] == "torch"]
    assert not wrong


def test_scores_need_no_tables_figures_or_benchmarks() -> None:
    """pandas, matplotlib and the benchmark's package serve reading and reports, and stay there."""
    edges = {"pandas", "matplotlib", "nas_201_api", "pooch", "jinja2"}
    paths = list((ROOT / "proxies").rglob("*.py"))
    assert not [
        f"{at(p)}:{line}" for p in paths for name, line in imports(p, inside=False) if name.split(".")[0] in edges
    ]
    late = {(at(p), name.split(".")[0]) for p in paths for name, _ in imports(p) if name.split(".")[0] in edges}
    assert late == {("proxies/outcome.py", "pandas")}  # `score(...).frame()`


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "tests").rglob("*.py"))], ids=at)
def test_files_stay_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST, f"{lines} lines, at most {LONGEST}: which second idea is in this file?"


@pytest.mark.parametrize("path", FILES, ids=at)
def test_public_functions_say_what_they_do(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    silent = [n.name for n in public if not ast.get_docstring(n)]
    assert ast.get_docstring(tree) or not tree.body, "a module without docstring"
    assert not silent


def loaded_by(statement: str) -> tuple[set[str], float]:
    """Modules that `statement` loads in a fresh interpreter, and the CPU seconds of that."""
    printed, seconds = in_fresh_python(f"{statement}\nimport sys; print(*sys.modules)")
    return set(printed.split()), seconds


@pytest.mark.parametrize(
    "statement",
    [
        "import nb201_data",
        "from nb201_data import Cell, load_ground_truth",
        "import nb201_data.space, nb201_data.spaces, nb201_data.files",
    ],
)
def test_data_are_there_without_torch_and_at_once(statement: str) -> None:
    loaded, seconds = loaded_by(statement)
    assert not loaded & {"torch", "numpy", "pandas", "scipy", "matplotlib", "nas_201_api", "pooch"}
    assert seconds < LIGHT * numpy_seconds()


@pytest.mark.parametrize(
    ("room", "absent"),
    [
        ("proxies", {"nb201_data", "benchmarks", "reports", "pandas", "matplotlib", "scipy", "nas_201_api"}),
        ("reports", {"torch", "proxies", "benchmarks", "nas_201_api"}),
        ("nb201_data", {"torch", "proxies", "benchmarks", "reports"}),
        ("benchmarks", {"torch", "matplotlib", "nas_201_api"}),
        ("benchmarks.search", {"torch", "matplotlib", "nas_201_api"}),
        ("reports, reports.html, reports.__main__", {"torch", "numpy", "pandas", "scipy", "matplotlib", "jinja2"}),
    ],
)
def test_importing_a_room_stays_in_it(room: str, absent: set[str]) -> None:
    assert not loaded_by(f"import {room}")[0] & absent
