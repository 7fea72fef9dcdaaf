"""Workers on a Ray cluster (`pip install diswot-bench[ray]`); this process hands out the jobs and keeps the results.

On a node, a worker is an agent, which Ray starts and counts, and below it a process as `engines.local` has them: what a
job may take, and what is said of one that dies, is therefore the same on a cluster as on one machine.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.engines import provenance
from benchmarks.engines.device import MEMORY_SHARE
from benchmarks.engines.registry import ENGINES, EngineInfo, Wanted
from benchmarks.engines.team import POLL_SECONDS, Hand, Limits, Start, Team
from benchmarks.engines.worker import Message, Setup
from diswot_errors import DataError, UsageError

PATIENCE = 30.0  # seconds without any worker, after which that is said
REACHED_WITHIN = 10.0  # seconds
OBJECT_STORE = 128 * 2**20  # bytes, of a Ray of our own: jobs and results are small


class RayHand(Hand):
    """An agent on some node: it says what is installed there, begins its process, and then does jobs."""

    def __init__(self, agent: Any, setup: Setup) -> None:
        self._agent, self._setup = agent, setup
        self.node = "a node"
        self.says = agent.about.remote()

    def give(self, call: bytes, limits: Limits) -> None:
        """To the agent, which holds the limits."""
        self.says = self._agent.work.remote(call, limits)

    def end(self) -> None:
        """The agent, and with it the process below."""
        _ray().kill(self._agent)

    def hear(self) -> Message | None:
        """What has arrived; None where it only leads to the next question."""
        ray = _ray()
        try:
            said = ray.get(self.says)
        except (ray.exceptions.RayActorError, ray.exceptions.OutOfMemoryError) as error:  # also of a node that is gone
            low = isinstance(error, ray.exceptions.OutOfMemoryError) or "low on memory" in str(error)
            why = "ended by Ray, as the node was low on memory" if low else type(error).__name__
            return Message("lost", why=f"taken away with {self.node}: {why}")
        except ray.exceptions.RayError as error:
            return Message("error", pickle.dumps(DataError(f"the worker on {self.node} failed: {error}")))
        if isinstance(said, Message):
            return said
        self.node = f"node {said['node']}"
        if wrong := differing(said):
            return Message("error", pickle.dumps(DataError(f"{self.node} {wrong}")))
        if said["cpu"] != provenance.device_name("cpu"):
            _note_other(said["cpu"])
        self.says = self._agent.begin.remote(self._setup)
        return None


def differing(there: dict[str, str]) -> str:
    """How what is installed on a node differs from what is here, so that results would; '' where it does not."""
    if "failure" in there:
        return f"cannot import diswot-bench ({there['failure']}): install there what is installed here"
    here = provenance.identity()
    wrong = [f"{name} {there.get(name)} there, {own} here" for name, own in here.items() if there.get(name) != own]
    return f"has other code than this machine ({'; '.join(wrong)}): install the same on both" if wrong else ""


@cache
def _note_other(cpu: str) -> None:
    """Once for each kind of processor."""
    print(f"note: some nodes have a {cpu}: numbers may differ in their last digits", file=sys.stderr, flush=True)


class RayTeam(Team):
    """Workers wherever the cluster has room; those that it has no room for are waited for, and the others go on."""

    def __init__(self, count: int, gpus: float, start: Start, arguments: tuple[Any, ...], folder: Path | None) -> None:
        super().__init__(count)
        self._gpus, self._start, self._arguments, self._folder = gpus, start, arguments, folder
        self._mark: Path | None = None
        self._since, self._told = time.monotonic(), False

    def __enter__(self) -> RayTeam:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._mark = self._folder.absolute() / f".seen-{uuid.uuid4().hex}"
            self._mark.touch()
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        super().__exit__(kind, *error)
        if self._mark is not None:
            self._mark.unlink(missing_ok=True)

    def _pickled(self, thing: object) -> bytes:
        return bytes(_ray().cloudpickle.dumps(thing))

    def _begin(self) -> Hand:
        agent = _agent().options(num_cpus=1, num_gpus=self._gpus, max_restarts=0)
        start = self._pickled((_begun, (self._mark, self._start, self._arguments)))
        return RayHand(agent.remote(), Setup.of_this_process(start))

    def _listen(self, hands: list[Hand]) -> Iterator[tuple[Hand, Message]]:
        ray = _ray()
        by_answer = {hand.says: hand for hand in hands if isinstance(hand, RayHand)}
        ray.wait(list(by_answer), timeout=POLL_SECONDS)
        come, _ = ray.wait(list(by_answer), num_returns=len(by_answer), timeout=0)
        for answer in come:
            if (message := by_answer[answer].hear()) is not None:
                yield by_answer[answer], message
        self._complain(idle=not any(hand.ready for hand in self._hands))

    def _complain(self, idle: bool) -> None:
        """Say, once, that the cluster gives no worker."""
        if not idle:
            self._since, self._told = time.monotonic(), False
        elif not self._told and time.monotonic() - self._since > PATIENCE:
            self._told = True
            wish = f"1 CPU and {self._gpus:g} GPU" if self._gpus else "1 CPU"
            print(f"waiting for a node of the Ray cluster with {wish} free", file=sys.stderr, flush=True)


def _begun(mark: Path | None, start: Start, arguments: tuple[Any, ...]) -> None:
    """In each worker: what it needs to see, then the start that was asked for."""
    if mark is not None and not mark.exists():
        raise DataError(
            f"node {os.uname().nodename} does not see {mark.parent}: trainings keep their checkpoints there, so put "
            "--out on a file system that all nodes share"
        )
    if start is not None:
        start(*arguments)


@dataclass(frozen=True)
class RayCluster:
    """The engine: workers of one CPU, and of a part of a GPU, each."""

    workers: int
    gpus: float = 0.0

    def team(
        self, count: int, start: Start = None, *arguments: Any, folder: Path | None = None, apart: bool = True
    ) -> RayTeam:
        """Up to `count` workers, always apart; the folder has to be on a file system that all nodes share."""
        return RayTeam(max(1, min(self.workers, count)), self.gpus, start, arguments, folder)

    def memory(self, beside: int) -> int | None:
        """Bytes: a worker's share of its node, on the node that has least of it, where so many work at a time."""
        fitting = [(node["memory"], _fitting(node, self.gpus)) for node in _nodes() if "memory" in node]
        shares = [memory / min(most, beside) for memory, most in fitting if most]
        return int(MEMORY_SHARE * min(shares)) if shares else None


