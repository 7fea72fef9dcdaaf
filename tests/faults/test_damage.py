"""Files that flip bits or lose their end, in every format that is read again: the same result or one message."""

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from faults.driver import QUICK, TABLES, TINY, Bench, asked, damaged
from golden.questions import Question

from benchmarks.harvesting import rows
from benchmarks.scoring.store import Store
from diswot_errors import DataError

Capture = pytest.CaptureFixture[str]
ONE = f"--workers 1 {QUICK}"
CORRELATION = Question(
    "correlation", (f"benchmarks.correlation --proxies params,l2_norm --sample 10 --batch-size 8 {ONE}",)
)
SEARCH = Question("search", (f"benchmarks.search --strategy evolution --score params --budget 20 {TINY} {ONE}",))
SHARED = Question("shared", (f"benchmarks.search --strategy rsps --epochs 1 --max-images 128 {TINY} {ONE}",))
DISTILL = Question(
    "distill",
    (
        "benchmarks.distill --student s0:111 --distiller kd --seeds 1 --protocol glance --images embedded:4@8 "
        "--epochs 2 --device cpu --workers 1 --out {out}",
    ),
)
HEALED, REFUSED = "healed", "refused"  # what may happen, beside a flip that changes nothing

CASES = [
    (CORRELATION, "store.sqlite", {HEALED, REFUSED}, 4, 100),
    (CORRELATION, "out/settings.json", {HEALED, REFUSED}, 4, 60),
    (CORRELATION, "out/manifest.json", {HEALED}, 2, 20),
    (CORRELATION, "out/scores.csv", {HEALED}, 2, 20),
    (SEARCH, "out/trajectory.csv", {HEALED, REFUSED}, 8, 200),
    (SHARED, "out/shared/supernet.pt", {HEALED}, 2, 20),
    (DISTILL, "out/kd-seed0/checkpoint.pt", {HEALED}, 2, 20),
    (DISTILL, "out/kd-seed0/checkpoint-before.pt", {HEALED}, 0, 10),
    (DISTILL, "cache", {HEALED}, 2, 20),
]


def parameters() -> list[Any]:
    """A few of each in every run of the tests, and many in the slow one."""
    quick = [pytest.param(q, f, a, range(n), id=f"{q.name}-{Path(f).name}") for q, f, a, n, _ in CASES if n]
    many = [
        pytest.param(q, f, a, range(1000, 1000 + n), id=f"{q.name}-{Path(f).name}-{n}", marks=pytest.mark.slow)
        for q, f, a, _, n in CASES
    ]
    return quick + many


def answers(bench: Bench) -> set[Any]:
    """What the store says; its file may also hold rows under damaged names, and a question twice."""
    if not bench.store.exists():
        return set()
    with Store(bench.store) as store:
        return {(asked, arch, one[:3]) for asked, found in store for arch, one in found.items()}


@pytest.mark.parametrize(("question", "file", "allowed", "seeds"), parameters())
def test_a_damaged_file_is_healed_or_refused(
    question: Question,
    file: str,
    allowed: set[str],
    seeds: range,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, kept = Bench(tmp_path / "bench", question), tmp_path / "kept"
    asked(bench, capsys, monkeypatch).done()
    whole, known = bench.written(), answers(bench)
    shutil.copytree(bench.folder, kept)
    for seed in seeds:
        shutil.rmtree(bench.folder)
        shutil.copytree(kept, bench.folder)
        path = bench.folder / file
        if path.is_dir():  # whichever of the files below, with nothing but it left to go on from
            path = sorted(each for each in path.rglob("*") if each.is_file())[seed % 2]
            shutil.rmtree(bench.out)
        content = damaged(path.read_bytes(), seed)
        path.write_bytes(content)
        found = asked(bench, capsys, monkeypatch)
        if found.code == 0 and HEALED in allowed:
            assert found.done() and bench.written() == whole, f"seed {seed}: another result"
            with contextlib.suppress(DataError):  # all of it can be damaged where what was asked is not
                assert answers(bench) <= known, f"seed {seed}: the store says something else"
        else:
            assert REFUSED in allowed, f"seed {seed}: {found.err}"
            assert str(path) in found.refused() or str(path.parent) in found.refused()
            assert path.read_bytes() == content, "what is refused is left alone"


TABLES_DAMAGED = (60, 2000)  # in every run of the tests, in the slow one


@pytest.mark.parametrize("number", [TABLES_DAMAGED[0], pytest.param(TABLES_DAMAGED[1], marks=pytest.mark.slow)])
def test_a_damaged_harvest_table(number: int, tmp_path: Path) -> None:
    """It carries no seal: a digit may become another. No more rows than were hit differ, and none is there twice."""
    path, whole = tmp_path / "table.csv", (TABLES / "kd-nb201-lite.csv").read_bytes()
    path.write_bytes(whole)
    before = {row.key: row for row in rows.read_rows(path)}
    refused = 0
    for seed in range(number):
        path.write_bytes(damaged(whole, seed))
        try:
            after = rows.read_rows(path)
        except DataError as error:
            refused += 1
            assert str(path) in str(error) and len(str(error)) < 900
        else:
            assert len({row.key for row in after}) == len(after) <= len(before)
            assert sum(before.get(row.key) != row for row in after) <= 3
    assert 0 < refused < number
