"""NST between two untrained networks, taken apart: `--plugin docs/plugins/nst_parts.py` (docs/score.md).

With rows of unit length u_c (a channel's map over space), k(a, b) = (a^T b)^2 and means over pairs of channels,

    NST = sum over stages of  E k(t, t')  +  E k(s, s')  -  2 E k(s, t).

The first term is the same for every student. The second looks at the student alone: with the eigenvalues l_i of the
mean of u_c u_c^T (they sum to 1), E k(s, s') = sum l_i^2 is one over the number of directions that the channels fill
(the participation ratio). The third is all that the teacher has to say.

It adds the scores below and the table `nst_parts`: `diswot nst_parts --plugin docs/plugins/nst_parts.py`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.registry import TABLES
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.study import studies_at_hand
from benchmarks.statistics.explained import rank_r2
from diswot_errors import NotApplicable
from proxies.distillation.nst import nst
from proxies.registry import get, proxy
from reports import figures
from reports.schema import Cell, Column, Figure, Section, Table
from reports.tables import format_estimate

if TYPE_CHECKING:
    from proxies.evidence import Evidence

Maps = Sequence[Tensor]
PAPER = "Huang and Wang 2017, taken apart here"
TINY = 1e-12


def student_maps(evidence: Evidence) -> Maps:
    """The student's maps (B, C, H, W) at the ends of its stages."""
    if not evidence.features.stages:
        raise NotApplicable("the network has no feature maps (B, C, H, W)")
    return [x.double() for x in evidence.features.stages]


def teacher_maps(evidence: Evidence) -> Maps:
    """The teacher's, as the student's."""
    if not evidence.teacher.features.stages:
        raise NotApplicable("the teacher has no feature maps (B, C, H, W)")
    return [x.double() for x in evidence.teacher.features.stages]


