"""Networks of one's own for the tests: a file as a user writes it, its name, and ways in which it can be wrong."""

from collections.abc import Callable
from pathlib import Path

from diswot_plugins import restored
from nb201_data.own import own_network

NETWORK = """
import torch
from torch import nn


def build():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 6, 3, 1, 1, groups=6, bias=False), nn.BatchNorm2d(6), nn.ReLU6(), nn.Conv2d(6, 12, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 10),
    )
"""
SHIFTED = """

class Shifted(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.shift = build(), nn.Parameter(torch.randn(1, 3, 1, 1))

    def forward(self, x):
        return self.body(x + self.shift)
"""
WRONG = """
from pathlib import Path
import random
import torch
from torch import nn

class Two(nn.Linear):
    def forward(self, x, mask):
        return super().forward(x.mean((2, 3)) * mask)

class Pair(nn.Linear):
    def forward(self, x):
        z = super().forward(x.mean((2, 3)))
        return (z, z) if self.training else z

class Maps(nn.Conv2d):
    pass

network = nn.Linear(3, 10)
number = 7
def needs(width): return nn.Linear(width, 10)
def two(): return Two(3, 10)
def pair(): return Pair(3, 10)
def maps(): return Maps(3, 10, 1)
def nothing(): pass
def empty(): return nn.Flatten()
def other(): return nn.Linear(3, random.randrange(2, 10**9) % 1000 + 2)
def fails(): return 1 / 0
def lazy(): return nn.LazyLinear(10)
def ends(): raise SystemExit(0)
def large(): return nn.Sequential(nn.Flatten(), nn.Linear(3 * 224 * 224, 10))
"""
Write = Callable[..., Path]


def write(folder: Path, text: str = NETWORK, name: str = "my.py") -> Path:
    """The file, as it will be given to a command."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def named(path: Path, function: str = "build") -> str:
    """The full name, as a new process finds it."""
    with restored():
        return own_network(f"{path}:{function}").name
