"""What all commands share: the list of them, run folders that belong to one run, plugins, how they end."""

import argparse
import ast
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scoring_support import write_truth

import diswot_ending
from benchmarks import __main__ as benchmarks_main
from benchmarks.command import numbers
from benchmarks.command.claim import claimed, folder_for
from benchmarks.command.registry import COMMANDS, GROUPS
from diswot_errors import DataError, UsageError

ROOT = Path(__file__).parents[1]
ONE = {"batch": 64, "proxies": {"m_s": 1}}


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        diswot_ending.run(benchmarks_main.main, arguments)
    return int(end.value.code or 0)


def test_the_list_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended() == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    modules = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_")}
    packages = {path.parent.name for path in (ROOT / "benchmarks").glob("*/__main__.py")}
    assert set(listed) == {*modules, *packages, "data", "reports"} and set(COMMANDS) == modules | packages


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_commands_are_thin(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 120, "a specification and its sections: what else is in this file?"


def test_an_unknown_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("correlations") == 2
    assert "unknown command 'correlations'. Did you mean correlation" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*COMMANDS, "init-ablation"])
def test_every_command_answers_help_with_the_shared_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        benchmarks_main.main([name, "--help"])
    out = capsys.readouterr().out
    assert end.value.code == 0 and "--plugin FILE.py" in out
    assert "--dry-run" in out and "--resume" not in out