def units(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, HW), each channel of unit length over space; a dead one stays 0."""
    flat = x.flatten(2)
    return flat / flat.norm(dim=2, keepdim=True).clamp_min(TINY)


def alike(a: Tensor, b: Tensor, power: int = 2) -> Tensor:
    """E (a_i^T b_j)^power over images and pairs of channels; maps of any two widths and one resolution."""
    return (units(a) @ units(b).mT).pow(power).mean()


def distance(a: Maps, b: Maps, power: int = 2) -> Tensor:
    """The whole, E k(b, b') + E k(a, a') - 2 E k(a, b) over the stages."""
    return torch.stack(
        [alike(t, t, power) + alike(s, s, power) - 2 * alike(s, t, power) for s, t in zip(a, b, strict=True)]
    ).sum()


def centred(x: Tensor) -> Tensor:
    """Each channel less its mean over space."""
    return x - x.mean(dim=(2, 3), keepdim=True)


@proxy("nst_own", direction="lower", needs=["features"], paper=PAPER)
def nst_own(evidence: Evidence) -> Tensor:
    """sum over stages of E k(s, s'): the student alone. No teacher is looked at."""
    return torch.stack([alike(s, s) for s in student_maps(evidence)]).sum()


@proxy("nst_own_centred", direction="lower", needs=["features"], paper=PAPER)
def nst_own_centred(evidence: Evidence) -> Tensor:
    """As nst_own, each channel less its mean over space: what is left of it without the means."""
    return torch.stack([alike(centred(s), centred(s)) for s in student_maps(evidence)]).sum()


@proxy("nst_cross", direction="lower", needs=["features"], teacher=True, paper=PAPER)
def nst_cross(evidence: Evidence) -> Tensor:
    """-2 sum over stages of E k(s, t): what the teacher has to say."""
    return (
        -2
        * torch.stack([alike(s, t) for s, t in zip(student_maps(evidence), teacher_maps(evidence), strict=True)]).sum()
    )


@proxy("nst_linear", direction="lower", needs=["features"], teacher=True, paper=PAPER)
def nst_linear(evidence: Evidence) -> Tensor:
    """NST with the kernel a^T b: the distance of the mean channels."""
    return distance(student_maps(evidence), teacher_maps(evidence), power=1)


@proxy("nst_noise", direction="lower", needs=["features"], teacher=True, paper=PAPER)
def nst_noise(evidence: Evidence) -> Tensor:
    """NST to noise in place of the teacher: Gaussian, mean and deviation of each of its channels, then the ReLU."""
    generator = torch.Generator().manual_seed(evidence.seed)
    noise = [
        torch.relu(
            t.mean(dim=(0, 2, 3), keepdim=True)
            + t.std(dim=(0, 2, 3), keepdim=True) * torch.randn(t.shape, generator=generator, dtype=t.dtype)
        )
        for t in teacher_maps(evidence)
    ]
    return distance(student_maps(evidence), noise)


def _at_stage(part: Callable[[Evidence], tuple[Maps, Maps]], stage: int) -> Callable[[Evidence], Tensor]:
    def score(evidence: Evidence) -> Tensor:
        a, b = part(evidence)
        if stage > len(a):
            raise NotApplicable(f"the network has {len(a)} stages")
        return nst([a[stage - 1]], [b[stage - 1]])

    score.__doc__ = f"NST at stage {stage} alone."
    return score


for _stage in (1, 2, 3):
    proxy(f"nst_stage{_stage}", direction="lower", needs=["features"], teacher=True, paper=PAPER)(
        _at_stage(lambda evidence: (student_maps(evidence), teacher_maps(evidence)), _stage)
    )


@proxy("channel_rank", direction="higher", needs=["features"], paper="participation ratio")
def channel_rank(evidence: Evidence) -> Tensor:
    """mean over stages of ln(1 / E k(s, s')): the logarithm of how many directions the channels fill."""
    return torch.stack([-alike(s, s).clamp_min(TINY).log() for s in student_maps(evidence)]).mean()


@proxy("channel_kurtosis", direction="lower", needs=["features"], paper="moments")
def channel_kurtosis(evidence: Evidence) -> Tensor:
    """mean over stages, images and channels of E (x - m)^4 / s^4 over space; a constant channel counts 0."""
    found = []
    for s in student_maps(evidence):
        square = centred(s).square().mean(dim=(2, 3))
        fourth = centred(s).pow(4).mean(dim=(2, 3))
        found.append((fourth / square.square().clamp_min(TINY)).mean())
    return torch.stack(found).mean()


@proxy("channel_mean", direction="lower", needs=["features"], paper="moments")
def channel_mean(evidence: Evidence) -> Tensor:
    """mean over stages, images and channels of m^2 / E x^2 over space: how much of a map is its mean."""
    return torch.stack(
        [
            (s.mean(dim=(2, 3)).square() / s.square().mean(dim=(2, 3)).clamp_min(TINY)).mean()
            for s in student_maps(evidence)
        ]
    ).mean()


@proxy("channel_rank_gap", direction="lower", needs=["features"], teacher=True, paper="participation ratio")
def channel_rank_gap(evidence: Evidence) -> Tensor:
    """mean over stages of |ln E k(s, s') - ln E k(t, t')|: how far the student is from the teacher there."""
    pairs = zip(student_maps(evidence), teacher_maps(evidence), strict=True)
    return torch.stack(
        [(alike(s, s).clamp_min(TINY).log() - alike(t, t).clamp_min(TINY).log()).abs() for s, t in pairs]
    ).mean()


TRUTHS = ("kd-nb201", "s0:kd", "nb201:cifar100:test:200")
OTHERS = {"nb201": "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"}
"""By space another teacher, of the same size of images but without any 3 x 3 convolution; a ResNet-20 elsewhere."""
PARTS = (
    *("nst", "nst_own", "nst_own_centred", "nst_cross", "nst_linear", "nst_noise"),
    *("nst_stage1", "nst_stage2", "nst_stage3"),
    *("channel_rank", "channel_rank_gap", "channel_mean", "channel_kurtosis", "jacob"),
)
SIZES = ("params", "flops", "conv_count", "conv_root_size")


def ask(options: argparse.Namespace) -> Asked:
    """All parts on every ground truth at hand; what looks at a teacher once more with another teacher."""
    studies, missing = studies_at_hand(options, TRUTHS, options.init)
    infos = tuple(get(name) for name in dict.fromkeys((*PARTS, *SIZES)))
    paired = tuple(info for info in infos if info.teacher) + tuple(get(name) for name in ("params", "flops"))
    asks = []
    for study in studies:
        other = replace(study.setting, teacher=OTHERS.get(study.setting.space, "resnet20"))
        asks.append(Ask(study, infos))
        asks.append(Ask(replace(study, setting=other), paired, "another teacher", aside=True))
    return Asked(asks, missing)


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """A section for each ground truth."""
    pairs = list(zip(measured[::2], measured[1::2], strict=True))
    lead = [sentence(usual, other) for usual, other in pairs]
    return Content("What NST between two untrained networks says", lead, [section(*pair) for pair in pairs])


def section(usual: Measured, other: Measured) -> Section:
    """One ground truth: Spearman of each part, with another teacher, and what sizes explain of it."""
    sizes = np.stack([usual.mean_scores(name) for name in SIZES])
    rows: list[tuple[Cell, ...]] = []
    for row in (usual.by_proxy[name] for name in (*PARTS, *SIZES)):
        swapped = other.by_proxy[row.proxy].spearman if get(row.proxy).teacher else None
        explained = None if row.proxy in SIZES else rank_r2(usual.mean_scores(row.proxy), sizes)
        rows.append((row.proxy, row.scored, row.spearman, swapped, row.partial_spearman, explained))
    columns = (
        Column("part"),
        Column("networks", "integer", label="n"),
        Column("spearman", "estimate", label="ρ"),
        Column("other", "estimate", label="ρ, another teacher"),
        Column("partial", "estimate", label="partial ρ", note="given params"),
        Column("explained", "number", label="rank R²", note="on params, FLOPs, convolutions, conv_root_size"),
    )
    study = usual.study
    drawn = figures.intervals(list(PARTS), [usual.by_proxy[name].spearman for name in PARTS], title="ρ")
    return Section(
        "on-" + re.sub(r"[^a-z0-9]+", "-", study.truth.name),
        f"On {study.truth.name}",
        table=Table(columns, tuple(rows)),
        figures=(Figure("intervals", drawn),),
        note=f"{len(study.archs):,} networks of {study.setting.space} ({study.setting.skeleton}), "
        f"{study.setting.images}, {study.setting.init} weights, {len(study.seeds)} seeds, "
        f"teacher {study.setting.teacher}, other teacher {other.study.setting.teacher}. Distances are negated: higher "
        "predicts better. 95 % bootstrap intervals over networks.",
    )


def sentence(usual: Measured, other: Measured) -> str:
    """The whole, the student alone, and the whole with another teacher."""
    shown = {name: format_estimate(usual.by_proxy[name].spearman) for name in ("nst", "nst_own", "channel_rank_gap")}
    swapped = {name: format_estimate(other.by_proxy[name].spearman) for name in ("nst", "channel_rank_gap")}
    return (
        f"On {usual.study.truth.name} ({len(usual.study.archs):,} networks): Spearman of NST {shown['nst']}, of its "
        f"term of the student alone {shown['nst_own']}, of the gap in channel rank to the teacher "
        f"{shown['channel_rank_gap']}; with another teacher NST {swapped['nst']}, the gap "
        f"{swapped['channel_rank_gap']}."
    )


TABLES.add(
    Scored(
        name="nst_parts",
        title="NST taken apart",
        description="What of NST between two untrained networks predicts the student: its terms, its stages, its "
        "kernel, its teacher, and what sizes explain of it.",
        options=(shared.truth(several=True), shared.study(), shared.seeds(1), shared.init()),
        ask=ask,
        make=make,
    )
)
