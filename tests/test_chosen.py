"""The student that each score chooses: by hand, against a naive search, and as a command."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from files_support import rows_of
from tables_support import write_own_truth

from benchmarks import chosen as command
from benchmarks import harvest
from benchmarks.harvesting.order import named_in
from benchmarks.harvesting.rows import CHOSEN, append, read_rows, table_path
from benchmarks.scoring.order import space_order
from benchmarks.scoring.ranked import Scores
from benchmarks.statistics.resamples import Array
from benchmarks.tables import chosen
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import load_chosen, load_ground_truth
from nb201_data.spaces import get_space
from nb201_data.truth import measured
from nb201_data.truth.records import GroundTruth, Record

BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
DEAD = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|"  # nothing reaches the last node
EMPTY = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def record(arch: str, seed: int | None, accuracy: float) -> Record:
    return Record("nb201", arch, "c16n1k100r16", "cifar100@16", "test", 12, "resnet56", "lite", seed, accuracy)


def truth_of(*records: Record) -> GroundTruth:
    return GroundTruth("mine", "user", records, "three networks")


TRUTH = truth_of(record(BEST, 0, 70.0), record(BEST, 1, 72.0), record(EMPTY, 0, 1.0), record("s0", 0, 60.0))


def made(name: str, values: dict[str, float], rest: float = 0.0) -> Scores:
    def of(archs: Sequence[str]) -> Array:
        return np.array([[values.get(arch, rest) for arch in archs]])

    return Scores(name, "common", "kaiming, 64 of images", of)


def test_the_best_of_all_without_its_dead_branches() -> None:
    found = chosen.choices(TRUTH, [made("mine", {BEST: 2.0, DEAD: 3.0})])
    assert found == [chosen.Choice("mine", "kaiming, 64 of images", EMPTY, 1, 15_625)]


def test_of_several_the_first_of_the_fixed_order_and_equals_count_once() -> None:
    order = space_order("nb201")
    few = dict.fromkeys((order[700], order[300], order[500]), 5.0)
    (one,) = chosen.choices(TRUTH, [made("mine", few)])
    space = get_space("nb201")
    live = [str(space.canonical(space.parse(arch))) for arch in (order[300], order[500], order[700])]
    assert (one.arch, one.alike) == (live[0], len(set(live)))
    (one,) = chosen.choices(TRUTH, [made("mine", {EMPTY: 9.0, DEAD: 9.0})])
    assert (one.arch, one.alike) == (EMPTY, 1)


def test_a_network_without_a_value_is_no_choice_and_a_part_of_the_space_no_whole() -> None:
    order = space_order("nb201")
    (one,) = chosen.choices(TRUTH, [made("mine", {order[0]: np.nan, order[1]: 7.0}, rest=-1.0)])
    assert one.arch == str(get_space("nb201").canonical(get_space("nb201").parse(order[1])))
    assert chosen.choices(TRUTH, [made("mine", dict.fromkeys(order[:14_000], 1.0), rest=np.nan)]) == []
    assert len(chosen.choices(TRUTH, [made("mine", dict.fromkeys(order[:14_100], 1.0), rest=np.nan)])) == 1


def test_choices_are_those_of_a_naive_search() -> None:
    rng = np.random.default_rng(0)
    order = space_order("nb201")
    values = dict(zip(order, rng.normal(size=len(order)).tolist(), strict=True))
    (one,) = chosen.choices(TRUTH, [made("mine", values)])
    best = max(order, key=lambda arch: values[arch])
    assert one.arch == str(get_space("nb201").parse(best).pruned())  # type: ignore[attr-defined]


def test_a_space_that_cannot_be_listed_is_refused() -> None:
    former = str(get_space("autoformer").all()[0])
    truth = truth_of(Record("autoformer", former, "", "cifar100", "test", 1, "", "mine", 0, 50.0))
    with pytest.raises(UsageError, match="too many"):
        chosen.choices(truth, [])


def test_runs_of_the_sample_and_of_chosen_ones_are_joined_once() -> None:
    known = chosen.trained(TRUTH, [record(BEST, 1, 99.0), record(BEST, 2, 74.0), record(DEAD, 0, 2.0)])
    assert known.runs == {BEST: [70.0, 72.0, 74.0], EMPTY: [1.0], "s0": [60.0], DEAD: [2.0]}
    assert known.sample == {BEST: [70.0, 72.0], EMPTY: [1.0], "s0": [60.0]}
    assert known.noise is not None and (known.noise.variance, known.noise.freedom) == (4.0, 2)
    assert known.below(BEST) == 1.0  # of the two others
    assert known.below(DEAD) == pytest.approx(1 / 3)


def test_the_table_by_hand() -> None:
    """Two runs of 70 and 72, s^2 = 2 with one degree of freedom: t = 12.706; the gap's se = sqrt(2 (1/2 + 1/1))."""
    truth = truth_of(*TRUTH.records[:3])
    firsts = {"params": BEST, "same": BEST, "none": EMPTY, "new": space_order("nb201")[3]}
    found = chosen.choices(truth, [made(name, {arch: 1.0}) for name, arch in firsts.items()])
    students = chosen.Students(truth, found, chosen.trained(truth, []))
    first, *rest = chosen.sections(students)
    assert first.table is not None
    rows = {
        row[0]: dict(zip([column.name for column in first.table.columns], row, strict=True)) for row in first.table.rows
    }
    params, none = rows["params"], rows["none"]
    assert params["accuracy"].value == 71.0 and params["accuracy"].high == pytest.approx(71 + 12.7062)
    assert (params["runs"], params["below"], params["minus_count"]) == (2, 1.0, None)
    assert rows["same"]["verdict"] == chosen.SAME and none["below"] == 0.0
    assert none["minus_count"].value == -70.0 and none["minus_count"].low == pytest.approx(-70 - 12.7062 * 3**0.5)
    assert str(none["verdict"].kind) == "worse"
    assert rows["new"]["accuracy"] is None and str(rows["new"]["verdict"].kind) == "not-measured"
    assert first.table.rows[-1][0] == "new", "what is not trained stands last"
    assert [section.name for section in rest] == ["lacking"] and rest[0].table is not None
    assert rest[0].table.rows == ((rows["new"]["student"],),)
    words = " ".join(chosen.lead(students))
    assert "name 3 students; 2 of them are trained" in words
    assert (
        "0 better, 1 worse, of 1 choices, which name 1 network (1 of them worse); 1 choose that very network" in words
    )


