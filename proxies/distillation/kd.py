"""Knowledge distillation: the teacher's softened answers."""

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.logits import kd
from proxies.distillation.registry import distiller

distiller("kd", of="logits", paper="Hinton et al. 2015", weight=0.9, ce=0.1, authors=DISWOT_LOSSES)(kd)
