"""Table 1 of VKDNW (CVPR 2025) as printed: 9,445 cells, test accuracy after 200 epochs, mean of five runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.scoring.columns import worst
from benchmarks.scoring.measured import RESAMPLES, Measured
from benchmarks.scoring.population import LEAST
from benchmarks.statistics import controlled, own_draws
from benchmarks.statistics.resamples import Array
from benchmarks.tables.standing import aggregate_values
from nb201_data.datasets import BENCHMARK
from nb201_data.ground_truth import GroundTruth
from nb201_data.spaces import get_space
from proxies.registry import aggregates
from reports.schema import Column, Section, Table

Mask = NDArray[np.bool_]
TRUTH = "nb201:cifar100:test:200"
IMAGES = tuple(data.name for data in BENCHMARK)
_PRINTED = """
flops .623 .799 .745 .586 .763 .576 .545 .718 .403
grad_norm .328 .438 .509 .341 .451 .278 .310 .418 .265
grasp .352 .505 .518 .349 .498 .284 .359 .502 .281
snip .431 .591 .513 .440 .597 .286 .389 .521 .286
synflow .561 .758 .709 .553 .750 .594 .531 .719 .511
jacob .616 .800 .540 .639 .820 .402 .602 .779 .356
nwot .571 .762 .607 .607 .799 .475 .605 .794 .490
zen .102 .103 .120 .079 .072 .115 .091 .109 .073
zico .607 .802 .751 .614 .809 .607 .587 .779 .523
te_nas .536 .722 .602 .537 .723 .327 .523 .709 .330
az_nas .712 .892 .749 .696 .880 .549 .673 .859 .534
vkdnw_single .618 .815 .751 .634 .829 .617 .622 .814 .608
vkdnw_agg .750 .919 .785 .753 .919 .636 .743 .906 .664
convolutions .626 .767 .671 .646 .787 .525 .623 .764 .497
trainable_layers .626 .767 .671 .646 .787 .525 .623 .764 .497
GRAF .820 .953 .935 .809 .948 .858 .796 .941 .828
VKDNW_m .647 .831 .750 .636 .821 .602 .611 .798 .575
VKDNW+ZCS_m .840 .963 .922 .834 .960 .884 .830 .958 .843
VKDNW+ZCS+GRAF_m .859 .971 .946 .847 .966 .895 .842 .963 .867
"""
FITTED = ("GRAF", "VKDNW_m", "VKDNW+ZCS_m", "VKDNW+ZCS+GRAF_m")
"""Rows of random forests that were fitted on accuracies: no scores, and in no ranking of scores."""
PROXIES = (
    *("grad_norm", "grasp", "snip", "synflow", "jacob", "nwot", "zen", "zico", "te_nas_ntk", "te_nas_regions"),
    *("az_nas_expressivity", "az_nas_progressivity", "az_nas_trainability", "vkdnw_single", "flops"),
)
"""What is printed, aggregates by their parts."""
INSTEAD = {"te_nas_ntk": "te_nas"}
"""What a printed number may be of: AZ-NAS's code, which VKDNW took over, counts ReLU patterns that in a network of this
width differ for every input, so that what it calls TE-NAS is the rank of the tangent kernel alone."""
WAYS = ("authors", "kaiming", "noise")
CLOSE = 0.03
"""How near to the printed number is called agreement."""
STANDARD = 2 * 1.959964  # width of a 95 % interval in standard errors


def population(truth: GroundTruth) -> GroundTruth:
    """The networks without dead branches, on which the table was made."""
    forms = {str(arch) for arch in get_space(truth.space).distinct()}
    records = tuple(record for record in truth.records if record.arch in forms)
    note = f"{truth.note}; of its {len(truth):,} networks the {len(records):,} without dead branches"
    return replace(truth, records=records, note=note)


COLUMNS = (
    *(Column("proxy"), Column("whose", label="setting"), Column("conditions"), Column("seeds", "integer")),
    *(Column("networks", "integer", label="n"), Column("sampled", "number", label="τ", note="of these networks")),
    Column("printed", "number"),
    Column("kendall", "number", label="τ of all", note="estimated, see below"),
    Column("error", "number", label="s.e.", note="from the sample"),
    *(Column("difference", "number"), Column("agrees")),
    Column("own_draws", "number", label="own draws", note="τ of all, each network with weights and images of its own"),
    *(Column("own_difference", "number", label="difference"), Column("own_agrees", label="agrees")),
)


def sections(measured: Sequence[Measured]) -> list[Section]:
    """Kendall's tau of every printed score under every setting, beside what is printed."""
    rows = [row for one in measured for row in _rows(one)]
    if not rows:
        return []
    rows.sort(key=lambda row: (row[0], WAYS.index(row[1])))
    intro = (
        "Printed: VKDNW (CVPR 2025), Table 1, the mean of five runs on 9,445 cells. authors: each score under the "
        "setting of its own paper. kaiming: such weights and the same images for all. noise: the same with images of "
        "N(0, 1). Here one draw of weights and images serves all networks; VKDNW's code draws anew for "
        "each: 'own draws', from two seeds on.",
    )
    note = (
        "τ of all: that of the sample, less the luck that it shares with FLOPs and the number of convolutions, whose τ "
        f"on all networks is known. agrees: yes within {CLOSE:.2f}; open where the 95 % interval comes that near; no "
        f"elsewhere. {', '.join(INSTEAD)}: beside what is printed of {', '.join(INSTEAD.values())}, of which it may be."
    )
    return [Section("printed", "Printed beside measured", intro, Table(COLUMNS, tuple(rows)), note=note)]


