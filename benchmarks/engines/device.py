"""Which device and how many processes: names to devices, and how a process that computes is set up."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

from diswot_errors import DataError, UsageError

if TYPE_CHECKING:
    import torch

MEMORY_SHARE = 0.9  # of a machine's memory, for all workers together
CONTAINER_MEMORY = Path("/sys/fs/cgroup/memory.max")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as mallopt(3) counts what it can set
_APART = 32 << 20  # bytes: what is larger is mapped by itself, and goes back at once
_KEPT = 1 << 30  # bytes that stay with the process when they are free


def choose_device(name: str) -> torch.device:
    """`auto` is the GPU where there is one; a device that is not there is an error."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown --device {name!r}: expected auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda") or (device.type == "cpu" and device.index is not None):
        raise UsageError(f"--device {name!r} is not supported: expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DataError(f"no GPU for --device {name}: torch {torch.__version__} sees none; use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DataError(f"no GPU number {device.index} for --device {name}: there are {torch.cuda.device_count()}")
    return device


def default_workers(device: str) -> int:
    """On a CPU as many processes as cores, one torch thread each; on a GPU one process."""
    if device != "cpu" and choose_device(device).type == "cuda":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_memory() -> int | None:
    """Bytes that all workers of this machine, or of this container, may hold together; None where nobody tells."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
    with contextlib.suppress(ValueError, OSError):  # 'max', or no such file
        whole = min(whole, int(CONTAINER_MEMORY.read_text()))
    return int(MEMORY_SHARE * whole)


def settle() -> None:
    """Make this process one that computes: one torch thread, and freed memory is kept.

    With more threads any other load on the machine stalls every parallel region. And glibc hands what is freed back to
    the system as soon as it is more than some 8 MiB, so that every network's maps are zeroed pages again: up to a tenth
    of the CPU time of scores.
    """
    import torch

    torch.set_num_threads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc only
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _APART)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
