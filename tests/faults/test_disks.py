"""Disks that are full, folders that are read-only: which file, what to do, nothing lost, and the same result later."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.driver import QUICK, TINY, Bench, asked, ended
from golden.questions import Question

from benchmarks.search import trajectory
from benchmarks.search.protocol import Evaluation, Trial
from diswot_errors import DataError
from reports.csv_files import write_text

Capture = pytest.CaptureFixture[str]
CORRELATION = Question(
    "correlation", (f"benchmarks.correlation --proxies params --sample 10 --batch-size 8 --workers 1 {QUICK}",)
)
SEARCH = Question(
    "search", (f"benchmarks.search --strategy random --score params --budget 40 {TINY} --workers 1 {QUICK}",)
)
DISTILL = Question(
    "distill",
    (
        "benchmarks.distill --student s0:333 --distiller kd --seeds 1 --protocol glance --images embedded:4@8 "
        "--device cpu --workers 1 --out {out}",
    ),
)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`small('16k')`: a disk of that size; asked again, the same disk with another size."""
    place = tmp_path / "small"
    place.mkdir()

    def sized(size: str) -> Path:
        options = f"size={size},{'remount' if os.path.ismount(place) else 'mode=0777'}"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("a disk of a small size needs the right to mount one")
        return place

    yield sized
    if os.path.ismount(place):
        subprocess.run(["umount", "-l", place], check=True)


FULL = [
    pytest.param(CORRELATION, ["4k", "12k", "20k"], id="correlation"),
    pytest.param(SEARCH, ["8k", "24k"], id="search"),
    pytest.param(DISTILL, ["4k", "100k", "400k"], id="distill", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("question", "sizes"), FULL)
def test_a_full_disk(
    question: Question,
    sizes: list[str],
    tmp_path: Path,
    small: Callable[[str], Path],
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Bench(tmp_path / "whole", question)
    asked(whole, capsys, monkeypatch).done()
    bench = Bench(small(sizes[0]), question)
    for size in sizes:
        small(size)
        message = asked(bench, capsys, monkeypatch).refused(code=1)
        assert str(bench.folder) in message, "which file?"
        assert "space" in message or "not full" in message, "what to do?"
        assert not (bench.out / "report.html").exists()
    small("20m")
    asked(bench, capsys, monkeypatch).done()
    assert bench.left() == whole.left()
    assert not [path for path in bench.out.rglob("*") if path.name.endswith(".partial")]


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_writer_that_finds_no_space_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to mount a small disk."""
    place = tmp_path / "page.html"
    write_text(place, "before")
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(OSError, match="No space left") as caught:
            write_text(place, "after")
    assert caught.value.filename == str(place) and place.read_text() == "before"
    assert os.listdir(tmp_path) == ["page.html"]
    line = tmp_path / trajectory.NAME
    trajectory.append(line, 1, Evaluation(Trial("333"), 1.0))
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", full)
        with pytest.raises(
            DataError, match=r"cannot write .*trajectory\.csv: No space left on device; free some space"
        ):
            trajectory.append(line, 2, Evaluation(Trial("332"), 1.0))
    assert len(trajectory.read(line)) == 1


def test_a_disk_that_has_become_read_only(
    tmp_path: Path, small: Callable[..., Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions do not bind root, who may mount; a disk that is read-only binds everybody."""
    bench = Bench(small("20m"), CORRELATION)
    asked(bench, capsys, monkeypatch).done()
    before = bench.left()
    small("20m,ro")
    asked(bench, capsys, monkeypatch).refused("Read-only file system", "choose another --", code=1)
    elsewhere = Bench(tmp_path / "elsewhere", CORRELATION)
    (line,) = CORRELATION.lines
    found = ended(capsys, line.format(out=elsewhere.out, store=bench.store), "--sample", "12")
    found.refused("store.sqlite", "choose another --store", code=1)
    small("20m,rw")
    asked(bench, capsys, monkeypatch).done()
    assert bench.left() == before


def test_a_read_only_store_still_answers(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path / "bench", CORRELATION)
    asked(bench, capsys, monkeypatch).done()
    answers, text = bench.answers(), (bench.out / "correlations.csv").read_text()
    bench.store.chmod(0o444)
    asked(bench, capsys, monkeypatch).done()
    assert bench.answers() == answers and (bench.out / "correlations.csv").read_text() == text
