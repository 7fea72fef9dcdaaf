"""The other side of `engines.local`: a process that does one job after the other until its channel ends."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, NamedTuple

from benchmarks.engines.device import one_thread
from diswot_errors import DataError
from diswot_plugins import blamed, load_plugin

_PR_SET_PDEATHSIG = 1


class Message(NamedTuple):
    """What a worker says to its parent."""

    kind: Literal["ready", "result", "error"]
    content: Any = None


def serve(
    channel: Connection, files: Sequence[Path], start: Callable[..., None] | None, arguments: tuple[Any, ...]
) -> None:
    """Load the plugin files of the parent, prepare once, then answer every job with its result or its error.

    'ready' goes before each answer; a failed start is the first of them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # which it held back while it started this process
    _end_with_parent()
    one_thread()
    failure = _attempt(_prepare, files, start, arguments)
    try:
        while True:
            function, job = channel.recv()
            channel.send(Message("ready"))
            if failure.kind == "error":
                channel.send(failure)
            else:
                _send(channel, _attempt(function, job))
    except (EOFError, OSError):
        return  # the parent has no more work, or is gone


def _prepare(files: Sequence[Path], start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    for file in files:
        load_plugin(file, registers=False)  # the parent has refused what must register and does not
    if start is not None:
        start(*arguments)


def _attempt(function: Callable[..., Any], *arguments: Any) -> Message:
    try:
        return Message("result", function(*arguments))
    except SystemExit as error:
        return Message("error", DataError(f"the work ended the process by SystemExit({error.code!r})"))
    except Exception as error:
        return Message("error", blamed(error) or error)


def _send(channel: Connection, message: Message) -> None:
    """What cannot travel between processes is told in words."""
    try:
        channel.send(message)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        what = f"{type(message.content).__name__}: {message.content}"
        channel.send(Message("error", DataError(f"{what} (which cannot be sent between processes: {error})")))


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
