"""The store: exact answers, keyed by the whole question, whole after any interruption."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.store import APPLICATION_ID, LAYOUT, Store
from diswot_errors import DataError

QUESTION = Question(
    space="nb201",
    skeleton="c16n5k10r32",
    proxy="m_s",
    version=1,
    origin="diswot-bench",
    init="gaussian",
    seed=0,
    images="embedded",
    batch_size=64,
    split="train",
    batch_seed=0,
    teacher="resnet56",
    teacher_init="gaussian",
    teacher_seed=1000,
    device="cpu",
    precision="fp32",
    torch="2.13.0",
    recipe=1,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "scores.sqlite"


def test_answers_come_back_to_the_bit(path: Path) -> None:
    values = [0.1 + 0.2, 0.0, 5e-324, 1.7976931348623157e308, 1e61, 3.0]
    answers = {f"arch {i}": Answer(value, "ok", "done in 2 parts", 0.125) for i, value in enumerate(values)}
    answers["nan"] = Answer(None, "nan", "the formula gives no number", 0.5)
    with Store(path) as store:
        store.add([(QUESTION, arch, answer) for arch, answer in answers.items()])
    with Store(path) as store:
        known = store.known(QUESTION)
        assert len(store) == len(answers)
    assert known == answers
    assert [str(known[f"arch {i}"].value) for i in range(len(values))] == [str(value) for value in values]


@pytest.mark.parametrize("name", [field.name for field in fields(Question)])
def test_every_part_of_the_question_counts(path: Path, name: str) -> None:
    old = getattr(QUESTION, name)
    other = replace(QUESTION, **{name: old + 1 if isinstance(old, int) else old + "x"})
    with Store(path) as store:
        store.add([(QUESTION, "333", Answer(1.0, "ok")), (other, "333", Answer(2.0, "ok"))])
        assert store.known(QUESTION)["333"].value == 1.0
        assert store.known(other)["333"].value == 2.0
        assert store.known(replace(other, space="another")) == {}


def test_an_answer_stays_and_accidents_are_not_kept(path: Path) -> None:
    with Store(path) as store:
        store.add([(QUESTION, "a", Answer(1.0, "ok")), (QUESTION, "b", Answer(None, "not-applicable", "no ReLU"))])
        store.add([(QUESTION, "a", Answer(2.0, "ok"))])
        store.add([(QUESTION, "c", Answer(None, "out-of-memory")), (QUESTION, "d", Answer(None, "failed"))])
        assert store.known(QUESTION) == {"a": Answer(1.0, "ok"), "b": Answer(None, "not-applicable", "no ReLU")}


def test_add_is_all_or_nothing(path: Path) -> None:
    with Store(path) as store:
        with pytest.raises(DataError):  # the second row has no architecture
            store.add([(QUESTION, "a", Answer(1.0, "ok")), (QUESTION, None, Answer(1.0, "ok"))])  # type: ignore[list-item]
        assert store.known(QUESTION) == {}
        store.add([(QUESTION, "a", Answer(1.0, "ok"))])
        assert len(store) == 1


def test_two_writers_wait_for_each_other(path: Path) -> None:
    with Store(path) as first, Store(path) as second:
        first.add([(QUESTION, "a", Answer(1.0, "ok"))])
        second.add([(QUESTION, "b", Answer(2.0, "ok"))])
        assert set(first.known(QUESTION)) == {"a", "b"}


def test_survives_a_kill_while_writing(path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from test_store import QUESTION\n"
        "from benchmarks.scoring.question import Answer\n"
        "from benchmarks.scoring.store import Store\n"
        f"store = Store(Path({str(path)!r}))\n"
        "i = 0\n"
        "while True:\n"
        "    store.add([(QUESTION, f'{i} {k}', Answer(1.0, 'ok')) for k in range(100)])\n"
        "    i += 1\n"
        "    print(i, flush=True)\n"
    )
    root = Path(__file__).parents[1]
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    told = 0
    with process.stdout:
        while told < 5:
            told = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        told = max([told, *(int(line) for line in process.stdout if line.endswith("\n"))])
    process.wait()
    with Store(path) as store:
        known = store.known(QUESTION)
        assert len(known) % 100 == 0  # whole transactions only
        assert len(known) >= 100 * told  # and none that had been reported is lost
        store.add([(QUESTION, "more", Answer(1.0, "ok"))])


def test_a_foreign_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"another program.*bookmarks.*choose another --store"):
        Store(path)
    assert path.read_bytes() == before


def test_a_newer_layout_is_left_alone(path: Path) -> None:
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {LAYOUT + 1}")
    connection.commit()
    connection.close()
    with pytest.raises(DataError, match=f"newer version.*layout {LAYOUT + 1}, expected {LAYOUT}"):
        Store(path)


def test_no_database_at_all(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("arch,accuracy\n" * 100)
    with pytest.raises(DataError, match=r"no score store or is damaged.*--store"):
        Store(path)
    assert path.read_text().startswith("arch")


def test_a_damaged_store(path: Path) -> None:
    with Store(path) as store:
        store.add([(QUESTION, f"arch {i}" * 20, Answer(1.0, "ok")) for i in range(500)])
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged: move it away"), Store(path) as store:
        store.known(QUESTION)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="choose another --store"):
        Store(tmp_path / "file" / "scores.sqlite")
    with pytest.raises(DataError, match="is a folder"):
        Store(tmp_path)


def test_the_header_says_whose_it_is(path: Path) -> None:
    Store(path).close()
    assert int.from_bytes(path.read_bytes()[68:72], "big") == APPLICATION_ID


def damaged(path: Path, change: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE scores SET value = value + 1e-12 WHERE arch = 'a'",
        "UPDATE scores SET value = 'text' WHERE arch = 'a'",
        "UPDATE scores SET value = 9e999 WHERE arch = 'a'",
        "UPDATE scores SET status = 'nan' WHERE arch = 'a'",
        "UPDATE scores SET reason = CAST(X'ff' AS TEXT) WHERE arch = 'a'",
        "UPDATE scores SET seconds = 7 WHERE arch = 'a'",
        "UPDATE scores SET arch = 'c' WHERE arch = 'a'",
        "UPDATE scores SET arch = CAST(X'fffe' AS TEXT) WHERE arch = 'a'",
        "UPDATE scores SET checksum = 0 WHERE arch = 'a'",
    ],
)
def test_a_damaged_answer_is_dropped_counted_and_taken_anew(path: Path, change: str) -> None:
    answers = {"a": Answer(1.5, "ok", "", 2.0), "b": Answer(None, "nan", "why", 1.0)}
    with Store(path) as store:
        store.add([(QUESTION, arch, answer) for arch, answer in answers.items()])
    damaged(path, change)
    with Store(path) as store:
        assert store.known(QUESTION) == {"b": answers["b"]} and store.damaged == 1
        store.add([(QUESTION, "a", answers["a"])])
        assert store.known(QUESTION) == answers and store.damaged == 1


def test_a_damaged_question_has_no_answers(path: Path) -> None:
    with Store(path) as store:
        store.add([(QUESTION, "a", Answer(1.5, "ok"))])
    damaged(path, f"UPDATE questions SET seed = {QUESTION.seed + 1}")
    with Store(path) as store:
        assert store.known(QUESTION) == {}
        assert store.known(replace(QUESTION, seed=QUESTION.seed + 1)) == {} and store.damaged == 1


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_never_give_another_value(path: Path, seed: int) -> None:
    answers = {str(i): Answer(i / 7, "ok", "", 1.0) for i in range(200)}
    with Store(path) as store:
        store.add([(QUESTION, arch, answer) for arch, answer in answers.items()])
    rng, content = random.Random(seed), bytearray(path.read_bytes())
    for _ in range(3):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    try:
        with Store(path) as store:
            found = store.known(QUESTION)
    except DataError as error:
        assert str(path) in str(error)
    else:
        assert found.items() <= answers.items()
