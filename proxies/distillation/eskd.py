"""Early-stopped knowledge distillation: the loss of kd, from a teacher that has not learned everything."""

from __future__ import annotations

from proxies.distillation.logits import kd
from proxies.distillation.published import Published
from proxies.distillation.registry import distiller

SETTING = Published("Cho and Hariharan 2019", differs="their weights were not at hand: those of kd")

distiller(
    "eskd",
    of="logits",
    paper="Cho and Hariharan 2019",
    weight=0.9,
    ce=0.1,
    teaching="early",
    note="the loss of kd; the teacher's checkpoint is an early one (stopped at a third of its own schedule)",
    published=SETTING,
)(kd)
