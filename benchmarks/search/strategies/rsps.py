"""RSPS: random search with parameter sharing."""

from typing import TYPE_CHECKING

from benchmarks.search.registry import strategy
from benchmarks.search.weight_sharing import SharedResult, SharedTask

if TYPE_CHECKING:
    from torch import Generator, Tensor


@strategy("rsps", kind="weight-sharing", paper="Li and Talwalkar, UAI 2019 (RSPS)")
def rsps(task: SharedTask, *, samples: int = 100, images: int = 1024) -> SharedResult:
    """Every step trains one random cell of the shared network; afterwards the best of `samples` random cells is taken.

    The comparison is by accuracy under the shared weights, on the same `images` of the held-out half for all.
    """
    from torch import randint
    from torch.nn.functional import one_hot

    from benchmarks.search.supernet_training import SharedTraining, best_of
    from nb201_data.space import sample

    def path(alpha: "Tensor", generator: "Generator", progress: float) -> "Tensor":
        edges, operations = alpha.shape
        return one_hot(randint(operations, (edges,), generator=generator), operations).float().to(alpha.device)

    settings = {"samples": samples, "images": images}
    training = SharedTraining("rsps", settings, task, path, rate=None).run()
    cells = sample(training.cells, min(samples, len(training.cells)), task.seed)
    best, value, seconds = best_of(training, cells, images)
    return training.result(best, value, len(cells), seconds)
