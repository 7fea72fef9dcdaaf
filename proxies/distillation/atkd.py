"""Assistant-teacher knowledge distillation: the loss of kd, from a network of middle size that the teacher taught."""

from __future__ import annotations

from proxies.distillation.logits import kd
from proxies.distillation.published import Published
from proxies.distillation.registry import distiller

NOTE = (
    "the loss of kd; the teacher is an assistant of middle size, itself distilled from the real teacher. "
    "Table 9 of DisWOT prints 'ATKD' without saying what it stands for; assistant teacher is our reading, "
    "attention transfer + KD the other possible one"
)
SETTING = Published("Mirzadeh et al. 2020", differs="their weights were not at hand: those of kd")

distiller(
    "atkd",
    of="logits",
    paper="Mirzadeh et al. 2020",
    weight=0.9,
    ce=0.1,
    teaching="assistant",
    note=NOTE,
    published=SETTING,
)(kd)