def test_without_repeated_runs_nothing_is_told_apart() -> None:
    truth = truth_of(record(BEST, 0, 70.0), record(EMPTY, 0, 1.0))
    found = chosen.choices(truth, [made("params", {BEST: 1.0}), made("none", {EMPTY: 1.0})])
    students = chosen.Students(truth, found, chosen.trained(truth, []))
    table = chosen.sections(students)[0].table
    assert table is not None and str(table.rows[1][9].kind) == "open"
    assert "0 have more, the noise of a run not being known, of 1" in " ".join(chosen.lead(students))


@pytest.fixture
def own_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("nb201_data.truth.measured", "benchmarks.harvesting.rows"):
        monkeypatch.setattr(f"{module}.TABLES", tmp_path)
    write_own_truth(tmp_path)
    return tmp_path


def test_chosen_cells_are_part_of_no_truth(own_tables: Path) -> None:
    before = load_ground_truth("kd-nb201")
    assert load_chosen("kd-nb201") == []
    row = read_rows(own_tables / "kd-nb201-lite.csv")[0]
    table = table_path("lite", chosen=True)
    assert table == own_tables / f"{CHOSEN}kd-nb201-lite.csv"
    append(table, [row.__class__(**{**_fields(row), "arch": BEST, "distilled_top1": 39.0, "vanilla_top1": 37.0})])
    assert load_ground_truth("kd-nb201").records == before.records
    assert measured.names() == ["kd-nb201", "kd-nb201:lite:distilled", "kd-nb201:lite:vanilla"]
    assert [(one.arch, one.accuracy) for one in load_chosen("kd-nb201:lite:vanilla")] == [(BEST, 37.0)]
    assert [one.accuracy for one in load_chosen("kd-nb201:lite:distilled:seed=0")] == [39.0]
    assert load_chosen("nb201:cifar100:test:200") == []
    assert list(chosen.beside([load_ground_truth("kd-nb201")], [])) == [], "no score of the whole space, no page"


def _fields(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__slots__}  # type: ignore[attr-defined]


def test_the_command_names_what_is_not_trained_and_the_harvest_takes_it(
    tmp_path: Path, own_tables: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = [made("params", {BEST: 1.0}), made("mine", {EMPTY: 1.0})]
    monkeypatch.setattr(chosen, "released_scores", lambda books, truth, formulas: scores)
    assert command.main(["--dry-run"]) == 0
    assert "2 choices, 2 students not trained" in capsys.readouterr().out
    assert command.main(["--out", str(tmp_path / "run")]) == 0
    assert [row["arch"] for row in rows_of(tmp_path / "run" / "lacking.csv")] == [BEST, EMPTY]
    assert harvest.main(["--archs", str(tmp_path / "run" / "lacking.csv"), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert f"{CHOSEN}kd-nb201-lite.csv: 2 runs of lite to do" in out
    assert not (own_tables / f"{CHOSEN}kd-nb201-lite.csv").exists()


def test_without_scores_of_the_whole_space_the_command_says_what_helps(
    monkeypatch: pytest.MonkeyPatch, own_tables: Path
) -> None:
    monkeypatch.setattr(chosen, "released_scores", lambda books, truth, formulas: [])
    with pytest.raises(DataError, match=r"benchmarks\.sweep --ground-truth kd-nb201:lite:distilled"):
        command.main(["--dry-run"])


def test_named_cells_lose_their_dead_branches_and_stand_once(tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    file.write_text(f"score,arch\na,{BEST}\nb,{DEAD}\nc,{EMPTY}\nd,{BEST}\n")
    assert [str(cell) for cell in named_in(file)] == [BEST, EMPTY]
    file.write_text("arch\n|nor_conv_5x5~0|\n")
    with pytest.raises(DataError, match=r"cells\.csv, line 2, column 'arch'"):
        named_in(file)
    with pytest.raises(SystemExit):
        harvest.main(["--archs", str(file), "--cells", "3"])