def test_no_command_needs_what_is_slow_to_import_to_answer_help() -> None:
    code = """
import contextlib, io, sys
from benchmarks import __main__ as main
from benchmarks.command.registry import COMMANDS, GROUPS
heavy = {}
for name in COMMANDS:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main.main([name, "--help"])
    for module in ("torch", "pandas", "scipy.stats", "matplotlib"):
        if module in sys.modules:
            heavy.setdefault(module, name)
print(heavy)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"


def test_options_are_defined_once() -> None:
    """A flag that several commands have is defined in one place: the shared groups."""
    found: dict[str, list[str]] = {}
    for path in (ROOT / "benchmarks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
                flags = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                found.setdefault(str(flags[0]), []).append(path.name)
    shared = ("--workers", "--device", "--dry-run", "--store", "--replace", "--plugin", "--seeds", "--sample")
    assert all(found[flag] == ["options.py"] for flag in shared)


def test_settings_name_the_folder() -> None:
    first, again, other = (folder_for("init_ablation", ["kd-nb201:lite"], s) for s in (ONE, dict(ONE), {"batch": 32}))
    assert first == again != other and first.parent == Path("runs")
    assert first.name.startswith("init-ablation-kd-nb201-lite-")


def test_a_folder_belongs_to_one_run(tmp_path: Path) -> None:
    with claimed(tmp_path / "run", ONE) as folder:
        (folder / "scores.csv").write_text("1")
    with claimed(tmp_path / "run", ONE) as folder:
        assert (folder / "scores.csv").read_text() == "1"  # the same settings go on
    other = {**ONE, "batch": 32, "proxies": {"m_s": 2}}
    with pytest.raises(UsageError, match=r"batch: 64 there, 32 now; proxies m_s: 1 there, 2 now.*--replace"):
        claimed(tmp_path / "run", other).__enter__()
    assert (tmp_path / "run" / "scores.csv").is_file()
    with claimed(tmp_path / "run", other, replace=True) as folder:
        assert not (folder / "scores.csv").exists()
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["batch"] == 32


def test_some_settings_may_grow(tmp_path: Path) -> None:
    with claimed(tmp_path, {"seeds": 2, "seed": 0}, growing=["seeds"]):
        pass
    with claimed(tmp_path, {"seeds": 3, "seed": 0}, growing=["seeds"]):
        pass
    for fewer in ({"seeds": 2, "seed": 0}, {"seeds": 4, "seed": 1}):
        with pytest.raises(UsageError, match="another run"):
            claimed(tmp_path, fewer, growing=["seeds"]).__enter__()


@pytest.mark.parametrize("content", ["[1, 2]", "{", "\udcff", '{"program": "other"}', "[" * 100_000])
def test_a_foreign_folder_is_never_emptied(tmp_path: Path, content: str) -> None:
    (tmp_path / "settings.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    (tmp_path / "photo.jpg").write_text("dear")
    for replace in (False, True):
        with pytest.raises(UsageError, match="another run"):
            claimed(tmp_path, ONE, replace=replace).__enter__()
    assert (tmp_path / "photo.jpg").read_text() == "dear"


def test_a_run_of_an_older_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="another or older one"):
        claimed(tmp_path, ONE, replace=True).__enter__()


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from benchmarks.command.claim import claimed\n"
        f"with claimed(Path({str(tmp_path)!r}), {{'a': 1}}): print('mine', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "mine\n"
        with pytest.raises(DataError, match="another process is at work"):
            claimed(tmp_path, {"a": 1}).__enter__()
        other.communicate("")
    with claimed(tmp_path, {"a": 1}):
        pass


def test_a_place_that_cannot_be_written_is_known_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write to .*choose another --out"):
        claimed(tmp_path / "file" / "run", ONE).__enter__()
    with pytest.raises(UsageError, match="is not UTF-8"):
        claimed(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")), ONE).__enter__()


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "²", "9" * 5000, "", "x"])
def test_no_number_is_no_traceback(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number above 0"):
        numbers.positive(text)


@pytest.mark.parametrize("text", ["-1", "1.5", str(2**32), "9" * 5000, "", "x"])
def test_a_seed_that_no_generator_takes_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number from 0 to 4,294,967,295"):
        numbers.seed(text)
    assert numbers.seed(str(2**32 - 1)) == 2**32 - 1


@pytest.mark.parametrize("code", [0, 4, "bye"])
def test_whoever_ends_the_program_is_named(code: object, capsys: pytest.CaptureFixture[str]) -> None:
    def leaves(_: object) -> int:
        raise SystemExit(code)

    with pytest.raises(SystemExit) as end:
        diswot_ending.run(leaves)
    said = capsys.readouterr().err
    assert end.value.code == 1 and f"ends the program by SystemExit({code!r})" in said and "test_command.py" in said


def test_a_full_disk_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    def full(_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/runs/x/scores.csv")

    with pytest.raises(SystemExit) as end:
        diswot_ending.run(full)
    err = capsys.readouterr().err
    assert end.value.code == 1 and "No space left on device (/runs/x/scores.csv): free some space" in err


PLUGIN = '''
from proxies.registry import proxy

@proxy("mine", direction="higher", needs=["shapes"], paper="-")
def mine(evidence):
    """How many layers there are."""
    return float(len(evidence.shapes))
'''


def test_a_plugin_is_scored_by_worker_processes_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    truth = write_truth(tmp_path / "truth.csv")
    given = ["--store", str(tmp_path / "s.sqlite"), "--out", str(tmp_path / "run"), "--batch-size", "16"]
    command = [sys.executable, "-m", "benchmarks", "correlation", "--plugin", str(tmp_path / "mine.py"), *given]
    command += ["--proxies", "mine", "--ground-truth", str(truth), "--workers", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout and (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("raise SystemExit(0)", "ends the program"),
        ("import sys; sys.exit()", "ends the program"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "mine.py"),
        ("x = 1", "mine.py"),
    ],
)
def test_a_plugin_that_ends_or_fails_is_told(
    tmp_path: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(content)
    code = ended("correlation", "--plugin", str(tmp_path / "mine.py"), "--out", str(tmp_path / "run"))
    err = capsys.readouterr().err
    assert code in (1, 2) and said in err and "Traceback" not in err and not (tmp_path / "run").exists()


def test_the_readme_has_the_commands_in_the_groups_of_the_list() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Commands\n")[2].partition("\n## ")[0]
    tables = {part[2:].partition(" |")[0]: part for part in text.split("\n\n") if part.startswith("| ")}
    assert list(tables) == [*(wanted.lower() for wanted in GROUPS), "other rooms"]
    for wanted, group in GROUPS.items():
        rows = re.findall(r"^\| `(\w+)", tables[wanted.lower()], re.MULTILINE)
        assert set(rows) <= set(group) and all(re.search(rf"`{name}\b", tables[wanted.lower()]) for name in group)


@pytest.mark.parametrize("replace", [False, True])
def test_files_that_no_run_wrote_are_neither_thrown_away_nor_written_over(tmp_path: Path, replace: bool) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "truth.csv").write_text("dear")
    with pytest.raises(
        UsageError, match=r"holds \.git, truth\.csv, which no run of this program wrote: choose another"
    ):
        claimed(tmp_path, ONE, replace=replace).__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "truth.csv"]
    for name in (".lock", ".writable", ".settings.json.x1y2"):  # what a run leaves that was killed as it began
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / name).touch()
    with claimed(tmp_path / "run", ONE, replace=replace):
        pass
