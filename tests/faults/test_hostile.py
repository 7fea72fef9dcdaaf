"""Plugins, inputs and names that mean harm or make no sense, on whole commands: one message, or a status and a run."""

import gzip
import json
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from faults.driver import TABLES, Ended, ended, flips
from files_support import rows_of

from benchmarks.scoring.columns import joined
from benchmarks.scoring.store import Store
from diswot_errors import DataError
from diswot_plugins import load_plugin, restored
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, sample_cells
from nb201_data.spaces import get_space
from proxies.registry import AggregateInfo, aggregates

SMALL = "--sample 10 --batch-size 8 --device cpu --store store.sqlite --out run"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, with plugins forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with restored():
        yield tmp_path


def correlation(capsys: Capture, *more: str) -> Ended:
    return ended(capsys, f"benchmarks.correlation --proxies params {SMALL} --workers 1", *more)


INPUTS = [
    (["--device", "cpu:0"], "'cpu:0' is not supported", 2),
    (["--device", "cuda:-1"], "--device", (1, 2)),
    (["--device", "mps"], "expected auto, cpu, cuda or cuda:N", 2),
    (["--batch-size", "12345678901234567890"], "expected a whole number above 0", 2),
    (["--batch-size", "1"], "expected 2 to 1,048,576 images", 2),
    (["--seeds", "100000000", "--dry-run"], "expected at most 10,000 repetitions", 2),
    (["--workers", "0"], "expected a whole number above 0", 2),
    (["--workers", "²"], "expected a whole number above 0", 2),
    (["--time-limit", "nan"], "expected a number above 0", 2),
    (["--memory-limit", "-1"], "expected a number above 0", 2),
    (["--out", os.fsdecode(b"run\xff")], "is not UTF-8", 2),
    (["--out", "x" * 300], "choose another --out", 1),
    (["--out", "a\0b"], "choose another --out", 1),
    (["--store", "."], "is a folder, expected a file for scores", 1),
    (["--store", "a\0b"], "choose another --store", (1, 2)),
    (["--images", "embedded@²"], "@²': the resolution after '@' must divide 32", 2),
    (["--images", f"embedded@{'9' * 5000}"], "(5,013 characters): the resolution after '@' must divide 32", 2),
    (["--images", "cifar10"], "cifar10 has 10 classes, the networks of this ground truth have 100", 2),
    (["--ground-truth", "absent.csv"], "no file absent.csv", 2),
    (["--teacher-weights", "absent.pth"], "--teacher-weights needs --teacher", 2),
    (["--teacher-weights", "absent.pth", "--teacher", "resnet20"], "no weights at absent.pth", 1),
    (["--proxies", "snap"], "Did you mean swap or snip", 2),
    (["--plugin", "absent.py"], "no plugin absent.py", 2),
]