def _of(wanted: Wanted) -> RayCluster:
    if wanted.gpus_per_worker and wanted.device == "cpu":
        raise UsageError("--gpus-per-worker is of GPUs: give --device cuda with it")
    if wanted.device.startswith("cuda:"):
        raise UsageError(f"--device {wanted.device}: Ray says which worker has which GPU, give --device cuda")
    gpus = 0.0 if wanted.device == "cpu" else wanted.gpus_per_worker or 1.0
    if gpus > 1 and gpus != int(gpus):
        raise UsageError(f"--gpus-per-worker {gpus:g}: expected a part of a GPU, as in 0.25, or a whole number of them")
    connect(wanted.address, wanted.workers)
    workers = wanted.workers or sum(_fitting(node, gpus) for node in _nodes())
    if not workers:
        raise DataError(f"no node of the Ray cluster has room for a worker of 1 CPU and {gpus:g} GPUs: give --workers")
    return RayCluster(workers, gpus)


ENGINES.add(
    EngineInfo("ray", "a Ray cluster (pip install .[ray])", _of, takes=frozenset({"address", "gpus_per_worker"}))
)


def connect(address: str | None, cpus: int | None = None) -> None:
    """To the cluster at the address, or of RAY_ADDRESS; to a Ray of our own on this machine where nobody names one."""
    address = address or os.environ.get("RAY_ADDRESS")
    ray = _ray()
    if ray.is_initialized():
        return
    if address and address != "auto":
        _reach(address)
    own = {"num_cpus": cpus, "object_store_memory": OBJECT_STORE, "include_dashboard": False}
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(address or "local", logging_level="error", **({} if address else own))
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(f"Ray does not start{f' with {address}' if address else ''}: {said}") from error
    finally:  # Ray ends on SIGTERM in its own way
        for number, handler in kept.items():
            signal.signal(number, handler)


def _reach(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not (port.isascii() and port.isdecimal() and int(port[:6]) < 2**16):
        raise UsageError(
            f"--address {address[:60]!r}: expected HOST:PORT of the head node, as `ray start --head` prints it; the "
            "command itself runs on a machine of the cluster"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACHED_WITHIN).close()
    except OSError as error:
        raise DataError(
            f"nobody answers at {address} ({error}): start a cluster with `ray start --head` and give its HOST:PORT"
        ) from error


def _nodes() -> list[dict[str, float]]:
    """What each node has."""
    return [node["Resources"] for node in _ray().nodes() if node["Alive"]]


def _fitting(node: dict[str, float], gpus: float) -> int:
    """How many workers a node has room for."""
    cpus = int(node.get("CPU", 0))
    return min(cpus, int(node.get("GPU", 0) / gpus)) if gpus else cpus


def _ray() -> Any:
    """The package, which is an extra and takes its time."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise UsageError(
            f"the engine ray needs Ray ({error}): pip install 'diswot-bench[ray]', or use --engine local"
        ) from error
    return ray


def _agent() -> Any:
    """The class of agents. Being made in a function it travels with its code: it also runs where nothing is installed,
    and tells that."""

    class Agent:
        """One worker of a node."""

        def about(self) -> dict[str, str]:
            """Where it is, and what results depend on there."""
            import platform

            found = {"node": platform.node()}
            try:
                from benchmarks.engines import provenance

                return found | provenance.identity() | {"cpu": provenance.device_name("cpu")}
            except (ImportError, AttributeError) as error:
                return found | {"failure": f"{type(error).__name__}: {error}"}

        def begin(self, setup: Any) -> Any:
            """Start the process below."""
            import sys

            from benchmarks.engines.local import LocalHand

            vars(sys.modules["__main__"]).pop("__file__", None)  # of Ray: the process has no use for it
            self.hand = LocalHand(setup)
            return self._heard()

        def work(self, call: bytes, limits: Any) -> Any:
            """One job."""
            self.hand.ready = True
            self.hand.give(call, limits)
            return self._heard()

        def _heard(self) -> Any:
            from benchmarks.engines.local import heard

            while True:
                for _, message in heard([self.hand]):
                    return message

    return _ray().remote(Agent)
