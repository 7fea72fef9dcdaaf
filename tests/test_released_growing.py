"""Released tables that grow: whoever is killed, whoever comes second, whatever is not the project's."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from scoring_support import cells
from test_released import QUESTION, some_answers

from benchmarks.scores import compare
from benchmarks.scoring import release as writing
from benchmarks.scoring.question import Answer
from benchmarks.scoring.released import Released, read_card, release_of, waiting
from diswot_errors import DataError
from nb201_data.sealed import locked, write_whole


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_writer_that_is_killed_leaves_a_table_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, there: bool
) -> None:
    """Behind the content, behind the card, before anything: what was there or what comes, and growing goes on."""
    answers = some_answers()
    first, rest = dict(list(answers.items())[:3]), dict(list(answers.items())[3:])
    if there:
        writing.release([(QUESTION, first)], tmp_path)
    done = 0

    def killed(*given: object) -> None:
        nonlocal done
        if done == steps:
            raise KeyboardInterrupt
        done += 1
        write_whole(*given)  # type: ignore[arg-type]

    put = Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if self.name.endswith(".npz.next"):
            raise KeyboardInterrupt
        return put(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_whole", killed)
        patch.setattr(Path, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            writing.release([(QUESTION, rest)], tmp_path)
    now = (answers if there else rest) if steps == 2 else first if there else {}
    assert Released(tmp_path).known(QUESTION) == now
    writing.release([(QUESTION, answers)], tmp_path)
    assert Released(tmp_path).known(QUESTION) == answers
    writing.release([(replace(QUESTION, proxy="m_r"), answers)], tmp_path)
    table = Released(tmp_path).tables[0]
    assert not waiting(table.path.with_suffix(".npz")).exists()
    assert Released(tmp_path).known(replace(QUESTION, proxy="m_r")) == answers


def test_two_builds_of_one_torch_are_one_question(tmp_path: Path) -> None:
    answers = some_answers()
    first, rest = dict(list(answers.items())[:3]), dict(list(answers.items())[3:])
    other = replace(QUESTION, torch=f"{release_of(QUESTION.torch)}+cu999")
    writing.release([(QUESTION, first), (other, rest)], tmp_path)
    assert Released(tmp_path).known(QUESTION) == answers


def test_another_torch_adds_nothing_until_it_is_verified(tmp_path: Path) -> None:
    writing.release([(QUESTION, some_answers())], tmp_path)
    table = Released(tmp_path).tables[0]
    card = replace(table.card, reproduces=("1.0",))
    table.path.write_text(card.text())
    arch = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    (said,) = writing.release([(QUESTION, {arch: Answer(1.0, "ok")})], tmp_path)
    assert "nothing added" in said and "verify --record" in said
    assert read_card(table.path).networks == len(some_answers())


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    writing.release([(QUESTION, some_answers())], tmp_path)
    other = replace(QUESTION, proxy="m_r")
    second = threading.Thread(target=writing.release, args=([(other, some_answers())], tmp_path))
    with locked(tmp_path / writing.LOCK, "busy"):
        second.start()
        second.join(0.2)
        assert second.is_alive() and not Released(tmp_path).known(other)
    second.join(20)
    assert Released(tmp_path).known(other) == some_answers()


@pytest.mark.parametrize(
    "own",
    [{"images": "/home/me/photos#631c5fd6@32"}, {"teacher": "resnet20", "teacher_init": "sha256:0d7818eb35f95925"}],
)
def test_what_is_somebodys_own_is_not_released(tmp_path: Path, own: dict[str, str]) -> None:
    assert writing.release([(replace(QUESTION, **own), some_answers())], tmp_path) == []  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_card_that_does_not_describe_its_file_is_refused(tmp_path: Path) -> None:
    writing.release([(QUESTION, some_answers())], tmp_path)
    table = Released(tmp_path).tables[0]
    column = table.card.columns["m_s"]
    for columns in ({"m_r": column}, {"m_s": replace(column, outcomes=())}):
        table.path.write_text(replace(table.card, columns=columns).text())
        with pytest.raises(DataError, match="names other columns or outcomes than its file holds"):
            Released(tmp_path).tables[0].arrays  # noqa: B018
    other = {**table.card.setting, "seed": 5, "batch_seed": 5}
    table.path.write_text(replace(table.card, setting=other).text())
    with pytest.raises(DataError, match="by its setting it is nb201-"):
        Released(tmp_path)
    table.path.write_text(replace(table.card, columns={}).text())
    with pytest.raises(DataError, match="names no proxy"):
        Released(tmp_path)


def test_what_cannot_be_computed_here_is_left_out_of_a_verification(tmp_path: Path) -> None:
    writing.release([(QUESTION, some_answers())], tmp_path)
    table = Released(tmp_path).tables[0]
    elsewhere = replace(table.card, setting={**table.card.setting, "device": "NVIDIA H200"})
    assert compare.unverifiable(replace(table, card=elsewhere)) == "scored on NVIDIA H200"
    taught = {**table.card.setting, "teacher": "resnet20", "teacher_seed": 0}
    assert "teacher of a file" in compare.unverifiable(replace(table, card=replace(table.card, setting=taught)))


def test_who_read_the_card_before_a_table_grew_reads_what_it_is_now(tmp_path: Path) -> None:
    answers = some_answers()
    first = dict(list(answers.items())[:3])
    writing.release([(QUESTION, first)], tmp_path)
    early, late = Released(tmp_path), Released(tmp_path)
    assert late.known(QUESTION) == first
    writing.release([(QUESTION, answers)], tmp_path)
    assert early.known(QUESTION) == answers and late.known(QUESTION) == first
    with pytest.raises(DataError, match="has grown since it was verified: verify it again"):
        writing.record_torch(late.tables[0], "99.0")
    writing.record_torch(early.tables[0], "99.0")
    assert Released(tmp_path).known(replace(QUESTION, torch="99.0")) == answers


def test_a_column_has_as_many_reasons_as_it_needs(tmp_path: Path) -> None:
    answers = {arch: Answer(None, "nan", f"reason {i}") for i, arch in enumerate(cells(300))}
    writing.release([(QUESTION, answers)], tmp_path)
    assert Released(tmp_path).known(QUESTION) == answers