@pytest.mark.parametrize(("more", "said", "code"), INPUTS, ids=lambda value: None)
def test_wrong_use_is_one_message_before_anything_is_scored(
    more: list[str], said: str, code: int | tuple[int, ...], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.scoring.runner._scorer", None)  # nothing is scored
    correlation(capsys, *more).refused(said, code=code)
    assert not Path("run", "manifest.json").exists()


@pytest.mark.parametrize("name", ["store\xff.sqlite", "store\n.sqlite", "ü.sqlite"])
def test_a_store_of_any_name_works(name: str, capsys: Capture) -> None:
    path = os.fsdecode(name.encode("latin-1"))
    correlation(capsys, "--store", path).done()
    assert Path(path).is_file() and Path("run", "report.html").is_file()


@pytest.mark.parametrize("skeleton", ["c99999999n0k100r16", f"c{'9' * 5000}n1k10r8", "c16n5k10r²", "c16n5k10r8\n"])
def test_impossible_skeletons_are_answered_at_once(skeleton: str, capsys: Capture) -> None:
    line = "benchmarks.search --strategy random --score params --budget 2 --device cpu --store s --out run"
    ended(capsys, line, "--skeleton", skeleton).refused("skeleton")
    Path("mine.csv").write_text(f"arch,skeleton,accuracy\n{sample_cells(1, 0)[0]},{skeleton!r},50\n".replace("'", ""))
    correlation(capsys, "--ground-truth", "mine.csv").refused("mine.csv")


TRUTHS = 25


def test_a_flipped_truth_is_the_same_or_refused(capsys: Capture) -> None:
    whole = gzip.compress((TABLES / "mine-distilled.csv").read_bytes(), mtime=0)
    Path("whole.csv.gz").write_bytes(whole)
    given = ["--ground-truth", "whole.csv.gz", "--dry-run"]
    same = correlation(capsys, *given).done().out
    for seed in range(TRUTHS):
        Path("whole.csv.gz").write_bytes(flips(whole, seed))
        found = correlation(capsys, *given)
        assert found.out == same if found.code == 0 else found.refused("whole.csv.gz")


HEADER = '''
import os, time
from proxies.registry import proxy

@proxy("mine", direction="higher", needs=["model"], paper="-")
def mine(evidence):
    """Mine."""
'''
MISDEEDS = [
    ("raise SystemExit(0)", "failed", "SystemExit"),
    ("raise MemoryError('no more')", "out-of-memory", "no more"),
    ("raise ValueError('\\ud800' * 200_000)", "failed", "ValueError"),
    ("import torch; return torch.ones((), device='meta')", "failed", "device 'meta'"),
    ("return float('inf')", "infinite", "inf"),
    ("return 10 ** 400", "failed", "number"),
    ("return 'text'", "failed", "the text"),
    ("evidence.model.eval(); return [p.data.zero_() for p in evidence.model.parameters()] and 1.0", "violation", ""),
]


@pytest.mark.parametrize(("body", "status", "said"), MISDEEDS, ids=lambda value: None)
def test_a_guest_costs_its_own_scores_only(body: str, status: str, said: str, capsys: Capture) -> None:
    Path("mine.py").write_text(HEADER + textwrap.indent(body, "    ") + "\n")
    correlation(capsys, "--plugin", "mine.py", "--proxies", "params,l2_norm,mine").done()
    rows = scores()
    theirs = [row for row in rows if row["proxy"] == "mine"]
    assert {(row["status"], row["value"]) for row in theirs} == {(status, "")}, theirs
    assert all(said in row["reason"] and len(row["reason"]) <= 300 for row in theirs)
    assert len({(row["proxy"], row["arch"]) for row in rows}) == len(rows)
    assert all(row["status"] == "ok" and row["value"] for row in rows if row["proxy"] != "mine")
    ended(capsys, "reports run").done()  # our own reader reads what a guest had to say
    with Store(Path("store.sqlite")) as store:
        assert status != "violation" or len(store) == 0  # nothing beside a violation is kept


def scores() -> list[dict[str, str]]:
    return rows_of(Path("run", "scores.csv"))


DEADLY = [
    pytest.param("os._exit(0)", "60", "exit code 0", id="exit"),
    pytest.param("os.kill(os.getpid(), 11)", "60", "killed by signal 11", id="fault", marks=pytest.mark.slow),
    pytest.param("while True: pass", "20", "over the limit of 20 s", id="endless", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("body", "limit", "said"), DEADLY)
def test_one_network_that_kills_its_worker(body: str, limit: str, said: str, capsys: Capture) -> None:
    """The guest does so on the largest network; all others have every score."""
    space, largest = get_space("nb201").with_skeleton(Skeleton(4, 1, 10, 8)), Cell(("nor_conv_3x3",) * 6)
    cells = [largest, *(cell for cell in sample_cells(10, 5) if cell != largest)]
    lines = [f"{cell},{space.skeleton},{50 + i}" for i, cell in enumerate(cells)]
    Path("truth.csv").write_text("\n".join(["arch,skeleton,accuracy", *lines]) + "\n")
    guilty = f"if sum(p.numel() for p in evidence.model.parameters()) >= {space.params(largest)}:\n        {body}"
    Path("mine.py").write_text(HEADER + f"    {guilty}\n    return 1.0\n")
    more = ["--plugin", "mine.py", "--proxies", "params,mine", "--ground-truth", "truth.csv", "--sample", "all"]
    correlation(capsys, *more, "--workers", "2", "--time-limit", limit).done()
    lost = [row for row in scores() if row["status"] != "ok"]
    assert lost and {row["arch"] for row in lost} == {str(largest)}
    assert all(row["status"] == "failed" and said in row["reason"] for row in lost)
    assert len(scores()) == len({row["proxy"] for row in scores()}) * len(cells)


UNLOADABLE = [
    ("raise SystemExit(0)", "ends the program"),
    ("import sys; sys.exit()", "ends the program"),
    ("1 / 0", "ZeroDivisionError"),
    ("import nothing_of_this_name", "install it"),
    ("def f(:", "mine.py, line 1"),
    ("x = 1", "registers nothing"),
    ("\0", "mine.py"),
]


@pytest.mark.parametrize(("content", "said"), UNLOADABLE, ids=lambda value: None)
def test_a_plugin_that_cannot_be_loaded(content: str, said: str, capsys: Capture) -> None:
    Path("mine.py").write_text(content)
    correlation(capsys, "--plugin", "mine.py").refused(said)
    assert not Path("run").exists()


STRATEGY = '''
from benchmarks.search.protocol import Strategy, Trial
from benchmarks.search.registry import strategy

@strategy("mine", paper="-")
class Mine(Strategy):
    """Mine."""
    def propose(self):
        BODY
'''


STRATEGIES = [
    ("raise SystemExit(0)", "ends the program"),
    ("import sys; sys.exit()", "ends the program"),
    ("return 1 / 0", "ZeroDivisionError"),
]


@pytest.mark.parametrize(("body", "said"), STRATEGIES, ids=lambda value: None)
def test_no_success_without_a_result_whatever_a_strategy_does(body: str, said: str, capsys: Capture) -> None:
    Path("mine.py").write_text(STRATEGY.replace("BODY", body))
    line = "benchmarks.search --plugin mine.py --strategy mine --score params --budget 3 --skeleton c4n1k10r8"
    found = ended(capsys, f"{line} --device cpu --store store.sqlite --out run")
    found.refused("mine.py, line 9", said, code=1)
    assert not Path("run", "manifest.json").exists()


AGGREGATES = [
    ("return [1.0]", "gave 1 values for 3 networks"),
    ("return 'abc'", "gave a text"),
    ("return None", "gave NoneType"),
    ("return [1.0, 'b', 2.0]", "the text 'b'"),
    ("return 1 / 0", "ZeroDivisionError"),
    ("raise SystemExit(0)", "SystemExit"),
    ("import itertools; return itertools.repeat(1.0)", "gave more than 3 values for 3 networks"),
    ("import torch; torch.set_default_dtype(torch.float64); return list(a)", "changed"),
]


@pytest.mark.parametrize(("body", "said"), AGGREGATES, ids=lambda value: None)
def test_an_aggregate_that_fails_is_named(body: str, said: str) -> None:
    import torch

    with pytest.raises(DataError, match=r"the aggregate mine of mine\.py@") as caught:
        joined(aggregate_of(body), [np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])])
    assert said in str(caught.value) and torch.get_default_dtype() is torch.float32


