"""Attention by its formula: fused kernels have no second derivatives, no tangents and no places to look at."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from torch.backends import mha
from torch.nn.attention import SDPBackend, sdpa_kernel


class WhileAnyoneNeedsIt:
    """A setting of the whole process that several threads ask for: made by the first, undone when the last has left.

    Were it made and undone by each, the second would put back, for good, what it had found: the setting of the first.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Any]]) -> None:
        self._make, self._lock, self._inside = make, threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._setting = self._make()
                self._setting.__enter__()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._setting.__exit__(None, None, None)


@contextmanager
def _by_formula() -> Iterator[None]:
    fast = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        mha.set_fastpath_enabled(fast)


attention_by_formula = WhileAnyoneNeedsIt(_by_formula)
