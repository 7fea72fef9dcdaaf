"""Is the best network alone not the best one distilled? `python -m benchmarks.best_student`; nothing is scored."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import shell
from diswot_errors import DataError, UsageError

if TYPE_CHECKING:
    from nb201_data.ground_truth import GroundTruth
    from reports.schema import Cell, Estimate, Section

    Row = tuple[Cell, ...]

CLAIM = "the best network under vanilla training is not the best under distillation"
NOISE = 0.25  # points: a usual run-to-run standard deviation of a top-1 accuracy on 10,000 images of CIFAR-100
GRID = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
RARE = 0.05


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "best_student",
        f"Test the claim '{CLAIM}' on every table that holds both accuracies of the same networks: how often would "
        "noise alone swap the two if both orders were the same?",
    )
    parser.add_argument(
        "--pair", nargs=2, action="append", metavar=("DISTILLED", "ALONE"), help="two ground truths or files instead"
    )
    parser.add_argument("--noise", type=_points, default=NOISE, help="assumed sd of a run where none was repeated")
    parser.add_argument("--draws", type=shell.positive, default=10_000, help="draws under the null model")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    parser.add_argument("--out", type=Path, default=Path("runs/best_student"), metavar="DIR", help="folder of results")
    options = parser.parse_args(argv)
    out = shell.prepare_output(options.out)
    command = ["python", "-m", "benchmarks.best_student", *(sys.argv[1:] if argv is None else argv)]

    from benchmarks import provenance
    from reports import html
    from reports.records import Page, Run, write_run
    from reports.tables import as_text

    pairs = [tuple(pair) for pair in options.pair or ()] or known_pairs()
    sections = sections_for(pairs, options.noise, options.draws, options.seed)
    config = {"pairs": pairs, "noise": options.noise, "draws": options.draws}
    names = ", ".join(name for pair in pairs for name in pair)
    manifest = provenance.manifest(command, config, "cpu", [options.seed], ground_truth=names)
    lead = sections[0].intro
    write_run(out, Run(manifest, page=Page("Is the best network alone also the best student?", lead, tuple(sections))))
    assert sections[0].table is not None
    print(f"{as_text(sections[0].table)}\n\n{html.render(out)}")
    return 0


def _points(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 50:
        raise UsageError(f"--noise {text}: expected a standard deviation in points, such as 0.25")
    return value


def known_pairs() -> list[tuple[str, str]]:
    """(distilled, alone) of every named ground truth that holds both; this project's own first."""
    from nb201_data.ground_truth import available

    names = [each.name for each in available()]
    own = [(name, name.replace(":distilled", ":vanilla")) for name in names if name.endswith(":distilled")]
    others = [(name, name.replace(":kd", ":vanilla")) for name in names if name.endswith(":kd")]
    return [*(own or [("kd-nb201", "kd-nb201")]), *others]


@dataclass(frozen=True)
class Case:
    """One pair of columns, on the networks that have both."""

    name: str
    distilled: GroundTruth
    alone: GroundTruth

    @property
    def archs(self) -> list[str]:
        """Networks with both accuracies, in the order of the distilled table."""
        return [arch for arch in self.distilled.values if arch in self.alone.values]

    def columns(self) -> tuple[list[float], list[float]]:
        """Accuracies alone and distilled."""
        return [self.alone.values[arch] for arch in self.archs], [self.distilled.values[arch] for arch in self.archs]

    def repeated(self) -> tuple[float, float] | None:
        """The noise of a single run, alone and distilled, where networks were trained more than once."""
        from benchmarks.statistics.same_order import repeated_noise

        found = [
            repeated_noise([record.accuracy for record in truth.runs[arch]] for arch in self.archs)
            for truth in (self.alone, self.distilled)
        ]
        return (found[0], found[1]) if found[0] and found[1] else None

    def runs(self) -> list[int]:
        """How many runs each distilled accuracy is the mean of."""
        return [len(self.distilled.runs[arch]) for arch in self.archs]


def load_case(distilled: str, alone: str) -> Case:
    """Both tables; an error says how to get one that is not there."""
    from nb201_data.ground_truth import load_ground_truth

    pair = load_ground_truth(distilled), load_ground_truth(alone)
    case = Case(pair[0].name.removesuffix(":kd").removesuffix(":distilled"), *pair)
    if len(case.archs) < 3:
        raise UsageError(f"{distilled} and {alone} share {len(case.archs)} networks; expected at least 3")
    return case


