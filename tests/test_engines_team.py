"""What becomes of jobs, held with workers that do as a script says; and how a command comes by its engine."""

import argparse
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import harvest
from benchmarks.command import options as shared
from benchmarks.command.engine import engine_of
from benchmarks.engines import device, provenance
from benchmarks.engines.local import Local, Workers
from benchmarks.engines.ray import _begun, connect, differing
from benchmarks.engines.registry import ENGINES
from benchmarks.engines.team import Hand, Limits, Lost, Team
from benchmarks.engines.worker import Message
from diswot_errors import DataError, UsageError
from diswot_plugins import load_plugin, restored

ENGINE = '''
from benchmarks.engines.local import Local
from benchmarks.engines.registry import ENGINES, EngineInfo

class Counted(Local):
    """Says how many workers it was asked for."""

    def team(self, count, start=None, *arguments, **how):
        print("counted", count)
        return super().team(count, start, *arguments, **how)

ENGINES.add(EngineInfo("counted", "mine", lambda wanted: Counted(wanted.workers or 1)))
'''


class Scripted(Hand):
    """Is ready at once; `fates` says what becomes of its jobs."""

    def __init__(self, fates: dict[str, list[str]]) -> None:
        self.fates, self.given, self.ended = fates, "", False

    def give(self, call: bytes, limits: Limits) -> None:
        """Remember it."""
        self.given = pickle.loads(call)[1]

    def end(self) -> None:
        """Once."""
        assert not self.ended
        self.ended = True

    def says(self) -> Message:
        """Ready, then the first fate left of its job."""
        if not self.ready:
            kind = self.fates.get("start", ["ready"]).pop(0) if self.fates.get("start") else "ready"
        else:
            kind = self.fates[self.given].pop(0) if self.fates.get(self.given) else "result"
        return Message(kind, pickle.dumps(self.given), why=f"{kind} by script")  # type: ignore[arg-type]


class Script(Team):
    """Workers whose jobs end as `fates` says: by job, the kinds of message in their order; afterwards 'result'."""

    def __init__(self, count: int, **fates: list[str]) -> None:
        super().__init__(count)
        self.fates, self.tried = fates, list[tuple[str, int]]()
        self.all: list[Scripted] = []

    def _begin(self) -> Hand:
        self.all.append(Scripted(self.fates))
        return self.all[-1]

    def _listen(self, hands: list[Hand]) -> Iterator[tuple[Hand, Message]]:
        busy = sum(hand.task is not None for hand in hands)
        for hand in hands:
            assert isinstance(hand, Scripted)
            if hand.ready:
                self.tried.append((hand.given, busy))
            yield hand, hand.says()

    def outcome(self, *jobs: str) -> list[str]:
        """Of every job: its name, or the name and why it was lost."""
        with self:
            found = list(self.each(str, jobs, lost=lambda one: one))  # type: ignore[arg-type,return-value]
        assert all(hand.ended for hand in self.all)
        return sorted(f"{one.job}: {one.why}" if isinstance(one, Lost) else one for one in found)


def test_a_job_that_kills_is_tried_once_more_alone() -> None:
    team = Script(3, b=["gone"], d=["gone", "gone"])
    assert team.outcome(*"abcde") == ["a", "b", "c", "d: gone by script", "e"]
    counts = {job: [busy for tried, busy in team.tried if tried == job] for job in "abcde"}
    assert counts["b"] == [3, 1] and len(counts["d"]) == 2 and counts["d"][1] == 1 and len(counts["a"]) == 1
    assert [job for job, _ in team.tried][-2:] == ["b", "d"]  # when the others are done


def test_a_job_may_take_what_the_workers_that_are_alive_leave_it_and_alone_it_may_take_all() -> None:
    def limits(job: str, beside: int) -> Limits:
        told.setdefault(job, []).append(beside)
        return Limits()

    for count, jobs, fates, expected in (
        (3, "abcd", {"b": ["gone"]}, {"a": [3], "b": [3, 1], "c": [3], "d": [3]}),
        (3, "a", {"a": ["gone"]}, {"a": [1, 1]}),
        (3, "ab", {}, {"a": [2], "b": [2]}),
    ):
        told: dict[str, list[int]] = {}
        with Script(count, **fates) as team:
            assert sorted(team.each(str, jobs, limits=limits)) == [*jobs] and told == expected
            assert sum(not hand.ended for hand in team.all) == (1 if fates else len(jobs))


def test_a_job_whose_worker_is_taken_away_goes_back_once_and_is_then_as_any_other() -> None:
    team = Script(2, a=["lost"], b=["lost", "lost"], c=["lost", "gone"], d=["lost", "gone", "lost"])
    assert team.outcome(*"abcdef") == ["a", "b", "c", "d: lost by script", "e", "f"]
    tries = {job: sum(tried == job for tried, _ in team.tried) for job in "abcdef"}
    assert tries == {"a": 2, "b": 3, "c": 3, "d": 3, "e": 1, "f": 1}


def test_workers_that_are_taken_away_while_they_start_are_begun_again() -> None:
    assert Script(2, start=["lost"] * 4).outcome("a", "b") == ["a", "b"]
    with pytest.raises(DataError, match=r"5 workers in a row were taken away while they started \(lost by script\)"):
        Script(2, start=["lost"] * 99).outcome("a", "b")
    with pytest.raises(DataError, match=r"ended while it started \(gone by script\)"):
        Script(2, start=["gone"]).outcome("a", "b")