def _rows(one: Measured) -> list[tuple[Any, ...]]:
    """Of one setting, which is the label of its question."""
    truth, way = one.study.truth, one.ask.label
    archs = list(truth.values)
    known = controlled.on_population(np.array([truth.values[arch] for arch in archs]), _controls(truth, archs))
    values = {info.name: one.oriented(info.name) for info in one.infos} | aggregate_values(one)
    rows: list[tuple[Any, ...]] = []
    for name, scores in values.items():
        whole = np.asarray(np.isfinite(scores).all(axis=0), dtype=bool)
        target = printed(INSTEAD.get(name, name), truth.name)[0]
        if target is None or whole.sum() < LEAST or not np.ptp(scores[:, whole], axis=1).all():
            continue
        accuracies = np.array(one.study.accuracies)[whole]
        sampled = float(np.mean([scipy.stats.kendalltau(row[whole], accuracies).statistic for row in scores]))
        beside_it = _controls(truth, [arch for arch, there in zip(one.study.archs, whole, strict=True) if there])
        value, error = controlled.kendall(accuracies, scores[:, whole], beside_it, known, len(archs), RESAMPLES)
        own = _own_draws(one, name, whole)
        own = None if own is None else own + value - sampled
        asked = (name, way, _conditions(one, name), len(one.study.seeds), int(whole.sum()), sampled, target)
        rows.append((*asked, value, error, *beside(value, error, target), own, *beside(own, error, target)))
    return rows


def _controls(truth: GroundTruth, archs: Sequence[str]) -> Array:
    """(2, n) number of convolutions and FLOPs."""
    space = get_space(truth.space)
    cells, forms = [space.parse(arch) for arch in archs], space.closed_forms()
    return np.array([[forms[name](cell) for cell in cells] for name in ("convolutions", "flops")], dtype=float)


def beside(value: float | None, error: float | None, target: float) -> tuple[float | None, str]:
    """The difference to what is printed, and whether they agree, with the standard error of the value."""
    if value is None or error is None:
        return None, ""
    gap = value - target
    return gap, "yes" if abs(gap) <= CLOSE else "no" if abs(gap) - STANDARD / 2 * error > CLOSE else "open"


def _own_draws(one: Measured, name: str, whole: Mask) -> float | None:
    """Kendall's tau with a draw for each network, over those that have all parts for all seeds."""
    if len(one.study.seeds) < 2:
        return None
    groups = {info.name: info for info in aggregates()}
    names = groups[name].parts if name in groups else (name,)
    parts = np.stack([one.values(part, worst(part)) if name in groups else one.oriented(part) for part in names])
    combine = groups[name].function if name in groups else _itself
    return own_draws.kendall(np.array(one.study.accuracies)[whole], parts[:, :, whole], combine)


def _itself(score: Sequence[float]) -> Sequence[float]:
    return score


def _conditions(one: Measured, name: str) -> str:
    """Weights, batch and images; of an aggregate its parts have their own."""
    setting = one.settings.get(name)
    return f"{setting.init}, {setting.batch_size} of {setting.images}" if setting else "those of its parts"


def names() -> tuple[str, ...]:
    """The scores and aggregates that are printed, without the rows that were fitted."""
    found = [line.split()[0] for line in _PRINTED.strip().splitlines()]
    return tuple(name for name in found if name not in FITTED)


def printed(score: str, truth: str) -> tuple[float | None, float | None, float | None]:
    """Kendall, Spearman and nDCG of a score as printed, for `nb201:IMAGES:test:200`; None where nothing is."""
    rows = {line.split()[0]: [float(text) for text in line.split()[1:]] for line in _PRINTED.strip().splitlines()}
    source, _, rest = truth.partition(":")
    images, _, how = rest.partition(":")
    if source != "nb201" or how != "test:200" or score not in rows:
        return None, None, None
    begin = 3 * IMAGES.index(images)
    kendall, spearman, gain = rows[score][begin : begin + 3]
    return kendall, spearman, gain
