"""FitNet, M_s, RKD, M_r and their sum as scores, published beside measured: `python -m benchmarks.metric_ablation`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.study import TRUTHS, studies_at_hand, with_baselines
from benchmarks.tables import metrics


def ask(options: argparse.Namespace) -> Asked:
    """Every form of the five distances on every ground truth."""
    from proxies.registry import get

    infos = with_baselines([get(name) for name in metrics.PROXIES])
    studies, missing = studies_at_hand(options, TRUTHS, options.init)
    return Asked([Ask(study, infos, study.setting.space) for study in studies], missing)


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """A section for each ground truth, and the published table."""
    lead = [metrics.sentence(one) for one in measured]
    return Content("Which distance to the teacher predicts the student?", lead, metrics.sections(measured))


COMMAND = Scored(
    name="metric_ablation",
    title="Different metrics",
    description="Which distance between teacher and student predicts the student best: FitNet, M_s, RKD, M_r, M_s & "
    "M_r, in their forms, on NAS-Bench-201 and, where its accuracies are on disk, on S0; published beside measured.",
    options=(shared.truth(several=True), shared.study(), shared.seeds(5), shared.init()),
    ask=ask,
    make=make,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
