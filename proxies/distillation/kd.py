"""Knowledge distillation: the teacher's softened answers."""

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.logits import kd
from proxies.distillation.published import repdistiller
from proxies.distillation.registry import distiller

SETTING = repdistiller("-r 0.1 -a 0.9", 0.1, 0.9, "T 4")

distiller("kd", of="logits", paper="Hinton et al. 2015", weight=0.9, ce=0.1, published=SETTING, authors=DISWOT_LOSSES)(
    kd
)
