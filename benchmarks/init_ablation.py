"""M_s, M_r and DisWOT under four initialisations, published beside measured: `python -m benchmarks.init_ablation`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.study import TRUTHS, studies_at_hand, with_init
from benchmarks.tables import inits
from proxies.authors import INITS


def ask(options: argparse.Namespace) -> Asked:
    """Every form of the three metrics under every initialisation, on every ground truth."""
    from proxies.registry import get

    infos = tuple(get(name) for name in inits.PROXIES)
    studies, missing = studies_at_hand(options, TRUTHS, "gaussian")
    asks = [Ask(with_init(study, init), infos, f"{study.setting.space} {init}") for study in studies for init in INITS]
    return Asked(asks, missing)


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """A section for each ground truth, and the published table."""
    count = len(INITS)
    studies = [dict(zip(INITS, measured[i : i + count], strict=True)) for i in range(0, len(measured), count)]
    lead = [inits.sentence(by_init) for by_init in studies]
    return Content("Does the initialisation decide the score?", lead, inits.sections(studies))


COMMAND = Scored(
    name="init_ablation",
    title="Different initialization",
    description="How much M_s, M_r and DisWOT depend on the initialisation: Gaussian, Kaiming, Xavier and PyTorch's "
    "own, on NAS-Bench-201 and, where its accuracies are on disk, on S0; the paper's table beside the measured one.",
    options=(shared.truth(several=True), shared.study(), shared.seeds(5)),
    ask=ask,
    make=make,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
