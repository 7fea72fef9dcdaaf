"""GDAS: differentiable architecture sampler."""

from typing import TYPE_CHECKING

from benchmarks.search.registry import strategy
from benchmarks.search.weight_sharing import SharedResult, SharedTask

if TYPE_CHECKING:
    from torch import Generator, Tensor

HOT, COLD = 10.0, 0.1


@strategy("gdas", kind="weight-sharing", paper="Dong and Yang, CVPR 2019 (GDAS)")
def gdas(task: SharedTask, *, architecture_rate: float = 3e-4, images: int = 1024) -> SharedResult:
    """Every step runs one cell, drawn by Gumbel noise; the gradient of alpha is that of the soft choice.

        soft = softmax((log softmax(alpha) + Gumbel) / t);   w = onehot(argmax soft) + soft - stopgrad(soft)

    The temperature t falls linearly from 10 to 0.1. Only the drawn operation of an edge is computed, and only its
    weight carries gradient. The cell found is the allowed one with the largest sum of alpha.
    """
    import torch
    from torch.nn.functional import one_hot

    from benchmarks.search.supernet_training import SharedTraining, best_of

    def path(alpha: "Tensor", generator: "Generator", progress: float) -> "Tensor":
        uniform = torch.rand(alpha.shape, generator=generator).clamp_(1e-9, 1 - 1e-7).to(alpha.device)
        noisy = alpha.log_softmax(-1) - (-uniform.log()).log()
        soft = (noisy / (HOT + (COLD - HOT) * progress)).softmax(-1)
        hard = one_hot(soft.argmax(-1), alpha.shape[-1]).to(soft.dtype)
        return hard * (1 + soft - soft.detach())

    settings = {"architecture_rate": architecture_rate, "images": images}
    training = SharedTraining("gdas", settings, task, path, architecture_rate).run()
    best, value, seconds = best_of(training, [training.favourite()], images)
    return training.result(best, value, 1, seconds)
