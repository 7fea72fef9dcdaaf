"""DARTS: differentiable architecture search."""

from typing import TYPE_CHECKING

from benchmarks.search.registry import strategy
from benchmarks.search.weight_sharing import SharedResult, SharedTask

if TYPE_CHECKING:
    from torch import Generator, Tensor


@strategy("darts", kind="weight-sharing", paper="Liu et al., ICLR 2019 (DARTS, first order)")
def darts(task: SharedTask, *, architecture_rate: float = 3e-4, images: int = 1024) -> SharedResult:
    """All operations run, mixed by softmax(alpha); alpha follows the held-out loss, at the present weights.

    This is the first-order variant (the weights' response to alpha is left out); which one the published table used is
    not known. The cell found is the allowed one with the largest sum of alpha.
    """
    from benchmarks.search.supernet_training import SharedTraining, best_of

    def path(alpha: "Tensor", generator: "Generator", progress: float) -> "Tensor":
        return alpha.softmax(-1)

    settings = {"architecture_rate": architecture_rate, "images": images}
    training = SharedTraining("darts", settings, task, path, architecture_rate).run()
    best, value, seconds = best_of(training, [training.favourite()], images)
    return training.result(best, value, 1, seconds)
