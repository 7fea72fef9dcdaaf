"""What the whole process shares: read before a guest is asked, compared and put back when it has left.

A change of a setting that scores may depend on, or of a function of PyTorch or of the network's classes, is a
violation. What surrounds them (random streams of Python and numpy, warning filters, environment, working directory,
signal handlers and the like) is put back without a word: packages set such things while they are imported.
"""

import contextlib
import gc
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from proxies.guests.settings import SETTINGS

_REPLACED_BY_TORCH = {"manual_seed", "__init__", "__setstate__"}  # when its compiler is first used


@dataclass
class Shared:
    """What was changed, known once the guest has left."""

    changed: list[str] = field(default_factory=list)


@contextlib.contextmanager
def kept(model: nn.Module | None = None) -> Iterator[Shared]:
    """Settings, functions and surroundings are after the block what they were before it."""
    found = Shared()
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    with _surroundings(), torch.inference_mode(inference), torch.set_grad_enabled(gradients):
        functions = [_Functions(owner) for owner in _owners(model)]
        before = [setting.value() for setting in SETTINGS]
        try:
            yield found
        finally:
            for setting, value in zip(SETTINGS, before, strict=True):
                if setting.value() != value:
                    found.changed.append(setting.name)
                    setting.write(value)
            for one in functions:  # after the settings: the default dtype sets a name of torch
                found.changed += one.put_back()


class _Functions:
    """What a module or class holds by name. A new name is a change only where it hides an inherited one."""

    def __init__(self, owner: Any) -> None:
        self.owner, self.before = owner, dict(vars(owner))

    def put_back(self) -> list[str]:
        """The names that were changed."""
        now = dict(vars(self.owner))
        inherited = {name for base in getattr(self.owner, "__mro__", ())[1:] for name in vars(base)}
        changed = [n for n, v in self.before.items() if n not in now or now[n] is not v]
        changed = [n for n in changed if n not in _REPLACED_BY_TORCH and n != "__dict__"]
        hiding = [n for n in now if n not in self.before and n in inherited and not n.startswith("__")]
        for name in changed:
            setattr(self.owner, name, self.before[name])
        for name in hiding:
            delattr(self.owner, name)
        named = [name for name in changed if callable(self.before[name]) or hasattr(self.before[name], "__get__")]
        return [f"{self.owner.__name__}.{name}" for name in (*named, *hiding)]


def _owners(model: nn.Module | None) -> list[Any]:
    classes = [] if model is None else [c for m in model.modules() for c in type(m).__mro__ if c is not object]
    return list(dict.fromkeys([torch, torch.nn.functional, torch.linalg, torch.Tensor, nn.Module, *classes]))


_Undo = Callable[[], object]


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    undo = [*_python(), *_numpy(), *_signals()]
    with warnings.catch_warnings():
        try:
            yield
        finally:
            for one in undo:
                one()


def _python() -> Iterator[_Undo]:
    state, environment = random.getstate(), dict(os.environ)
    limit, collecting, streams = sys.getrecursionlimit(), gc.isenabled(), (sys.stdout, sys.stderr)
    try:
        folder = os.getcwd()
    except OSError:  # somebody removed it: there is none to go back to
        folder = ""

    def put_back() -> None:
        random.setstate(state)
        sys.setrecursionlimit(limit)
        sys.stdout, sys.stderr = streams
        (gc.enable if collecting else gc.disable)()
        for name in [n for n in os.environ if n not in environment]:
            del os.environ[name]
        os.environ.update({n: v for n, v in environment.items() if os.environ.get(n) != v})
        if folder:
            os.chdir(folder)

    yield put_back


def _numpy() -> Iterator[_Undo]:
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        state, errors = numpy.random.get_state(), numpy.geterr()
        yield lambda: numpy.random.set_state(state)
        yield lambda: numpy.seterr(**errors)


def _signals() -> Iterator[_Undo]:
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set them
    if not any(signal.getitimer(signal.ITIMER_REAL)):  # an alarm that was set before goes on
        yield partial(signal.setitimer, signal.ITIMER_REAL, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        handler = signal.getsignal(number)
        if handler is not None:  # None: not set from Python
            yield partial(signal.signal, number, handler)
