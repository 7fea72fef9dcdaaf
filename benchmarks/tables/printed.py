"""What others print of scores on NAS-Bench-201, each number with its set and setting, and ours beside it.

Only numbers that were read in a paper's table, a notebook's output or a log, or computed from published values (a test
does so again). The set decides the number: FLOPs have Spearman .753 on all cells of CIFAR-10, .799 on those without
dead branches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from benchmarks.tables.vkdnw import IMAGES, names
from benchmarks.tables.vkdnw import printed as of_vkdnw
from reports.schema import Cell, Column, Section, Table

ALL, LIVE = "all", "live"  # keys of `Population`


@dataclass(frozen=True)
class Source:
    """Who printed, on which networks, under which setting. whole: the population itself; else a sample of it."""

    name: str
    population: str
    whole: bool
    networks: str
    setting: str


@dataclass(frozen=True)
class Printed:
    """What a source says of a score on a truth."""

    source: Source
    score: str
    truth: str
    kendall: float | None = None
    spearman: float | None = None
    ndcg: float | None = None


@dataclass(frozen=True)
class Ours:
    """A score of ours on a population that somebody printed about."""

    score: str
    truth: str
    population: str
    whose: str
    setting: str
    networks: int
    kendall: float
    spearman: float


VKDNW = Source("VKDNW, Table 1", LIVE, True, "9,445 without dead branches", "mean of five runs")
AZ_NAS = Source("AZ-NAS, notebook", ALL, True, "all 15,625", "Kaiming, 64 of noise; FLOPs of the benchmark's file")
FORESIGHT = Source(
    "foresight, notebook", ALL, True, "all 15,625", "zero-cost-nas: default weights, 64 images of the set"
)
GRADSIGN = Source(
    "GradSign, as copied by VKDNW",
    ALL,
    False,
    "not stated where it is copied",
    "default weights, 128 images one by one",
)
DEEPLITE = Source("deeplite-torch-zoo, pull request 323", ALL, False, "500", "not stated")
SUITE_ZERO = Source(
    "NAS-Bench-Suite-Zero, its values",
    LIVE,
    False,
    "3,000 without dead branches",
    "NASLib: default weights, 64 of CIFAR-10",
)
_KENDALL, _SPEARMAN = "kendall", "spearman"
_THREE: dict[tuple[Source, str], str] = {
    (FORESIGHT, _SPEARMAN): """
        grad_norm .594 .637 .578
        snip .596 .637 .578
        grasp .514 .547 .549
        fisher .360 .385 .327
        synflow .737 .763 .751
        jacob .731 .704 .701""",
    (GRADSIGN, _SPEARMAN): "gradsign .765 .793 .783",
    (SUITE_ZERO, _KENDALL): """
        nwot .624 .654 .620
        jacob .615 .641 .607
        epe_nas .577 .601 .559
        synflow .577 .558 .532
        params .619 .584 .546
        l2_norm .552 .572 .556
        grad_norm .429 .427 .377
        snip .429 .425 .373
        fisher .382 .379 .329
        grasp .368 .363 .329
        zen .116 .094 .113""",
    (SUITE_ZERO, _SPEARMAN): """
        nwot .815 .840 .805
        jacob .801 .825 .794
        epe_nas .772 .794 .752
        synflow .773 .754 .722
        params .796 .760 .719
        l2_norm .749 .770 .752
        grad_norm .585 .581 .510
        snip .586 .580 .508
        fisher .529 .524 .452
        grasp .523 .517 .468
        zen .125 .095 .141""",
}
"""By score: CIFAR-10, CIFAR-100, ImageNet16-120. NASLib's flops are in TensorWatch's convention: not ours."""
_CIFAR100 = """
    flops .567
    jacob .561
    synflow .548
    zico .538
    params .531
    snip .412
    fisher .354
    grasp .307
    grad_norm .301
    plain -.190"""
"""Kendall on CIFAR-100, as deeplite-torch-zoo's pull request has it."""


@cache
def all_printed() -> tuple[Printed, ...]:
    """Every number, by source, score and truth."""
    found: dict[tuple[Source, str, str], dict[str, float]] = {}
    for (source, coefficient), text in _THREE.items():
        for score, *numbers in _lines(text):
            for images, number in zip(IMAGES, numbers, strict=True):
                found.setdefault((source, score, _truth(images)), {})[coefficient] = float(number)
    found |= {(DEEPLITE, score, _truth("cifar100")): {_KENDALL: float(tau)} for score, tau in _lines(_CIFAR100)}
    found[AZ_NAS, "az_nas", _truth("cifar10")] = {_KENDALL: 0.7409, _SPEARMAN: 0.9127}
    own = [
        Printed(VKDNW, name, _truth(images), *of_vkdnw(name, _truth(images))) for name in names() for images in IMAGES
    ]
    return (*own, *(Printed(*place, each.get(_KENDALL), each.get(_SPEARMAN)) for place, each in found.items()))


def on(score: str, truth: str, population: str) -> Printed | None:
    """What is printed of a score on the very networks of a population; None where nothing is."""
    there = (one for one in all_printed() if (one.score, one.truth) == (score, truth))
    return next((one for one in there if one.source.whole and one.source.population == population), None)


def section(ours: Iterable[Ours], truths: Sequence[str]) -> Section | None:
    """Every printed number of these truths beside ours on the population that it is of, or is a sample of."""
    by_place: dict[tuple[str, str, str], dict[str, Ours]] = {}
    for each in sorted(ours, key=lambda one: one.networks):  # of several common settings the one with most networks
        by_place.setdefault((each.score, each.truth, each.population), {})[each.whose] = each
    rows: list[tuple[Cell, ...]] = []
    for one in all_printed():
        if one.truth in truths:
            said = (one.score, one.truth, one.source.name, one.source.networks, one.source.setting)
            beside = by_place.get((one.score, one.truth, one.source.population), {})
            values = [_beside(one, beside[whose]) for whose in sorted(beside)] or [(None,) * 6]
            rows += [(*said, one.kendall, one.spearman, *cells) for cells in values]
    if not rows:
        return None
    columns = (
        *(Column("proxy"), Column("truth"), Column("source", label="printed by"), Column("set", label="its networks")),
        *(Column("printed_setting", label="its setting"), Column("printed_kendall", "number", label="τ printed")),
        *(Column("printed_spearman", "number", label="ρ printed"), Column("whose", label="setting here")),
        *(Column("conditions"), Column("networks", "integer", label="n here"), Column("kendall", "number", label="τ")),
        *(
            Column("spearman", "number", label="ρ"),
            Column("difference", "number", label="here − printed", note=DIFFERENCE),
        ),
    )
    intro = (
        "Every correlation that others print of a score on these truths. Ours are on the same population, or on that "
        "which theirs is a sample of; empty where the score is not released.",
    )
    note = (
        "A difference is of two settings and two samples: `python -m benchmarks.vkdnw_table` judges what can be judged."
    )
    return Section("printed", "Printed beside measured", intro, Table(columns, tuple(rows)), note=note)


DIFFERENCE = "of ρ, of τ where no ρ is printed"


def _beside(one: Printed, ours: Ours) -> tuple[Cell, ...]:
    gap = ours.spearman - one.spearman if one.spearman is not None else ours.kendall - (one.kendall or 0.0)
    return (ours.whose, ours.setting, ours.networks, ours.kendall, ours.spearman, gap)


def _truth(images: str) -> str:
    return f"nb201:{images}:test:200"


def _lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]
