"""Released tables: what goes in comes out to the bit, by the same question alone; a run asks them after the store."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scoring_support import SETTING, cells
from test_store import QUESTION as SOME

from benchmarks.scoring import release as writing
from benchmarks.scoring.order import places, shuffled, space_order
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.released import RELEASED, Released, planes, release_of
from benchmarks.scoring.runner import Job, Runner
from benchmarks.scoring.setting import RECIPE, torch_version
from benchmarks.scoring.store import Store
from diswot_errors import DataError
from nb201_data.space import Cell, all_cells
from proxies.registry import get

QUESTION = replace(SOME, recipe=RECIPE, torch=torch_version(), images="embedded:10@32")
LIMIT = 25 * 2**20
VALUES = [0.1 + 0.2, 0.0, 5e-324, -1.7976931348623157e308, 1e61, 3.0, -2.5]


def some_answers() -> dict[str, Answer]:
    """Values of every size, and two kinds of none."""
    archs = cells(len(VALUES) + 2)
    found = {arch: Answer(value, "ok", "", 0.25) for arch, value in zip(archs, VALUES, strict=False)}
    return found | {archs[-2]: Answer(None, "nan", "why", 0.25), archs[-1]: Answer(None, "infinite", "how", 0.25)}


def test_answers_come_back_to_the_bit(tmp_path: Path) -> None:
    answers = some_answers()
    said = writing.release([(QUESTION, answers)], tmp_path)
    assert len(said) == 1 and "9 networks, 1 proxy, 9 new scores" in said[0]
    known = Released(tmp_path).known(QUESTION)
    assert known == answers
    assert [str(known[arch].value) for arch in answers] == [str(answer.value) for answer in answers.values()]
    two = list(answers)[:2]
    assert Released(tmp_path).known(QUESTION, [*two, "|no cell|"]) == {arch: answers[arch] for arch in two}


def test_planes_are_the_bytes_of_little_endian_floats() -> None:
    made = planes(np.array(VALUES))
    assert made.shape == (8, len(VALUES))
    assert [bytes(made[:, i]) for i in range(len(VALUES))] == [np.float64(v).astype("<f8").tobytes() for v in VALUES]


@pytest.mark.parametrize(
    "part",
    [name for name in Question.__dataclass_fields__ if name != "torch"],
)
def test_every_part_of_the_question_counts(tmp_path: Path, part: str) -> None:
    writing.release([(QUESTION, some_answers())], tmp_path)
    old = getattr(QUESTION, part)
    other = replace(QUESTION, **{part: old + 1 if isinstance(old, int) else old + "x"})
    assert Released(tmp_path).known(other) == {}


def test_another_torch_is_the_same_question_where_the_card_says_so(tmp_path: Path) -> None:
    writing.release([(QUESTION, some_answers())], tmp_path)
    release = release_of(torch_version())
    assert Released(tmp_path).known(replace(QUESTION, torch=f"{release}+cu999"))  # another build
    newer = replace(QUESTION, torch="99.0.1+cpu")
    assert not Released(tmp_path).known(newer)
    writing.record_torch(Released(tmp_path).tables[0], "99.0.1+cpu")
    assert Released(tmp_path).known(newer) == some_answers() == Released(tmp_path).known(QUESTION)


def test_tables_grow_and_what_is_released_stays(tmp_path: Path) -> None:
    answers = some_answers()
    first, rest = dict(list(answers.items())[:3]), dict(list(answers.items())[3:])
    writing.release([(QUESTION, first)], tmp_path)
    writing.release([(QUESTION, rest), (replace(QUESTION, proxy="m_r"), first)], tmp_path)
    tables = Released(tmp_path)
    assert len(tables.tables) == 1 and tables.known(QUESTION) == answers
    assert tables.known(replace(QUESTION, proxy="m_r")) == first
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert writing.release([(QUESTION, answers)], tmp_path) == []
    arch = next(iter(answers))
    said = writing.release([(QUESTION, {arch: Answer(7.0, "ok")})], tmp_path)
    assert said == ["m_s: 1 answers differ from the released ones, which stay"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "change", [{"version": 99}, {"origin": "another"}, {"recipe": RECIPE + 1}, {"torch": "1.0"}, {"proxy": "unknown"}]
)
def test_what_this_version_would_not_score_is_not_released(tmp_path: Path, change: dict[str, object]) -> None:
    assert writing.release([(replace(QUESTION, **change), some_answers())], tmp_path) == []  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    writing.release([(QUESTION, some_answers())], tmp_path)
    table = Released(tmp_path).tables[0]
    content = table.path.with_suffix(".npz")
    whole = content.read_bytes()
    content.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    with pytest.raises(DataError, match=r"is altered: expected sha256:.*--no-tables"):
        Released(tmp_path).known(QUESTION)
    content.unlink()
    with pytest.raises(DataError, match="though its card is"):
        Released(tmp_path).known(QUESTION)
    content.write_bytes(whole)
    card = json.loads(table.path.read_text())
    table.path.write_text(json.dumps(card | {"order": "0" * 64}))
    with pytest.raises(DataError, match="another order"):
        Released(tmp_path).known(QUESTION)
    table.path.write_text(json.dumps(card | {"format": 2}))
    with pytest.raises(DataError, match="format 2, expected 1"):
        Released(tmp_path)


def test_the_order_is_fixed_whole_and_that_of_a_sample() -> None:
    order = space_order("nb201")
    assert sorted(order) == sorted(map(str, all_cells())) and len(set(order)) == 15_625
    assert list(order[:50]) == shuffled(map(str, all_cells()), 0)[:50] and places("nb201")[order[7]] == 7
    assert space_order("s0")[:3] == ("111", "113", "115") and len(space_order("s0")) == 64


def test_a_space_that_is_never_listed_has_places_and_tables_too(tmp_path: Path) -> None:
    order, place = space_order("autoformer"), places("autoformer")
    archs = [order[number] for number in (0, 70_000, 123_456_789, len(order) - 1)]
    assert [place[arch] for arch in archs] == [0, 70_000, 123_456_789, 1_056_964_607] and len(place) == len(order)
    assert not [text for text in ("x", "", f"{archs[0]}3", "|none~0|") if text in place]
    question = replace(QUESTION, space="autoformer")
    answers = {arch: Answer(value, "ok", "", 0.25) for arch, value in zip(archs, VALUES, strict=False)}
    writing.release([(question, answers | {"x": Answer(1.0, "ok", "", 0.25)})], tmp_path)
    assert Released(tmp_path).known(question) == answers == Released(tmp_path).known(question, [*archs, "x"])
    assert Released(tmp_path).tables[0].archs == archs


def test_a_run_asks_the_store_then_the_tables_then_the_networks(tmp_path: Path) -> None:
    archs, info = cells(4), get("m_s")
    question = SETTING.question(info, 0)
    writing.release([(question, {arch: Answer(float(i), "ok") for i, arch in enumerate(archs[:3])})], tmp_path / "t")
    scored: list[str] = []

    def score(job: Job) -> tuple[Job, list[dict[str, Answer]]]:
        scored.extend(job.archs)
        return job, [dict.fromkeys(job.proxies, Answer(-1.0, "ok")) for _ in job.archs]

    with Store(tmp_path / "s.sqlite") as store:
        store.add([(question, archs[0], Answer(50.0, "ok"))])
        with Runner(store, score=score, released=Released(tmp_path / "t")) as runner:
            found = runner.scores(SETTING, [info], archs, [0])["m_s", 0]
        assert [found[arch].value for arch in archs] == [50.0, 1.0, 2.0, -1.0]
        assert scored == archs[3:] and runner.from_tables == 2
        assert store.known(question).keys() == {archs[0], archs[3]}  # what was looked up is not copied


def test_an_equal_cell_answers_where_the_proxy_says_so(tmp_path: Path) -> None:
    cell = next(cell for cell in all_cells() if cell.pruned() != cell)
    answer = {str(cell.pruned()): Answer(1.5, "ok")}
    writing.release([(QUESTION, answer), (replace(QUESTION, proxy="m_r"), answer)], tmp_path)
    released = Released(tmp_path)
    assert released.known(QUESTION, [str(cell)]) == {}
    assert released.known(QUESTION, [str(cell)], equal_on_equals=True)[str(cell)].value == 1.5


def test_a_card_names_every_machine_that_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archs = cells(3)
    for arch, machine in zip(archs, ("CPU one", "CPU two", "CPU one"), strict=True):
        monkeypatch.setattr(writing.provenance, "device_name", lambda device, said=machine: said)
        writing.release([(QUESTION, {arch: Answer(1.0, "ok")})], tmp_path)
    (table,) = Released(tmp_path).tables
    assert table.card.machine == "CPU one, CPU two" and set(table.archs) == set(archs)


def test_a_column_that_lacks_equals_alone_is_completed(tmp_path: Path) -> None:
    """What a sweep did not score because an equal answered stands in the table; a sample stays the sample it was."""
    order = space_order("nb201")
    dead = next(arch for arch in order[5:] if (cell := Cell.parse(arch)).pruned() != cell)
    form, later = str(Cell.parse(dead).pruned()), order[-1]
    assert order.index(form) < len(order) - 1

    def released(proxy: str, *archs: str) -> dict[str, float | None]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        whole = {arch: Answer(1.0, "ok") for arch in (form, dead, later)}
        some = {arch: Answer(float(n), "ok") for n, arch in enumerate(archs, 7)}
        asked = replace(QUESTION, proxy=proxy, version=get(proxy).version)
        sizes = replace(QUESTION, proxy="params", version=get("params").version)
        writing.release([(sizes, whole), (asked, some)], folder)
        found = Released(folder).known(asked)
        return {arch: answer.value for arch, answer in found.items()}

    assert released("m_r", form, later) == {form: 7.0, dead: 7.0, later: 8.0}
    place = next(at for at in range(5, len(order)) if str(Cell.parse(order[at]).pruned()) in order[:at])
    lacks = str(Cell.parse(order[place]).pruned())
    beginning = [arch for arch in order[: place + 2] if arch != order[place]]
    found = released("m_r", *beginning)  # which no column of the table has
    assert len(found) == place + 2 and found[order[place]] == found[lacks]
    assert len(released("m_r", *beginning[1:])) == place, "with a gap it stays as it is"
    assert released("nwot", form, later) == {form: 7.0, later: 8.0}  # does not say that it is equal on equals
    assert released("m_r", later) == {later: 7.0}  # no equal answers
    first = min(form, dead, key=order.index)
    assert released("m_r", first) == {first: 7.0}  # a beginning ends where it ended


def test_what_is_shipped_is_whole_and_small() -> None:
    released = Released()
    assert released.tables
    for table in released.tables:
        assert table.card.networks == len(table.archs) == len(set(table.archs))
        for proxy, column in table.card.columns.items():
            assert len(table.answers(proxy)) == column.networks
    assert sum(path.stat().st_size for path in RELEASED.iterdir()) < LIMIT