def test_an_aggregate_has_a_value_where_it_is_finite() -> None:
    info = aggregate_of("a[0] if 0 else None; return [a[0] + b[0], float('nan'), float('-inf')]")
    found = joined(info, [np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])])
    np.testing.assert_array_equal(found, [3.0, np.nan, np.nan])


def aggregate_of(body: str) -> AggregateInfo:
    """A plugin's."""
    Path("mine.py").write_text(
        "from proxies.registry import aggregate\n\n@aggregate('mine', parts=['params', 'flops'], paper='-')\n"
        f"def mine(a, b):\n    '''Mine.'''\n    {body}\n"
    )
    load_plugin("mine.py")
    return next(info for info in aggregates() if info.name == "mine")


BESIDE = {
    "a list": b"[1, 2]",
    "other bytes": b"\xff\xfe\x00",
    "deep nesting": b"[" * 100_000,
    "a number": b"7",
    "nothing": b"",
    "a huge number": b'{"program": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("content", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("file", ["settings.json", "manifest.json", "sections.json"])
def test_a_run_folder_of_anything(file: str, content: bytes, capsys: Capture) -> None:
    Path("run").mkdir()
    Path("run", file).write_bytes(content)
    Path("run", "dear.txt").write_text("kept")
    for more in ([], ["--replace"]):
        found = correlation(capsys, *more)
        if file != "sections.json":  # a folder that no run of ours began is not ours to empty
            found.refused("holds another run", code=2)
    if file != "sections.json":
        ended(capsys, "reports run").refused("run")
    assert Path("run", "dear.txt").read_text() == "kept"


def test_settings_say_what_another_run_was(capsys: Capture) -> None:
    correlation(capsys).done()
    correlation(capsys, "--batch-size", "16").refused("batch_size: 8 there, 16 now", "--replace", code=2)
    assert json.loads(Path("run", "settings.json").read_text())["studies"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00table", b"no table", b"x" * 200_000, b"a,b\n1,2\n"])
def test_a_harvest_table_of_anything(content: bytes, capsys: Capture) -> None:
    Path("table.csv").write_bytes(content)
    line = "benchmarks.harvest --protocol glance --cells 1 --device cpu --workers 1 --table table.csv"
    ended(capsys, line).refused("table.csv")
    assert Path("table.csv").read_bytes() == content
