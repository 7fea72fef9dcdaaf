"""Deep mutual learning: two students that teach each other."""

from __future__ import annotations

from torch import Tensor

from proxies.distillation.logits import kd
from proxies.distillation.published import Published
from proxies.distillation.registry import distiller

SETTING = Published("Zhang et al. 2018", 1.0, 0.0, 1.0, inside="T 1")


@distiller("dml", of="logits", paper="Zhang et al. 2018", teaching="peer", published=SETTING)
def dml(student: Tensor, peer: Tensor) -> Tensor:
    """KL(softmax(peer) || softmax(student)), the peer held fixed; logits (B, K). Zhang et al. 2018.

    Both networks learn: call it once each way, every call moves only its first argument.
    """
    return kd(student, peer.detach(), temperature=1.0)
