"""Best alone, best distilled: the claim of the paper on every table that holds both accuracies of the same networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.statistics.same_order import same_order
from benchmarks.tables.one_order import Case, load_case, measured_noise, tested
from diswot_errors import DataError
from nb201_data.ground_truth import available
from reports import figures
from reports.schema import Cell, Claim, Column, Estimate, Figure, Section, Table, Verdict, VerdictKind

CLAIM = "the best network under vanilla training is not the best under distillation"
NOISE = 0.25  # points: a usual run-to-run standard deviation of a top-1 accuracy on 10,000 images of CIFAR-100
GRID = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)


def known_pairs() -> list[tuple[str, str]]:
    """(distilled, alone) of every named ground truth that holds both; this project's own first."""
    names = [each.name for each in available()]
    own = [(name, name.replace(":distilled", ":vanilla")) for name in names if name.endswith(":distilled")]
    others = [(name, alone) for name in names if (alone := name.replace(":kd", ":vanilla")) != name and alone in names]
    return [*(own or [("kd-nb201", "kd-nb201")]), *others]


def _loaded(distilled: str, alone: str) -> Case | DataError:
    try:
        return load_case(distilled, alone)
    except DataError as error:
        return error


def sections_for(pairs: Sequence[tuple[str, str]], noise: float, draws: int, seed: int) -> list[Section]:
    """The table, the curves over noise, and the verdict; a table that is not on disk keeps its row."""
    columns = (
        Column("truth", label="accuracies"),
        Column("n", "integer", note="networks"),
        Column("kendall", "number", 3, "τ", "Kendall τ-b between alone and distilled"),
        Column("best_alone", label="best alone"),
        Column("best_distilled", label="best distilled"),
        Column("regret", "number", 2, "regret", "distilled accuracy lost by taking the best alone, in points"),
        Column("noise", "number", 2, "noise", "standard deviation of a run, in points"),
        Column("noise_from", label="from"),
        Column("swap", "number", 3, "P(swap)", "share of draws in which the best differ although the order is one"),
        Column("as_large", "number", 3, "P(regret)", "share of draws with a regret as large as the observed one"),
        Column("kendall_same", "number", 3, "τ if one order", "mean Kendall between the columns under that noise"),
        Column("two_runs", "number", 3, "two runs", "how often two runs alone already differ in their best network"),
        Column("verdict", "verdict"),
    )
    rows: list[tuple[Cell, ...]] = []
    claims, series = [], {}
    cases = [_loaded(*pair) for pair in pairs]
    elsewhere = measured_noise(case for case in cases if isinstance(case, Case))
    for (distilled, _), case in zip(pairs, cases, strict=True):
        if isinstance(case, DataError):
            lacking = Verdict(VerdictKind.NOT_MEASURED, str(case))
            rows.append((distilled, *[None] * 11, lacking))
            claims.append(Claim(f"{distilled}: {CLAIM}", lacking))
            continue
        test = tested(case, noise, draws, seed, elsewhere)
        rows += test.rows
        claims.append(Claim(f"{case.name}: {CLAIM}", replace(test.verdict, detail=test.detail)))
        series[case.name] = _curve(case, min(draws, 2000), seed)
    kinds = [claim.verdict.kind for claim in claims]
    asked = (VerdictKind.HOLDS, VerdictKind.OPEN, VerdictKind.FAILS, VerdictKind.NOT_MEASURED)
    said = [f"{kinds.count(kind)} {kind.label}" for kind in asked]
    lead = (
        f"The claim that {CLAIM} on {len(pairs)} sets of networks: {', '.join(said)}. It holds where the swap is "
        "beyond what the noise of single runs makes of two equal orders, and is open where noise alone would often "
        "show it."
    )
    note = (
        "If one order were the truth, both columns are drawn anew around it with the noise given. Repeated: measured "
        "from repeated runs. Assumed: --noise. Largest: all disagreement of the two columns taken as noise, more they "
        "do not allow. Runs of one seed are counted as independent. What noise remains in the estimated order makes "
        "the shares rather too small. Where τ is far below what one order would give, the orders themselves differ, "
        "whatever the best networks are. A share below 0.05 on one of several tables is less than on a single one."
    )
    table = Section("best-student", "Best alone, best distilled", (lead,), Table(columns, tuple(rows)), note=note)
    return [
        table,
        Section("verdicts", "Verdicts", claims=tuple(claims)),
        *([_curves(series)] if series else []),
    ]


def _curve(case: Case, draws: int, seed: int) -> list[tuple[float, Estimate]]:
    columns = case.columns()
    return [(s, Estimate(same_order(*columns, s, s, draws=draws, seed=seed).swap)) for s in GRID]


def _curves(series: dict[str, list[tuple[float, Estimate]]]) -> Section:
    label = "share of draws in which the best swap"
    panels: list[Figure] = []
    for place, (name, points) in enumerate(series.items()):
        drawing = figures.lines({name: points}, title=name, x_label="noise of a run, points", y_label=label)
        panels.append(Figure(f"noise-{place}", drawing, width="small"))
    return Section(
        "noise",
        "How much noise makes a swap",
        ("If both orders were the same, this share of repetitions would name two different best networks.",),
        figures=tuple(panels),
    )
