"""The public door to the distillation losses: the functions by name, and one record for each.

`get(name)(student, teacher, labels, head, context)` is a loss's own term; `.objective(...)` what training minimises.
Weights are those of RepDistiller or of the method's authors for CIFAR-100, ResNet-56 to ResNet-20: `Loss.published`.
"""

from diswot_registry import HOME
from proxies.distillation import combined
from proxies.distillation.at import at
from proxies.distillation.cc import cc
from proxies.distillation.crd import nce
from proxies.distillation.dkd import dkd
from proxies.distillation.dml import dml
from proxies.distillation.fitnet import fitnet
from proxies.distillation.ickd import ickd
from proxies.distillation.logits import ce, kd
from proxies.distillation.nst import nst
from proxies.distillation.ofd import ofd
from proxies.distillation.one import one
from proxies.distillation.pkt import pkt
from proxies.distillation.record import Context, HeadSetup, Loss
from proxies.distillation.registry import DISTILLERS, distiller
from proxies.distillation.review import hcl
from proxies.distillation.rkd import rkd
from proxies.distillation.similarity import diswot_terms, m_r, m_s
from proxies.distillation.simkd import simkd
from proxies.distillation.sp import sp
from proxies.distillation.standardised import kd_ls, standardise
from proxies.distillation.vid import vid

__all__ = [
    "DISTILLERS", "Context", "HeadSetup", "Loss", "at", "cc", "ce", "distiller", "diswot_terms", "dkd", "dml", "fitnet",
    "get", "hcl", "ickd", "kd", "kd_ls", "m_r", "m_s", "names", "nce", "nst", "ofd", "one", "pkt", "register", "rkd",
    "simkd", "sp", "standardise", "vid",
]  # fmt: skip


def register(loss: Loss) -> Loss:
    """Make a loss known by its name."""
    return DISTILLERS.add(loss)


def names() -> list[str]:
    """All losses: built in, in alphabetical order, then those of others."""
    return sorted(DISTILLERS, key=lambda name: (DISTILLERS.origin(name) != HOME, name))


def get(name: str) -> Loss:
    """The record of a loss, or of several as one (`kd+crd`); an unknown name is refused with the nearest ones."""
    return combined.find(name)
