"""How scores are compared and told, by hand."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from scoring_support import SETTING
from test_released import QUESTION

from benchmarks.scores.books import read_rows, write_rows
from benchmarks.scores.compare import Conflict, close, diff, unverifiable
from benchmarks.scores.told import conflicts_text
from benchmarks.scoring.question import Answer
from diswot_errors import DataError
from proxies.registry import get


def test_close_is_relative_to_the_larger_value() -> None:
    def near(one: float, other: float) -> bool:
        return close(Answer(one, "ok"), Answer(other, "ok")) and close(Answer(other, "ok"), Answer(one, "ok"))

    assert near(1e9, 1.0009e9) and not near(1e9, 1.0011e9)
    assert near(1e-9, 1.0009e-9) and not near(1e-9, 1.0011e-9) and not near(-1e-9, 1e-9) and near(0.0, 0.0)


def test_a_difference_counts_each_side_by_hand() -> None:
    other, one, two = replace(QUESTION, seed=7), Answer(1.0, "ok"), Answer(2.0, "ok")
    left = [(QUESTION, {"a": one, "b": one, "c": one, "d": one})]
    right = [(QUESTION, {"c": one, "d": two, "e": one}), (other, {"a": one, "b": one})]
    found = diff(left, right)
    assert (found.first, found.second, found.alike) == (2, 3, 1)
    assert found.conflicts == (Conflict(QUESTION, "d", one, two),)
    assert (diff(right, left).first, diff(right, left).second) == (3, 2)


@pytest.mark.parametrize(("value", "status"), [("1.5", "nan"), ("", "ok")])
def test_a_value_and_no_status_of_one_contradict_each_other(tmp_path: Path, value: str, status: str) -> None:
    file = tmp_path / "rows.csv"
    write_rows(file, [(QUESTION, {"a": Answer(1.5, "ok")})])
    file.write_text(file.read_text().replace(",1.5,ok,", f",{value},{status},"))
    with pytest.raises(DataError, match=r"rows\.csv, row 2: status"):
        read_rows(file)


def test_the_first_twenty_conflicts_are_shown() -> None:
    conflicts = [Conflict(QUESTION, str(i), Answer(1.0, "ok"), Answer(2.0, "ok")) for i in range(21)]
    assert conflicts_text(conflicts, "w").splitlines()[-1] == "  and 1 more"
    assert len(conflicts_text(conflicts[:20], "w").splitlines()) == 21


def test_a_teacher_of_the_seed_can_be_computed_again_and_one_of_a_file_not() -> None:
    for seed in (0, 1):
        asked = SETTING.question(get("m_r"), seed)
        table = SimpleNamespace(card=SimpleNamespace(any_question=asked))
        assert unverifiable(table) == ""  # type: ignore[arg-type]
        table.card.any_question = replace(asked, teacher_seed=5)
        assert unverifiable(table) == "scored with a teacher of a file"  # type: ignore[arg-type]
