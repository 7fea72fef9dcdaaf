"""Python's collector of cycles, kept from looking through what is no garbage: all that loading PyTorch leaves."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is collected inside: for loading, which makes objects without end and garbage hardly ever."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def passed_over() -> Iterator[None]:
    """What is there already is not looked through inside; what is made inside is, as ever."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
