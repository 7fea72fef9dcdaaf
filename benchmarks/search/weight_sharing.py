"""Search by one network that holds all cells: what is asked for and what comes back. No torch until it runs."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command.claim import claimed
from benchmarks.search.constraints import Constraint
from benchmarks.search.registry import get_strategy
from diswot_errors import UsageError
from nb201_data.space import Cell
from nb201_data.spaces import NasBench201, SearchSpace

if TYPE_CHECKING:
    from nb201_data.image_set import ImageSet


@dataclass(frozen=True)
class SharedEpoch:
    """One epoch of the shared network."""

    index: int
    cell: str
    """The cell that the architecture weights favour after it; empty where there are none (rsps)."""
    loss: float
    """Cross-entropy of the shared weights on their half of the images, mean over the epoch."""
    accuracy: float
    """Their accuracy there in percent."""
    seconds: float


@dataclass(frozen=True)
class SharedTask:
    """What a weight-sharing strategy works on.

    The training split is halved by the seed: one half trains the weights, the other the architecture. At most
    `max_images` of it are used. The test split is not touched. `space` fixes the shared network's own skeleton.
    """

    space: SearchSpace
    images: "ImageSet"
    epochs: int
    seed: int = 0
    batch_size: int = 64
    max_images: int | None = None
    constraints: Sequence[Constraint] = ()
    device: str = "cpu"
    folder: Path | None = None
    """Where the shared network is kept after every epoch, and goes on from."""
    watch: Callable[[SharedEpoch], object] = field(default=lambda epoch: None, compare=False)


@dataclass(frozen=True)
class SharedResult:
    """The cell that was found, whatever it is, and how it came about."""

    strategy: str
    settings: dict[str, Any]
    best: Cell
    value: float
    """Its accuracy in percent under the shared weights, on the half of the images that did not train them."""
    epochs: tuple[SharedEpoch, ...]
    evaluations: int
    """Cells whose accuracy under the shared weights was measured in order to choose."""
    seconds: float


def search_shared(name: str, task: SharedTask, settings: dict[str, Any] | None = None) -> SharedResult:
    """Run the weight-sharing strategy called `name`; in its folder it goes on, one of another search is refused."""
    info = get_strategy(name)
    if info.kind != "weight-sharing":
        raise UsageError(f"{name} asks for evaluations: use run_search")
    if not isinstance(task.space, NasBench201):
        raise UsageError(f"{name} needs the cells of nb201 on its shared network, got the space {task.space.name}")
    if task.epochs < 1 or task.batch_size < 2:
        raise UsageError(f"epochs must be at least 1 and a batch at least 2, got {task.epochs} and {task.batch_size}")
    if task.space.skeleton.classes != task.images.classes:
        raise UsageError(
            f"the shared network has {task.space.skeleton.classes} classes, {task.images.name} has "
            f"{task.images.classes}: give it a skeleton with as many"
        )
    resolved = info.resolve(settings or {})
    with claimed(task.folder, identity(name, task, resolved)) if task.folder else nullcontext():
        result: SharedResult = info.make(task, **resolved)
    return result


def identity(name: str, task: SharedTask, settings: dict[str, Any]) -> dict[str, Any]:
    """Every setting that decides the result."""
    return {
        **{key: getattr(task, key) for key in ("epochs", "seed", "batch_size", "max_images")},
        **{"strategy": name, "settings": settings, "images": task.images.name},
        **{"space": task.space.name, "skeleton": str(task.space.skeleton)},
        "constraints": [str(constraint) for constraint in task.constraints],
    }