def test_the_local_engine_gives_no_more_than_there_is_work_for() -> None:
    assert [Local(4).team(count).count for count in (1, 3, 9)] == [1, 3, 4]
    assert Local(1).team(9).here and not Local(2).team(2).here
    half, whole = Local(2).memory(2), Local(2).memory(1)
    assert whole is None or half == whole // 2


def test_a_container_has_less_memory_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(device, "CONTAINER_MEMORY", limit)
    whole = device.machine_memory()
    for said in ("max\n", f"{2**60}\n"):
        limit.write_text(said)
        assert device.machine_memory() == whole
    limit.write_text(f"{2**30}\n")
    assert device.machine_memory() == int(0.9 * 2**30)


def asked(*given: str) -> argparse.Namespace:
    return argparse.ArgumentParser(parents=[shared.machine()]).parse_args(["--device", "cpu", *given])


def test_the_engine_is_the_one_named() -> None:
    assert engine_of(asked("--workers", "3")) == Local(3)
    assert list(ENGINES)[:2] == ["local", "ray"]
    with pytest.raises(UsageError, match=r"unknown engine 'rai'\. Did you mean ray\?"):
        engine_of(asked("--engine", "rai"))


@pytest.mark.parametrize("option", [("--address", "head:6379"), ("--gpus-per-worker", "0.5")])
def test_options_of_another_engine_are_wrong_use(option: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=f"{option[0]} is for --engine ray, not for local"):
        engine_of(asked(*option))


def test_without_ray_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"the engine ray needs Ray .*pip install 'diswot-bench\[ray\]'"):
        engine_of(asked("--engine", "ray"))


def test_an_address_is_a_host_and_a_port_and_somebody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = type(sys)("ray")
    ray.is_initialized, ray.exceptions = lambda: False, type(sys)("ray.exceptions")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.exceptions", ray.exceptions)
    for wrong in ("head", "ray://head:10001", "head:", "head:99999", "head:²"):
        with pytest.raises(UsageError, match="expected HOST:PORT of the head node"):
            connect(wrong)
    with pytest.raises(DataError, match=r"nobody answers at 127\.0\.0\.1:1 "):
        connect("127.0.0.1:1")


def test_other_code_on_a_node_is_told_by_name() -> None:
    here = provenance.identity()
    assert set(here) == {"diswot-bench", "code", "torch", "numpy"} and len(here["code"]) == 12
    assert differing({**here, "node": "n1", "cpu": "another"}) == ""
    said = differing({**here, "torch": "1.0"})
    assert said == f"has other code than this machine (torch 1.0 there, {here['torch']} here): install the same on both"
    assert "cannot import diswot-bench (ImportError: no)" in differing({"node": "n", "failure": "ImportError: no"})


def test_a_worker_that_does_not_see_the_run_folder_says_so(tmp_path: Path) -> None:
    done: list[int] = []
    (tmp_path / ".seen").touch()
    _begun(tmp_path / ".seen", done.append, (1,))
    assert done == [1]
    with pytest.raises(DataError, match=r"does not see .*nowhere: .*put --out on a file system that all nodes share"):
        _begun(tmp_path / "nowhere" / ".seen", done.append, (2,))
    assert done == [1]


def test_an_engine_of_a_plugin_does_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(ENGINE)
    with restored():
        load_plugin(tmp_path / "mine.py")
        engine = engine_of(asked("--engine", "counted", "--workers", "2"))
        assert engine.workers == 2 and isinstance(engine.team(1), Workers)
        assert capsys.readouterr().out == "counted 1\n"
        command = ["--protocol", "glance", "--cells", "1", "--table", str(tmp_path / "t.csv"), "--dry-run"]
        with pytest.raises(UsageError, match="--address is for --engine ray, not for counted"):
            harvest.main([*command, "--device", "cpu", "--alone", "--engine", "counted", "--address", "h:1"])


def test_the_commit_is_that_of_this_checkout_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package may lie below a repository of somebody else's."""
    top = Path(provenance.__file__).parents[2]
    head = subprocess.run(["git", "-C", str(top), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    told = provenance.commit()
    assert (told and told.removesuffix("+changed")) == (head.stdout.strip() or None)
    below = tmp_path / "repository" / "lib" / "benchmarks" / "engines" / "provenance.py"
    below.parent.mkdir(parents=True)
    git = ["git", "-C", str(tmp_path / "repository"), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(provenance, "__file__", str(below))
    assert provenance.commit() is None
    ours = tmp_path / "repository" / "benchmarks" / "engines" / "provenance.py"
    ours.parent.mkdir(parents=True)
    ours.write_text("a = 1\n")
    for words in (["add", "."], ["commit", "-q", "-m", "ours"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(provenance, "__file__", str(ours))
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert provenance.commit() == head.stdout.strip()
    (ours.parents[1] / "notes.md").write_text("a run's page\n")
    assert provenance.commit() == head.stdout.strip()
    ours.write_text("a = 2\n")
    assert provenance.commit() == head.stdout.strip() + "+changed"
