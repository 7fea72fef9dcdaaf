"""Verdicts of the tables, by hand: claims, noise, gains, rivals."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from distill_support import CELL, TINY
from test_standing import measured  # noqa: F401

from benchmarks.distill import jobs
from benchmarks.distill.trainer import EpochResult
from benchmarks.scoring.question import Answer
from benchmarks.search import SearchProblem, make_strategy
from benchmarks.statistics.same_order import same_order
from benchmarks.tables import distillers, one_order, random_teachers, standing
from benchmarks.tables.search_judged import Judged
from benchmarks.tables.search_rows import CONTENDERS
from benchmarks.tables.search_times import reached
from nb201_data.spaces import get_space
from reports.published import published
from reports.schema import Estimate


def test_the_claims_by_hand() -> None:
    """Lower regret is better: DisWOT is 2 below random, 1 above NWOT, level with m_r, and told apart from reinforce by
    ranks alone: 19 seeds of 20 are .1 better for DisWOT, one is 9 worse."""
    noise = np.linspace(-0.2, 0.2, 20)
    regrets = {"diswot": 5 + noise, "random": 7 + noise[::-1], "nwot": 4 - noise, "m_r": 5 + np.tile([0.6, -0.5], 10)}
    regrets["reinforce"] = regrets["diswot"] + np.array([0.1 + k / 1e3 for k in range(19)] + [-9.0])
    found = object.__new__(Judged)
    found.__dict__.update(complete=list(regrets), regrets={k: v.tolist() for k, v in regrets.items()})
    found.__dict__["rows"] = [CONTENDERS[key] for key in regrets]
    claims = {
        each.claim.removeprefix("DisWOT's search finds better cells than "): each.verdict for each in found.claims()
    }
    kinds = {
        CONTENDERS[key].label: kind
        for key, kind in (("random", "holds"), ("nwot", "fails"), ("m_r", "open"), ("reinforce", "open"))
    }
    assert {name: str(verdict.kind) for name, verdict in claims.items()} == kinds
    assert claims["RS"].detail.startswith("+2.00 points in the mean, p ") and claims["NWOT"].detail.startswith("-1.00")
    assert claims["RL"].detail.endswith("which says the other side: a few seeds lie far off")


@pytest.mark.parametrize(("share", "kind"), [(0.4, "fails"), (0.6, "holds"), (None, "open")])
def test_when_a_printed_accuracy_is_reached(share: float | None, kind: str) -> None:
    paper, row = published("search"), CONTENDERS["random"]
    value, seconds = (paper.number("random", name).value for name in ("cifar10", "cifar10_seconds"))  # type: ignore[union-attr]
    truth = {"a": value - 1, "b": value + 1 if share else value - 0.5}
    made = reached({"cifar10": {row: [((10.0, "a"), ((share or 0.5) * seconds, "b"))]}}, {"cifar10": truth})
    assert made.table is not None
    (found,) = (dict(zip([c.name for c in made.table.columns], r, strict=True)) for r in made.table.rows)
    assert found["seconds"] == (share * seconds if share else None) and found["final"] == truth["b"]
    assert str(found["verdict"].kind) == kind


def test_noise_of_a_mean_is_that_of_a_run_over_the_root_of_the_runs(tmp_path: Path) -> None:
    """Alone the best of the first seed is the second of the other; distilled it is one network."""
    arch = "|nor_conv_3x3~0|+|none~0|none~1|+|{}~0|none~1|nor_conv_1x1~2|"
    head = "space,arch,accuracy,seed,images,split,epochs,teacher,protocol,skeleton"
    runs = {"alone": ((50, 51), (52, 55), (54, 53)), "distilled": ((50.0, 50.4), (61, 62), (53.0, 53.2))}
    for name, values in runs.items():
        rows = [
            f"nb201,{arch.format(op)},{value},{seed},cifar100,test,1,,mine,c16n5k100r32"
            for op, both in zip(("none", "skip_connect", "nor_conv_3x3"), values, strict=True)
            for seed, value in enumerate(both)
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    case = one_order.load_case(str(tmp_path / "distilled.csv"), str(tmp_path / "alone.csv"))
    found = one_order.tested(case, 0.2, 500, 0)
    assert found.two_runs == 1.0 and found.levels[0].source == "repeated runs"
    a, d = found.levels[0].noise
    assert a == pytest.approx(((0.5 + 4.5 + 0.5) / 3) ** 0.5) and d == pytest.approx(((0.08 + 0.5 + 0.02) / 3) ** 0.5)
    alone, distilled = case.columns()
    assert found.levels[0].made == same_order(alone, distilled, a / 2**0.5, d / 2**0.5, draws=500, seed=0)


def test_a_gain_is_what_is_above_kd() -> None:
    def runs(top1: float) -> list[list[EpochResult]]:
        return [[EpochResult(1, 1.0, top1 + seed / 10, 90.0, 1.0, 2.0)] for seed in range(3)]

    plan = jobs.distillation(CELL, "kd,diswot", 3, None, TINY, "cpu")
    section = distillers.student_section(
        plan, {"kd": runs(34.0), "diswot": runs(34.5)}, {"kd": 68.8, "diswot": 68.8}, 1
    )
    assert section.table is not None
    rows = {row[0]: dict(zip((c.name for c in section.table.columns), row, strict=True)) for row in section.table.rows}
    assert rows["kd"]["gain"] is None and rows["diswot"]["gain"].value == pytest.approx(0.5)


def test_the_rivals_are_the_best_aggregate_and_the_best_score_that_is_no_count(measured, monkeypatch) -> None:  # noqa: F811
    one, accuracies = measured[0], np.array(measured[0].study.accuracies)
    answers = {key: dict(found) for key, found in one.answers.items()}
    for seed in one.study.seeds:  # nothing orders better than params
        answers["params", seed] = {a: Answer(v, "ok") for a, v in one.study.truth.values.items()}
    good, bad = np.stack([accuracies] * 2), np.stack([-accuracies] * 2)
    monkeypatch.setattr(standing, "aggregate_values", lambda _: {"az_nas": bad, "te_nas": good, "vkdnw_agg": bad})
    (section,) = standing.of_guests(replace(one, answers=answers))
    assert section.table is not None
    labels = [column.label for column in section.table.columns]
    assert labels[6].endswith("te_nas") and not labels[5].endswith("params")


def test_scores_that_turn_round_are_counted() -> None:
    """a turns beyond both intervals; d is not told from 0 with the other teacher; b and c stay."""

    def of(**rho: float) -> SimpleNamespace:
        rows = {name: SimpleNamespace(spearman=Estimate(v, v - 0.1, v + 0.1), scored=9) for name, v in rho.items()}
        infos = [SimpleNamespace(name=name) for name in rho]
        truth = SimpleNamespace(name="mine")
        return SimpleNamespace(infos=infos, by_proxy=rows, study=SimpleNamespace(truth=truth, archs=range(9)))

    both = {
        "resnet20": of(params=0.5, a=0.4, b=0.3, c=0.2, d=0.3),
        "resnet56": of(params=0.5, a=-0.4, b=0.5, c=0.6, d=-0.05),
    }
    said = random_teachers.sentence(both)  # type: ignore[arg-type]
    assert "1 of 4 scores change sign" in said and "with resnet20 a 0.400" in said and "with resnet56 c 0.600" in said


def test_ageing_evolution_has_the_settings_of_the_benchmark() -> None:
    usual = make_strategy("evolution-aging", SearchProblem(get_space("nb201")), 0)
    assert (usual.size, usual.tournament) == (10, 3)  # type: ignore[attr-defined]


def test_bohb_takes_the_largest_ratio_of_good_to_bad() -> None:
    asker = make_strategy("bohb", SearchProblem(get_space("nb201")), 0, {"samples": 3, "random_fraction": 0.0})
    codes = [(0,) * 6, (1,) * 6, (2,) * 6]
    drawn = iter(codes)
    asker._around = lambda good: next(drawn)  # type: ignore[attr-defined]
    densities = lambda x: np.array([0.1, 0.5, 0.6]), lambda x: np.array([0.1, 0.1, 0.4])
    assert asker._draw(densities, set()) == asker.problem.decode(codes[1])  # type: ignore[attr-defined]
