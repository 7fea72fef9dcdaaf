"""Is the best network alone not the best one distilled? `python -m benchmarks.best_student`; nothing is scored."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import shell
from benchmarks.one_order import Case, load_case, tested
from diswot_errors import DataError, UsageError
from reports.schema import Verdict, VerdictKind

if TYPE_CHECKING:
    from reports.schema import Cell, Estimate, Section

CLAIM = "the best network under vanilla training is not the best under distillation"
NOISE = 0.25  # points: a usual run-to-run standard deviation of a top-1 accuracy on 10,000 images of CIFAR-100
GRID = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)


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


def sections_for(pairs: Sequence[tuple[str, str]], noise: float, draws: int, seed: int) -> list[Section]:
    """The table, the curves over noise, and the verdict; a table that is not on disk keeps its row."""
    from reports.schema import Claim, Column, Section, Table

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
    for distilled, alone in pairs:
        try:
            case = load_case(distilled, alone)
        except DataError as error:
            lacking = Verdict(VerdictKind.NOT_MEASURED, str(error))
            rows.append((distilled, *[None] * 11, lacking))
            claims.append(Claim(f"{distilled}: {CLAIM}", lacking))
            continue
        test = tested(case, noise, draws, seed)
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
