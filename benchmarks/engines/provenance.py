"""Where numbers come from: versions, device, commit."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "numpy", "scipy", "pandas", "matplotlib")
DECISIVE = ("torch", "numpy")
CODE = ("diswot_*.py", "benchmarks/**/*.py", "nb201_data/**/*.py", "proxies/**/*.py")


def version() -> str:
    """This project's version."""
    try:
        return metadata.version("diswot-bench")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "not installed"


def versions() -> dict[str, str]:
    """This project, Python, and the packages that numbers depend on."""
    return {
        "diswot-bench": version(),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
    }


def identity() -> dict[str, str]:
    """What results depend on, bit for bit, on one kind of processor: this project's version and code, torch, numpy."""
    return {"diswot-bench": version(), "code": code(), **{name: metadata.version(name) for name in DECISIVE}}


@cache
def code() -> str:
    """The first 12 digits of SHA-256 over this project's Python files, by name."""
    home, digest = Path(__file__).parents[2], hashlib.sha256()
    for file in sorted(file for pattern in CODE for file in home.glob(pattern)):
        digest.update(f"{file.relative_to(home).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def commit() -> str | None:
    """The commit of the checkout that this code lies in, `+changed` behind it where the code is another by now; None
    outside of one.
    """
    git, home = shutil.which("git"), Path(__file__).resolve().parents[2]
    if git is None:
        return None
    call = [git, "-C", str(home), "rev-parse", "--show-toplevel", "HEAD"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    top, _, head = done.stdout.strip().partition("\n")  # an environment may lie in somebody else's repository
    if done.returncode or not head or Path(top).resolve() != home:
        return None
    code = [f":(glob){pattern}" for pattern in CODE]
    changes = [git, "-C", str(home), "status", "--porcelain", "--untracked-files=no", "--", *code]
    changed = subprocess.run(changes, capture_output=True, text=True, check=False).stdout.strip()
    return f"{head}+changed" if changed else head


def device_name(device: str) -> str:
    """What does the work, in words without commas: `NVIDIA H200`, `CPU AMD EPYC`."""
    if device.startswith("cuda"):
        import torch

        name = torch.cuda.get_device_name(device)
    else:
        name = f"CPU {_cpu_model()}"
    return name.replace(",", " ")


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