def sections_for(pairs: Sequence[tuple[str, str]], noise: float, draws: int, seed: int) -> list[Section]:
    """The table, the curves over noise, and the verdict; a table that is not on disk keeps its row."""
    from reports.schema import Column, Section, Table, Verdict

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
        Column("why"),
    )
    rows: list[Row] = []
    verdicts, series = [], {}
    for distilled, alone in pairs:
        try:
            case = load_case(distilled, alone)
        except DataError as error:
            rows.append((distilled, *[None] * 11, "not measured", str(error)))
            verdicts.append(Verdict(f"{distilled}: {CLAIM}", "not measured", str(error)))
            continue
        own = _rows(case, noise, draws, seed)
        rows += own
        verdicts.append(Verdict(f"{case.name}: {CLAIM}", str(own[0][-2]), _detail(own)))
        series[case.name] = _curve(case, min(draws, 2000), seed)
    outcomes = [verdict.outcome for verdict in verdicts]
    said = [
        f"{sum(o.startswith(kind) for o in outcomes)} {kind}" for kind in ("holds", "open", "fails", "not measured")
    ]
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
        Section("verdicts", "Verdicts", verdicts=tuple(verdicts)),
        *([_curves(series)] if series else []),
    ]


def _rows(case: Case, noise: float, draws: int, seed: int) -> list[Row]:
    """One row for each source of the noise, the verdict of the case in the first."""
    import numpy as np
    from scipy.stats import kendalltau

    from benchmarks.statistics import same_order as null

    alone, distilled = case.columns()
    regret = null.regret_of_alone(alone, distilled)
    repeated, largest = case.repeated(), null.residual_noise(alone, distilled)
    shrink = np.sqrt(np.array(case.runs()))
    if repeated:
        levels = [("repeated runs", repeated)]
    else:
        levels = [("assumed", (noise, noise)), ("largest", (largest, largest))]
    found = [
        (source, both, null.same_order(alone, distilled, both[0] / shrink, both[1] / shrink, draws=draws, seed=seed))
        for source, both in levels
    ]
    two_runs = null.disagreement(
        {arch: {r.seed: r.accuracy for r in case.alone.runs[arch] if r.seed is not None} for arch in case.archs}
    )
    verdict = _verdict(regret, [(source, made.swap, made.regret) for source, _, made in found])
    best = [_short(case.archs, column) for column in (alone, distilled)]
    tau = float(kendalltau(alone, distilled)[0])
    rows: list[Row] = []
    for source, both, made in found:
        start: Row = (case.name, len(case.archs), tau, *best, regret, both[1], source)
        rows.append((*start, made.swap, made.regret, made.kendall, two_runs, "" if rows else verdict, ""))
    return rows


def _verdict(regret: float, found: Sequence[tuple[str, float, float]]) -> str:
    """found: (source of the noise, share of swaps, share of regrets as large), the smallest noise first."""
    if regret == 0:
        return "fails: one network is best in both"
    if found[-1][2] < RARE:
        return "holds: beyond noise"
    if found[0][2] < RARE:
        return "open: beyond the assumed noise, within the largest"
    return f"open: noise alone swaps in {100 * found[0][1]:.0f} %"


def _detail(rows: Sequence[Row]) -> str:
    parts = [
        f"noise {row[6]:.2f} ({row[7]}): swap in {100 * float(str(row[8])):.0f} %, a regret of {row[5]:.2f} or more in "
        f"{100 * float(str(row[9])):.1f} %"
        for row in rows
    ]
    return f"{rows[0][1]} networks, τ {rows[0][2]:.3f}; if both orders were the same: " + "; ".join(parts)


def _short(archs: Sequence[str], values: Sequence[float]) -> str:
    """The best network; long names (transformers) by their place in the table."""
    place = max(range(len(values)), key=values.__getitem__)
    return archs[place] if len(archs[place]) <= 100 else f"row {place + 1}"


def _curve(case: Case, draws: int, seed: int) -> list[tuple[float, Estimate]]:
    from benchmarks.statistics.same_order import same_order
    from reports.schema import Estimate

    columns = case.columns()
    return [(s, Estimate(same_order(*columns, s, s, draws=draws, seed=seed).swap)) for s in GRID]


def _curves(series: dict[str, list[tuple[float, Estimate]]]) -> Section:
    from reports import figures
    from reports.schema import Figure, Section

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


if __name__ == "__main__":
    shell.run(main)
