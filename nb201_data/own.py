"""A network of one's own: `my.py:build`, a function of a file that makes any classifier, as a space of one network.

Its full name, `my.py:build@0123456789ab`, ends in a digest of all that it is: the file, the files of its classes
outside PyTorch, names, shapes and values of its weights. What was stored for one version is never taken for another.
"""

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from diswot_errors import DataError, UsageError
from diswot_plugins import blamed, load_plugin, plugins
from diswot_registry import did_you_mean
from nb201_data.numerals import shown
from nb201_data.skeleton import Skeleton
from nb201_data.spaces.protocol import Space

if TYPE_CHECKING:
    from nb201_data.networks import Network

DIGITS = 12
_REFERENCE = re.compile(rf"(?P<file>.+\.py):(?P<function>[^:@]+)(@(?P<digest>[0-9a-f]{{{DIGITS}}}))?", re.DOTALL)
Make = Callable[[], nn.Module]


@dataclass(frozen=True)
class OwnNetwork(Space):
    """The space that holds nothing but the network of `make()`. The skeleton says which images it is shown."""

    name: str
    make: Make = field(repr=False, compare=False)
    skeleton: Skeleton = field(default_factory=lambda: Skeleton(channels=1, cells_per_stage=0))

    @property
    def arch(self) -> str:
        """The name of the function: the one architecture."""
        return self.name.partition("@")[0].rpartition(":")[2]

    def all(self) -> Sequence[str]:
        """The one architecture."""
        return (self.arch,)

    def build(self, arch: str) -> "Network":
        """What the function makes, any classifier, drawn from PyTorch's random state as it is."""
        return cast("Network", self.make())

    def with_skeleton(self, skeleton: Skeleton) -> "OwnNetwork":
        """The same network, shown other images."""
        return replace(self, skeleton=skeleton)


def own_network(reference: str) -> OwnNetwork:
    """The network of `FILE.py:FUNCTION`, or of a full name, which must still be what it was.

    `UsageError` says what is wrong with the reference or with what the function makes; `DataError` that it fails.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise UsageError(f"{shown(reference)} names no function: expected FILE.py:FUNCTION, as in my.py:build")
    file, digest = Path(match["file"]), match["digest"]
    loaded = [place for place in plugins() if digest and place.name == file.name]  # as in a worker process
    for place in loaded or [file]:
        module = load_plugin(place, registers=False)
        if len(loaded) > 1 and not hasattr(module, match["function"]):
            continue  # another file of the same name
        found = _found(module, match["function"])
        if not digest or found.name.endswith(f"@{digest}"):
            return found
    raise DataError(f"{file} is not what it was when {reference} got its name: it, or a class of its network, changed")


@lru_cache(maxsize=16)
def _found(module: ModuleType, function: str) -> OwnNetwork:
    place = Path(str(module.__file__))
    name = f"{place.name}:{function}"
    make = getattr(module, function, None)
    if make is None:
        there = [key for key, value in vars(module).items() if callable(value)]
        raise UsageError(f"{place} has no function {shown(function)}.{did_you_mean(function, there)}")
    if isinstance(make, nn.Module):
        raise UsageError(f"{name} is a network: expected a function that makes one, `def build(): return {function}`")
    _check_call(make, name)
    try:
        digest, again = (_digest(_with_parameters(seeded(make, 0, name), name), module) for _ in range(2))
    except (DataError, UsageError):
        raise
    except Exception as error:  # somebody else's code
        raise blamed(error) or DataError(f"{name} fails: {type(error).__name__}: {error}; mend it") from error
    if digest != again:
        raise UsageError(
            f"{name} makes another network each time it is called: draw random numbers from PyTorch alone, whose seed "
            "is set before each call"
        )
    return OwnNetwork(f"{name}@{digest}", make)


def _with_parameters(network: nn.Module, name: str) -> nn.Module:
    if not any(True for _ in network.parameters()):
        raise UsageError(f"{name} made a {type(network).__name__} without parameters: there is nothing to score")
    return network


def _check_call(make: object, name: str) -> None:
    if not callable(make):
        raise UsageError(f"{name} is a {type(make).__name__}: expected a function that makes an nn.Module")
    try:
        inspect.signature(make).bind()
    except TypeError as error:
        raise UsageError(f"{name} needs arguments ({error}): expected a function that is called with none") from None
    except ValueError:
        pass  # a builtin that does not tell


def seeded(make: Make, seed: int, name: str) -> nn.Module:
    """A network from the random state of a seed, computed by one thread; the state of the process is left as it was."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            network = make()
        finally:
            torch.set_num_threads(threads)
    if not isinstance(network, nn.Module):
        raise UsageError(f"{name} made a {type(network).__name__}: expected an nn.Module")
    return network


def _digest(network: nn.Module, module: ModuleType) -> str:
    """Of the file, the file of every class outside PyTorch, and every parameter and buffer."""
    told = hashlib.sha256(str(getattr(module.__spec__, "loader_state", "")).encode())
    homes = {kind.__module__ for part in network.modules() for kind in type(part).__mro__} - {module.__name__}
    files = {getattr(sys.modules.get(home), "__file__", None) for home in homes if home.partition(".")[0] != "torch"}
    told.update(b"".join(sorted(hashlib.sha256(Path(file).read_bytes()).digest() for file in files if file)))
    for name, value in (*network.named_parameters(), *network.named_buffers()):
        told.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        told.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return told.hexdigest()[:DIGITS]


def outputs_of(space: OwnNetwork) -> int:
    """K: how many logits the network gives on images of its skeleton, in training mode, in which it is scored.

    `UsageError` where it does not take a batch of images, or gives something else.
    """
    name, side = space.name, space.skeleton.resolution
    network = seeded(space.make, 0, name).train()
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    expected = "expected a network of one input, images (B, 3, H, W), and one output, logits (B, K)"
    example = next(network.parameters())
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            answer = network(images.to(example.device, example.dtype))
    except Exception as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(
            f"{name} fails on images {tuple(images.shape)} ({said}): {expected}; other sizes as in --images embedded@16"
        ) from error
    if not isinstance(answer, torch.Tensor):
        raise UsageError(f"{name} gives a {type(answer).__name__} on images in training mode: {expected}")
    if answer.dim() != 2 or len(answer) != 2 or answer.shape[1] < 2:
        raise UsageError(
            f"{name} gives {tuple(answer.shape)} on images {tuple(images.shape)}: {expected}, K at least 2"
        )
    return answer.shape[1]
