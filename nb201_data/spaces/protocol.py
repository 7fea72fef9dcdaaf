"""What runner, search and reports need to know of a search space, and a base class that answers most of it."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from diswot_errors import UsageError
from diswot_registry import did_you_mean
from nb201_data.skeleton import Skeleton

if TYPE_CHECKING:
    from nb201_data.networks import Network


@runtime_checkable
class SearchSpace(Protocol):
    """Architectures, how to move among them, how to build one. Each is hashable and `str(arch)` is its key."""

    @property
    def name(self) -> str:
        """The name by which commands and tables know the space."""

    @property
    def skeleton(self) -> Skeleton:
        """What stands around the architectures."""

    @property
    def scalable(self) -> bool:
        """Whether a skeleton may have other channels and cells a stage, not only other classes and images."""

    @property
    def teacher(self) -> str:
        """The usual teacher, as `nb201_data.teachers` reads it."""

    @property
    def teacher_resolution(self) -> int:
        """At how many pixels a teacher from elsewhere sees the images, where these are larger."""

    @property
    def batch_size(self) -> int:
        """How many images a score looks at unless another number is asked for."""

    @property
    def truth(self) -> str:
        """The usual ground truth; empty where there is none."""

    @property
    def truths_of(self) -> str:
        """The space whose accuracies this one is held against: its own name, but for a variant of another."""

    def parse(self, text: str) -> Any:
        """The architecture that `text` names; `UsageError` where it names none."""

    def __len__(self) -> int:
        """How many architectures there are."""

    def all(self) -> Sequence[Any]:
        """Every architecture, in a fixed order; of more than can be listed a sequence that makes them when asked."""

    def distinct(self) -> Sequence[Any]:
        """One architecture of each kind that really differs, in a fixed order."""

    def canonical(self, arch: Any) -> Any:
        """The element of `distinct()` that `arch` amounts to."""

    def best(self, classes: int) -> Any | None:
        """The architecture known to be the most accurate with so many classes; None where none is known."""

    def draw(self, rng: random.Random) -> Any:
        """One architecture, drawn uniformly from `all()`."""

    def neighbours(self, arch: Any) -> list[Any]:
        """All architectures one step away."""

    def mutate(self, arch: Any, rng: random.Random) -> Any:
        """One of the neighbours."""

    def genes(self, arch: Any) -> tuple[Hashable, ...]:
        """The choices that make up the architecture, as many for each: no two architectures have all in common."""

    def params(self, arch: Any) -> int:
        """Trainable parameters of `build(arch)`."""

    def flops(self, arch: Any) -> int:
        """Operations of one forward pass on one image, by the convention of the space."""

    def flops_pruned(self, arch: Any) -> int:
        """As `flops`, of the layers alone that the image reaches and that reach the logits."""

    def closed_forms(self) -> Mapping[str, Callable[[Any], float]]:
        """What tables show beside scores, by name: sizes, and other numbers that need no network."""

    def build(self, arch: Any) -> "Network":
        """The network, PyTorch's default initialisation."""

    def with_skeleton(self, skeleton: Skeleton) -> "SearchSpace":
        """The same architectures in another skeleton."""

    def fitted(self, classes: int, resolution: int) -> "SearchSpace":
        """The same architectures for other images; what else the skeleton says stays."""


class Space(ABC):
    """A `SearchSpace` of which name, skeleton, `all`, `build` and `with_skeleton` are still to be written.

    Unless overridden, all architectures differ, each is one step from every other, and a network is built to count its
    parameters and multiply-adds.
    """

    name: str
    skeleton: Skeleton
    scalable: bool = False
    teacher: str = "resnet56"
    truth: str = ""
    batch_size: int = 64

    @abstractmethod
    def all(self) -> Sequence[Any]:
        """Every architecture, in a fixed order; of more than can be listed a sequence such as `Numbered`."""

    @abstractmethod
    def build(self, arch: Any) -> "Network":
        """The network, PyTorch's default initialisation."""

    @abstractmethod
    def with_skeleton(self, skeleton: Skeleton) -> SearchSpace:
        """The same architectures in another skeleton."""

    @property
    def truths_of(self) -> str:
        """Its own name."""
        return self.name

    @property
    def teacher_resolution(self) -> int:
        """That of the images: seen as they are."""
        return self.skeleton.resolution

    def parse(self, text: str) -> Any:
        """The architecture of this key."""
        for arch in self.all():
            if str(arch) == text:
                return arch
        keys = [str(arch) for arch in self.all()]
        raise UsageError(f"{self.name} has no architecture {text!r}.{did_you_mean(text, keys)} There is {keys[0]}, ...")

    def __len__(self) -> int:
        return len(self.all())

    def distinct(self) -> Sequence[Any]:
        """All of them."""
        return self.all()

    def canonical(self, arch: Any) -> Any:
        """Itself."""
        return arch

    def best(self, classes: int) -> Any | None:
        """None: not known."""
        return None

    def draw(self, rng: random.Random) -> Any:
        """One architecture, drawn uniformly from `all()`."""
        return rng.choice(self.all())

    def neighbours(self, arch: Any) -> list[Any]:
        """All others."""
        return [other for other in self.all() if other != arch]

    def mutate(self, arch: Any, rng: random.Random) -> Any:
        """One of the neighbours."""
        return rng.choice(self.neighbours(arch))

    def genes(self, arch: Any) -> tuple[Hashable, ...]:
        """One choice: the architecture."""
        return (arch,)

    def params(self, arch: Any) -> int:
        """Counted in the network."""
        from nb201_data.counting import parameters

        return parameters(self.build(arch))

    def flops(self, arch: Any) -> int:
        """Multiply-adds of convolutions and products of matrices, counted in the network."""
        from nb201_data.counting import multiply_adds

        return multiply_adds(self.build(arch), self.skeleton.resolution)

    def flops_pruned(self, arch: Any) -> int:
        """As `flops`: every layer is taken to be alive."""
        return self.flops(arch)

    def closed_forms(self) -> Mapping[str, Callable[[Any], float]]:
        """Params, FLOPs, FLOPs of what is alive."""
        return {"params": self.params, "flops": self.flops, "flops_pruned": self.flops_pruned}

    def fitted(self, classes: int, resolution: int) -> SearchSpace:
        """The same architectures for other images; what else the skeleton says stays."""
        return self.with_skeleton(replace(self.skeleton, classes=classes, resolution=resolution))
