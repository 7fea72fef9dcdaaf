"""`benchmarks.scores` and `benchmarks.sweep`: nothing is lost, merging twice is as once, every conflict is told."""

import csv
import dataclasses
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from scoring_support import SETTING, cells, write_truth
from test_released import QUESTION, some_answers

from benchmarks import sweep
from benchmarks.engines.local import Local
from benchmarks.scores import __main__ as command
from benchmarks.scores.books import COLUMNS
from benchmarks.scores.compare import TOLERANCE, close
from benchmarks.scoring import release as writing
from benchmarks.scoring.order import space_order
from benchmarks.scoring.question import Answer
from benchmarks.scoring.released import Released
from benchmarks.scoring.runner import Answers, Request, Runner
from benchmarks.scoring.scorer import Scorer
from benchmarks.scoring.store import Store
from benchmarks.scoring.swept import swept
from diswot_errors import DataError, UsageError
from proxies.registry import get

OTHER = replace(QUESTION, proxy="m_r", teacher="|a, b|\n")  # text that a CSV must quote


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A store with two questions."""
    path = tmp_path / "full.sqlite"
    with Store(path) as store:
        store.add([(question, arch, a) for question in (QUESTION, OTHER) for arch, a in some_answers().items()])
    return path


def run(*arguments: object) -> int:
    """`run(action, ..., "--store", FILE)`: options of all actions stand before the action."""
    words = [str(argument) for argument in arguments]
    first = [i for i, word in enumerate(words) if word in ("--store", "--tables")]
    before = [word for i in first for word in words[i : i + 2]]
    return command.main([*before, *(word for i, word in enumerate(words) if i not in first and i - 1 not in first)])


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_out_and_in_again_to_the_bit(tmp_path: Path, full: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install .[parquet]")
    file, copy = tmp_path / f"scores{suffix}", tmp_path / "copy.sqlite"
    assert run("export", file, "--store", full) == 0
    assert run("import", file, "--store", copy) == 0
    with Store(full) as first, Store(copy) as second:
        assert dict(first) == dict(second) and len(second) == 2 * len(some_answers())


def test_a_damaged_parquet_file_is_named(tmp_path: Path, full: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install .[parquet]")
    from pyarrow import parquet

    file = tmp_path / "scores.parquet"
    assert run("export", file, "--store", full) == 0
    whole = file.read_bytes()
    for damaged in (b"", b"PAR1", whole[:-20], whole[: len(whole) // 2], b"x" * 100):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=r"scores\.parquet cannot be read"):
            run("import", file, "--store", tmp_path / "new.sqlite")
    file.write_bytes(whole)
    table = parquet.read_table(file)
    assert table.schema.field("seed").type == pyarrow.int64() and table.schema.field("value").type == pyarrow.float64()
    parquet.write_table(table.drop_columns(["seconds"]), file)
    with pytest.raises(DataError, match=r"scores\.parquet lacks the columns seconds: expected a file that"):
        run("import", file, "--store", tmp_path / "new.sqlite")


def test_without_pyarrow_parquet_says_what_to_install(
    tmp_path: Path, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'diswot-bench\[parquet\]'"):
        run("export", tmp_path / "scores.parquet", "--store", full)


def test_a_row_that_is_wrong_is_named_and_nothing_is_added(tmp_path: Path, full: Path) -> None:
    file = tmp_path / "scores.csv"
    run("export", file, "--store", full)
    rows = list(csv.reader(file.read_text().splitlines(keepends=True)))
    assert tuple(rows[0]) == COLUMNS
    wrongs = [
        ("seed", "one"),
        ("seed", "9" * 23),
        ("value", ""),
        ("value", "nan"),
        ("value", "inf"),
        ("status", "failed"),
    ]
    for column, wrong in (*wrongs, ("seconds", "")):
        damaged = [list(row) for row in rows]
        damaged[3][COLUMNS.index(column)] = wrong
        with file.open("w", newline="") as stream:
            csv.writer(stream).writerows(damaged)
        with pytest.raises(DataError, match="row 4"):
            run("import", file, "--store", tmp_path / "new.sqlite")


def test_merging_is_idempotent_and_tells_every_conflict(
    tmp_path: Path, full: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.sqlite"
    arch, *_ = some_answers()
    with Store(mine) as store:
        store.add([(QUESTION, arch, Answer(9.0, "ok")), (QUESTION, "mine", Answer(1.0, "ok"))])
    for new in (17, 0):
        assert run("merge", full, "--store", mine) == 1
        out = capsys.readouterr().out
        assert f"{full}: {new} new scores, 1 conflict\n" in out and out.count(f"of {arch} on nb201") == 1
        assert "9.0 and 0.30000000000000004" in out
    with Store(mine) as store:
        known = store.known(QUESTION)
        assert known[arch].value == 9.0 and len(known) == 10
    assert run("diff", mine, full) == 1
    assert "sqlite: 1\n" in (out := capsys.readouterr().out) and "alike: 17" in out and "1 conflict" in out
    assert run("diff", full, full) == 0


def test_info_counts_by_setting(full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("info", full)
    out = capsys.readouterr().out
    first, alike, head, _, *rows = out.splitlines()
    assert first == f"{full}: 18 scores"
    assert alike.startswith("all: space nb201, skeleton c16n5k10r32, weights gaussian, seed 0, ")
    assert head.split() == ["teacher", "proxies", "networks", "scores"]
    assert [row.split()[-3:] for row in rows] == [["1", "9", "9"]] * 2


def test_a_file_that_is_no_export_is_told_from_one(tmp_path: Path) -> None:
    for content, said in (("arch,accuracy\na,1\n", "lacks the columns space, skeleton"), ("", "holds no score")):
        (tmp_path / "mine.csv").write_text(content)
        with pytest.raises(DataError, match=said):
            run("info", tmp_path / "mine.csv")


def test_files_as_spreadsheets_and_accidents_leave_them(tmp_path: Path, full: Path) -> None:
    file, packed = tmp_path / "scores.csv", tmp_path / "scores.csv.gz"
    run("export", file, "--store", full)
    text = file.read_text()
    file.write_text("\ufeff" + text)
    assert run("import", file, "--store", tmp_path / "new.sqlite") == 0
    first, row = text.splitlines()[:2]
    (cells,) = csv.reader([row])
    cells[COLUMNS.index("value")] = "0.125"
    file.write_text("\n".join([first, row, ",".join(f'"{cell}"' for cell in cells)]) + "\n")
    with pytest.raises(DataError, match=r"row 3: .* has another answer"):
        run("info", file)
    run("export", packed, "--store", full)
    packed.write_bytes(packed.read_bytes()[:40] + b"\xff" * 40)
    file.write_text(f"{first}\n" + "x" * 200_000 + "\n")
    for damaged in (packed, file):
        with pytest.raises(DataError, match="cannot be read"):
            run("info", damaged)
    (tmp_path / "empty.txt").touch()
    with pytest.raises(DataError, match="is empty"):
        run("info", tmp_path / "empty.txt")
    assert (tmp_path / "empty.txt").stat().st_size == 0


def test_an_export_overwrites_nothing_unasked(tmp_path: Path, full: Path) -> None:
    (tmp_path / "thesis.csv").write_text("dear")
    with pytest.raises(UsageError, match="give --force"):
        run("export", tmp_path / "thesis.csv", "--store", full)
    assert (tmp_path / "thesis.csv").read_text() == "dear"
    (tmp_path / "link.csv").symlink_to(tmp_path / "thesis.csv")
    assert run("export", tmp_path / "link.csv", "--force", "--store", full) == 0
    assert (tmp_path / "link.csv").is_symlink() and (tmp_path / "thesis.csv").read_text().startswith("space,")


def test_tables_that_are_not_there_are_refused(tmp_path: Path) -> None:
    for main, given in ((command.main, ["verify"]), (sweep.main, ["--cells", "2"])):
        with pytest.raises(UsageError, match="no such folder"):
            main([*given, "--tables", str(tmp_path / "none")])


def test_options_may_stand_behind_the_action(full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--store", str(full), "info", "--dry-run"]) == 0
    assert "nothing was done" in capsys.readouterr().out
    mine = str(tmp_path / "mine.sqlite")
    assert command.main(["merge", str(full), "--store", mine]) == 0 and "18 new" in capsys.readouterr().out
    assert command.main(["--store", mine, "diff", mine, str(full)]) == 0


def test_what_is_no_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing at"):
        run("info", tmp_path / "missing")
    with pytest.raises(UsageError, match="holds no released tables"):
        run("info", tmp_path)


def test_verify_computes_again_and_finds_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archs, tables = cells(3), tmp_path / "tables"
    with Store(tmp_path / "s.sqlite") as store, Runner(store) as runner:
        runner.scores(SETTING, [get("nwot"), get("l2_norm")], archs, [0])
        writing.release(store, tables)
    assert run("verify", "--tables", tables, "--sample", 3, "--record") == 0
    assert "6 scores to the bit, 0 within" in capsys.readouterr().out
    question = SETTING.question(get("nwot"), 0)
    found = dict(Released(tables))[question]
    wrong = {arch: replace_value(answer, 1 + 3 * TOLERANCE) for arch, answer in found.items()}
    writing.write_table(Released(tables).tables[0].path, {"nwot": (question, wrong)}, ("1.0",))
    assert run("verify", "--tables", tables, "--sample", 2, "--record") == 1
    assert "2 conflicts" in capsys.readouterr().out
    assert Released(tables).tables[0].card.reproduces == ("1.0",)  # what contradicts is not recorded
    old = {"nwot": (dataclasses.replace(question, version=question.version - 1), found)}
    writing.write_table(Released(tables).tables[0].path, old, ("1.0",))
    assert run("verify", "--tables", tables, "--sample", 2, "--record") == 0
    assert "0 scores to the bit, 0 within 0.001; too few of nwot" in capsys.readouterr().out
    assert Released(tables).tables[0].card.reproduces == ("1.0",)  # nor what nothing was compared of


def replace_value(answer: Answer, factor: float) -> Answer:
    assert answer.value is not None
    return answer._replace(value=answer.value * factor)


def test_close_is_relative() -> None:
    one = Answer(2.0, "ok")
    assert close(one, Answer(2.0 * (1 + TOLERANCE / 2), "ok")) and not close(
        one, Answer(2.0 * (1 + 2 * TOLERANCE), "ok")
    )
    assert close(Answer(None, "nan"), Answer(None, "nan")) and not close(one, Answer(None, "nan"))


def test_a_sweep_scores_the_order_goes_on_and_releases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, store, tables = write_truth(tmp_path / "truth.csv"), tmp_path / "s.sqlite", tmp_path / "tables"
    given = ["--ground-truth", truth, "--proxies", "params,m_s", "--batch-size", "4", "--teacher", "resnet20"]
    given += ["--store", store, "--tables", tables, "--workers", "1", "--no-tables"]

    def swept(*more: str) -> str:
        assert sweep.main([*map(str, given), *more]) == 0
        return capsys.readouterr().out

    assert "6 scores" in swept("--cells", "3", "--dry-run") and not tables.exists()
    assert "3 networks, 1 proxy, 3 new scores" in swept("--cells", "3", "--release")
    assert "1 new score" in swept("--cells", "4", "--release")
    for _, found in Released(tables):
        assert list(found) == list(space_order("nb201")[:4])
    with closing(sqlite3.connect(store)) as disk, disk:
        (right,) = disk.execute("SELECT MAX(value) FROM scores").fetchone()
        disk.execute("UPDATE scores SET value = value + 1 WHERE value = ?", (right,))
    assert sweep.main([*map(str, given), "--cells", "4"]) == 0
    assert f"{store}: 1 answer damaged on disk, left out and computed again" in capsys.readouterr().err
    with closing(sqlite3.connect(store)) as disk:
        assert disk.execute("SELECT MAX(value) FROM scores").fetchone() == (right,)
    monkeypatch.setattr(
        Scorer, "_answers", lambda self, arch, names, scene: dict.fromkeys(names, Answer(None, "failed"))
    )
    assert sweep.main([*map(str, given), "--cells", "6"]) == 0
    assert "4 scores failed and are not kept: the same command tries again" in capsys.readouterr().err
    given[given.index(store)] = tmp_path / "other.sqlite"
    assert sweep.main([*map(str, given), "--proxies", "m_s", "--cells", "2"]) == 1
    with pytest.raises(UsageError, match="--cells 99999999: there are 15,625 networks"):
        swept("--cells", "99999999", "--dry-run")


def test_the_order_of_the_harvest_is_one_of_cells(reference_data: Path) -> None:
    with pytest.raises(UsageError, match="one of cells of nb201"):
        sweep.main(["--space", "s0", "--ground-truth", "s0:kd", "--order", "harvest"])


def test_a_sweep_asks_for_enough_networks_to_keep_all_workers_busy(tmp_path: Path) -> None:
    sizes: list[int] = []

    class Counting(Runner):
        def answer(self, requests: Sequence[Request], label: str = "") -> list[Answers]:
            sizes.append(len(requests[0].archs))
            return []

    def part(archs: Sequence[str]) -> list[Request]:
        return [Request(SETTING, [get("m_s")], archs, [0])]

    with Store(tmp_path / "s.sqlite") as store:
        for workers, together in ((2, 1), (128, 1), (4, 16)):
            assert swept(Counting(store, Local(workers), together), part, space_order("nb201")[:2500], "", None) == 0
    assert sizes == [500] * 5 + [2048, 452] + [1024, 1024, 452]
