"""The inside of a worker process: it does one job after the other until its channel ends."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, NamedTuple

from benchmarks.engines.device import settle
from diswot_errors import DataError
from diswot_plugins import blamed, load_plugin, plugins

_PR_SET_PDEATHSIG = 1
_CARRIED = ("NB201_DATA_DIR", "XDG_CACHE_HOME")  # where a worker's own machine says nothing else


class Message(NamedTuple):
    """What is heard of a worker.

    ready: it is prepared. begun: its job is, so far it was preparing. result, error: of its job, or of its start;
    `content` is the pickled thing.
    gone: it ended, or was ended, over its job. lost: it was taken away, which says nothing about the job.
    """

    kind: Literal["ready", "begun", "result", "error", "gone", "lost"]
    content: bytes = b""
    why: str = ""


@dataclass(frozen=True)
class Setup:
    """What a process needs to do the work of this one, here or on another machine."""

    plugins: dict[Path, bytes]
    folder: str  # where relative names begin
    environment: dict[str, str]
    start: bytes  # pickled (function or None, arguments): unpickled when the plugins are there

    @classmethod
    def of_this_process(cls, start: bytes) -> Setup:
        """As this process is now."""
        carried = {name: os.environ[name] for name in _CARRIED if os.environ.get(name)}
        return cls(plugins(), os.getcwd(), carried, start)


_channel: Connection | None = None


def begun() -> None:
    """Say, where this is a worker, that the limit of the job's time counts from here: what it needs is loaded."""
    if _channel is not None:
        _channel.send(Message("begun"))


def serve(channel: Connection, setup: Setup) -> None:
    """Be as the parent is, prepare once, say so, then answer every job with its result or its error."""
    global _channel
    _channel = channel
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # which it held back while it started this process
    _end_with_parent()
    settle()
    try:
        prepared = _attempt(_prepare, setup)
        channel.send(Message("ready") if prepared.kind == "result" else prepared)
        while True:
            channel.send(_attempt(_do, channel.recv_bytes()))
    except (EOFError, OSError):
        return  # the parent has no more work, or is gone


def _prepare(setup: Setup) -> None:
    for name, value in setup.environment.items():
        os.environ.setdefault(name, value)
    with suppress(OSError):  # a machine without this folder knows absolute names only
        os.chdir(setup.folder)
    for file, source in setup.plugins.items():
        load_plugin(file, source, registers=False)  # the parent has refused what must register and does not
    start, arguments = pickle.loads(setup.start)
    if start is not None:
        start(*arguments)


def _do(call: bytes) -> Any:
    function, job = pickle.loads(call)
    return function(job)


def _attempt(function: Callable[..., Any], argument: Any) -> Message:
    """What cannot travel between processes is told in words."""
    try:
        result = function(argument)
    except SystemExit as error:
        return _error(DataError(f"the work ended the process by SystemExit({error.code!r})"))
    except Exception as error:
        return _error(blamed(error) or error)
    try:
        return Message("result", pickle.dumps(result))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        return _error(_unsendable(result, error))


def _error(error: Exception) -> Message:
    try:
        return Message("error", pickle.dumps(error))
    except (pickle.PicklingError, TypeError, AttributeError) as reason:
        return Message("error", pickle.dumps(_unsendable(error, reason)))


def _unsendable(thing: object, reason: Exception) -> DataError:
    return DataError(f"{type(thing).__name__}: {thing} (which cannot be sent between processes: {reason})")


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers. Linux does it at once, even inside one long call; elsewhere a
    thread does, as soon as the interpreter lets it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
