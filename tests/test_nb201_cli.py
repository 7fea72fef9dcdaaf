"""`python -m nb201_data`: what it prints, how it ends, and that it starts fast."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import official_support as support
import pytest
from files_support import GOOD, made_file
from processes_support import LIGHT, heeding_ctrl_c, in_fresh_python, numpy_seconds

import diswot_ending
from diswot_plugins import restored
from nb201_data import __main__ as cli
from nb201_data import fetching, files
from nb201_data.datasets import DATASETS
from nb201_data.ground_truth import available
from nb201_data.space import distinct_cells
from nb201_data.truth import benchmark, measured

Run = Callable[..., tuple[int, str, str]]
COMMAND = [sys.executable, "-m", "nb201_data"]
TELLING = """
import sys
import diswot_ending
from nb201_data import __main__ as cli, files

def tell(*arguments, hash_of=files.hash_of):
    print("hashing", flush=True)
    return hash_of(*arguments)

files.hash_of = tell
sys.argv[1:] = ["verify"]
sys.exit(diswot_ending.code_of(cli.main))
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process, with an empty data folder; (exit code, stdout, stderr)."""
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(measured, "TABLES", tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nb201_data", *arguments])
        try:
            code = diswot_ending.code_of(cli.main)
        except SystemExit as stop:
            code = int(stop.code or 0)
        return (code, *capsys.readouterr())

    return call


def put(name: str, content: bytes) -> Path:
    path = files.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


class TestList:
    def test_every_group_and_truth_has_a_line(self, run: Run) -> None:
        code, out, err = run("list")
        assert (code, err) == (0, "")
        lines = {line.split()[0]: line for line in reversed(out.splitlines()) if line}  # groups stand before data sets
        assert set(files.groups()) | {truth.name for truth in available()} <= set(lines)
        assert "0 of 3" in lines["cifar100"] and "186.3 MB" in lines["cifar100"] and "Krizhevsky" in lines["cifar100"]
        assert lines["s0:kd"].split() == ["s0:kd", "-", "64", "published"]
        assert str(files.data_dir()) in out

    def test_every_data_set_has_a_line(self, run: Run) -> None:
        put("cifar10/test_batch", b"x")
        out = run("list")[1]
        lines = {line.split()[0]: line.split()[1:] for line in out[out.index("IMAGES") :].splitlines() if line}
        assert set(DATASETS) <= set(lines)
        assert lines["cifar10"] == ["test", "10", "32", "50,000", "10,000", "diswot-bench"]
        assert (lines["cifar100"][0], lines["embedded"][0]) == ("-", "yes")

    def test_plugins_are_listed_and_bad_ones_refused(self, run: Run, tmp_path: Path) -> None:
        plugin = tmp_path / "mine.py"
        plugin.write_text(
            "from nb201_data.datasets import DataSet, Part, register\n"
            "register(DataSet('theirs', 3, 8, Part(30), Part(6), read=lambda split: None))\n"
        )
        with restored():
            line = next(line for line in run("list", "--plugin", str(plugin))[1].splitlines() if "theirs" in line)
        assert line.split()[:6] == ["theirs", "yes", "3", "8", "30", "6"] and line.split()[6].startswith("mine.py@")
        code, out, err = run("list", "--plugin", str(tmp_path / "mime.py"))
        assert (code, out) == (2, "") and "Did you mean mine.py?" in err

    def test_columns_are_aligned(self, run: Run) -> None:
        lines = run("list")[1].splitlines()
        header = next(line for line in lines if line.startswith("FILES"))
        column = header.index("LICENCE")
        rows = lines[lines.index(header) + 1 : lines.index("", lines.index(header))]
        assert rows and all(row[column - 2 : column] == "  " and row[column] != " " for row in rows)

    def test_broken_files_and_tables_are_said(self, run: Run, tmp_path: Path) -> None:
        put("cifar100/meta", b"x")
        (tmp_path / "kd-nb201-lite.csv").write_text("arch\n")
        code, out, _ = run("list")
        assert code == 0 and "0 of 3, 1 broken" in out
        assert "broken" in next(line for line in out.splitlines() if line.startswith("kd-nb201:lite:vanilla"))


class TestInfo:
    def test_a_file(self, run: Run) -> None:
        code, out, err = run("info", "cifar100/test")
        assert (code, err) == (0, "")
        for fact in (
            "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
            "www.cs.toronto.edu",
            "31.0 MB",
            "absent",
            "fetch cifar100",
        ):
            assert fact in out

    def test_a_group(self, run: Run) -> None:
        out = run("info", "cifar10")[1]
        assert all(file.name in out for file in files.select("cifar10"))

    def test_a_ground_truth_of_ones_own(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "mine.csv"
        path.write_text(
            "arch,accuracy,images,seed\n"
            + "".join(f"{c},{50 + s},cifar10,{s}\n" for c in distinct_cells()[:3] for s in (0, 1))
        )
        code, out, _ = run("info", str(path))
        assert code == 0
        for fact in ("3 architectures", "6 of 3", "c16n5k10r32", "50.50 to 50.50 %, median 50.50 %", "nb201"):
            assert fact in out

    def test_unknown_names(self, run: Run) -> None:
        code, out, err = run("info", "cifar1000")
        assert (code, out) == (2, "") and err.startswith("error: unknown ground truth 'cifar1000'")
        assert "Files: cifar100, cifar10" in err and err.count("\n") == 1
        code, _, err = run("info", "nb201:cifar10:test:12")
        assert code == 1 and "not on disk" in err and err.count("\n") == 1


class TestVerify:
    def test_an_empty_folder_is_no_failure_unless_a_name_was_given(self, run: Run) -> None:
        code, out, err = run("verify")
        assert (code, err) == (0, "") and "files are not in" in out
        code, out, err = run("verify", "cifar100")
        assert code == 1 and "cifar100/train  absent" in out
        assert err.startswith("error: 3 of 3 files are absent or broken") and err.count("\n") == 1

    def test_a_broken_file_is_shown_with_what_was_expected(self, run: Run) -> None:
        path = put("cifar100/meta", b"x" * 1_473)
        code, out, err = run("verify")
        assert code == 1 and "error: 1 of 1 files" in err
        assert "md5:7973b15100ade9c7d40fb424638fde48" in out and hashlib.md5(b"x" * 1_473).hexdigest() in out
        assert str(path) in out and "delete it" in out

    def test_reference_data_are_whole(self, reference_data: Path) -> None:
        done = subprocess.run(
            [*COMMAND, "verify", "cifar100", "distillation"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 and done.stdout.count("whole") == 7, done.stdout + done.stderr


class TestFetch:
    def test_a_wrong_name_is_said_before_anything_is_fetched(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        monkeypatch.setattr(fetching, "fetch", lambda name, progress: asked.append(name))
        code, _, err = run("fetch", "cifar100", "cifar1000")
        assert code == 2 and "Did you mean cifar100" in err and not asked

    def test_what_is_whole_is_left_alone(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        file = made_file("http://127.0.0.1:9/never", size=len(GOOD))
        monkeypatch.setitem(files.FILES, file.name, file)
        assert run("fetch", file.name)[0] == 1  # absent, and nobody answers there
        path = put(file.name, GOOD)
        assert run("fetch", file.name) == (0, f"{path}\n", "")
        assert path.read_bytes() == GOOD

    def test_what_cannot_be_fetched_says_how_to_get_it(self, run: Run) -> None:
        code, _, err = run("fetch", "nb201/accuracies")
        assert code == 1 and "python -m nb201_data convert" in err


class TestConvert:
    def test_official_file_to_ground_truth(self, run: Run, tmp_path: Path) -> None:
        source = support.write_file(tmp_path / "benchmark.pth", support.cells(2))
        code, out, err = run("convert", str(source))
        assert (code, out) == (1, "") and "holds 2 cells, expected 15,625" in err
        assert not benchmark.path().exists()

    def test_without_a_path_it_takes_the_file_of_the_data_folder(self, run: Run) -> None:
        code, _, err = run("convert")
        assert code == 2 and "no file or folder" in err and "096897.pth" in err

    def test_a_table_that_is_there_stays(self, run: Run) -> None:
        put("nb201/accuracies", b"precious")
        code, _, err = run("convert", "anything")
        assert code == 2 and "--force" in err and benchmark.path().read_bytes() == b"precious"


class TestManners:
    @pytest.mark.parametrize("arguments", [(), ("lst",), ("info",), ("fetch",), ("list", "--all")])
    def test_wrong_use(self, run: Run, arguments: tuple[str, ...]) -> None:
        code, out, err = run(*arguments)
        assert (code, out) == (2, "") and err.startswith("error: ") and "`python -m nb201_data" in err

    def test_help_is_fast_and_loads_nothing_heavy(self) -> None:
        script = (
            "import sys, nb201_data.__main__ as m\n"
            "try: m.main(['--help'])\n"
            "except SystemExit: print([name for name in ('torch', 'pandas', 'numpy', 'pooch') if name in sys.modules])"
        )
        shown, seconds = in_fresh_python(script)
        assert shown.splitlines()[-1] == "[]"
        assert all(word in shown for word in ("list", "info", "fetch", "verify", "convert", "wrong use"))
        assert seconds < LIGHT * numpy_seconds()

    def test_interrupt(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_arguments: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(files, "verify", interrupted)
        assert run("verify")[0] == 130

    @pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
    def test_interrupt_from_outside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
        size = files.record("nb201/benchmark").size
        assert size is not None
        os.truncate(put("nb201/benchmark", b""), size)  # a hole of 5 GB, seconds of hashing
        with heeding_ctrl_c():
            process = subprocess.Popen(
                [sys.executable, "-c", TELLING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        assert process.stdout is not None and process.stdout.readline() == "hashing\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=600)
        assert (
            (process.returncode, out) == (130, "")
            and err.strip().startswith("interrupted; ")
            and "\n" not in err.strip()
        )

    def test_a_reader_that_leaves(self) -> None:
        process = subprocess.Popen([*COMMAND, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(timeout=600) == 1

    def test_any_other_error_keeps_its_traceback(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_arguments: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(files, "verify", broken)
        with pytest.raises(ZeroDivisionError):
            run("verify")
