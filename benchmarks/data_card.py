"""Write the data card of a harvested table: recipe, noise, agreement, all computed from the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from benchmarks import shell
from benchmarks.distill.protocols import get_protocol
from benchmarks.distill.table import Row, read_rows, table_path
from diswot_errors import DataError
from reports.schema import Estimate

CANDIDATES_MIN = 10
RESAMPLES = 2000


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "data_card", "Write the data card of a harvested table, everything in it computed from the rows."
    )
    parser.add_argument("--protocol", default="lite", help="whose table")
    parser.add_argument("--rival", default="lite-all", help="a candidate protocol to compare on the cells both trained")
    parser.add_argument("--table", type=Path, help="another file than the project's table of the protocol")
    parser.add_argument("--out", type=Path, help="the card (default: beside the table)")
    options = parser.parse_args(argv)
    table = options.table or table_path(get_protocol(options.protocol).name)
    rows = read_rows(table)
    if not rows:
        raise DataError(f"no rows in {table}: run `python -m benchmarks.harvest --protocol {options.protocol}` first")
    rival = read_rows(table_path(options.rival, alone=True))
    out = options.out or table.with_suffix(".md")
    out.write_text(card(options.protocol, rows, options.rival, rival), encoding="utf-8")
    print(out)
    return 0


def card(protocol: str, rows: Sequence[Row], rival: str, rival_rows: Sequence[Row]) -> str:
    """The card as Markdown."""
    return (
        "\n\n".join(
            [
                f"# kd-nb201, protocol {protocol}",
                _what(protocol, rows),
                "## Recipe\n\n" + _recipe(protocol),
                "## Where it was measured\n\n" + _hardware(rows),
                "## Noise between runs, and the ceiling it puts on any rank correlation\n\n" + _noise(rows),
                "## Does distillation change the order?\n\n" + _order(rows),
                "## Agreement with the full networks\n\n" + _agreement(protocol, rows, rival, rival_rows),
                "## Limits\n\n" + _limits(rows),
            ]
        )
        + "\n"
    )


def means(rows: Sequence[Row], column: str) -> dict[str, float]:
    """Mean of a column over seeds, by arch."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        found[row.arch].append(getattr(row, column))
    return {arch: sum(values) / len(values) for arch, values in found.items()}


def _what(protocol: str, rows: Sequence[Row]) -> str:
    distilled, alone = means(rows, "distilled_top1"), means(rows, "vanilla_top1")
    gains = [distilled[arch] - alone[arch] for arch in distilled]
    helped = sum(gain > 0 for gain in gains)
    first = rows[0]
    return (
        f"Test top-1 of {len(distilled)} cells of NAS-Bench-201 in the skeleton `{first.skeleton}` on {first.images}, "
        "each "
        f"trained twice under one schedule and seed: distilled from {first.teacher} (0.1 CE + 0.9 KL, T = 4) and "
        "alone. "
        f"{len(rows)} pairs of runs, {len({row.seed for row in rows})} seeds. Distilled {_range(distilled)}, alone "
        f"{_range(alone)}; distillation helps {helped} of {len(gains)} cells, by {sum(gains) / len(gains):.2f} points "
        "on "
        "average.\n\n"
        "Cells come in one fixed random order of the 9,445 cells without dead branches, after the 15 cells of the "
        "authors' "
        "unpublished benchmark; the first n rows of a seed are always the first n of that order that were finished.\n\n"
        f"Columns: {', '.join(f'`{field.name}`' for field in fields(Row))}. `_top1` is after the last epoch, `_best` "
        "the best "
        "tested epoch (chosen on the test images, so optimistic), `_loss` the mean training loss of the last epoch, "
        "`seconds` those of the pair."
    )


def _range(values: Mapping[str, float]) -> str:
    return f"{min(values.values()):.2f} to {max(values.values()):.2f} %"


def _recipe(protocol: str) -> str:
    chosen = get_protocol(protocol)
    lines = ["| setting | value |", "|---|---|"]
    for field in fields(chosen):
        if field.name not in ("name", "milestones") or getattr(chosen, field.name):
            lines.append(f"| {field.name.replace('_', ' ')} | {getattr(chosen, field.name)} |")
    return "\n".join(lines)


def _hardware(rows: Sequence[Row]) -> str:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.device, row.torch].append(row)
    lines = ["| device | torch | pairs | median seconds a pair | dates |", "|---|---|---|---|---|"]
    for (device, version), members in sorted(groups.items()):
        seconds = sorted(row.seconds for row in members)[len(members) // 2]
        dates = sorted({row.date for row in members})
        lines.append(f"| {device} | {version} | {len(members)} | {seconds:.0f} | {dates[0]} to {dates[-1]} |")
    return "\n".join(lines) + "\n\nSeconds are wall time on a machine that other work shared; they are no benchmark."


def _noise(rows: Sequence[Row]) -> str:
    import numpy as np

    from benchmarks.statistics.same_order import repeated_noise

    runs: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        runs[row.arch].append(row)
    repeated = {arch: own for arch, own in runs.items() if len(own) > 1}
    if not repeated:
        return "No cell was repeated yet, so the noise is not known."
    lines = [
        f"{len(repeated)} cells were trained with {max(map(len, repeated.values()))} seeds (initialisation and order "
        "of the "
        "images; crops and flips are shared).",
        "",
        "| column | s.d. of a run within a cell | s.d. between cells | reliability | Pearson | Spearman | Kendall |",
        "|---|---|---|---|---|---|---|",
    ]
    for column in ("distilled_top1", "vanilla_top1"):
        noise = repeated_noise([getattr(row, column) for row in own] for own in repeated.values())
        assert noise is not None
        values = np.array(list(means(rows, column).values()))
        reliability = max(0.0, 1 - noise**2 / values.var(ddof=1))
        spearman, kendall = _ceiling(values, noise)
        lines.append(
            f"| {column} | {noise:.2f} | {values.std(ddof=1):.2f} | {reliability:.3f} | {reliability**0.5:.3f} | "
            f"{spearman:.3f} | {kendall:.3f} |"
        )
    lines += [
        "",
        "Reliability is 1 - (variance within) / (variance between cells as measured). The last three columns are the "
        "ceilings: what a score that knew each cell's true mean would reach against one run a cell (Pearson: the root "
        "of "
        "the reliability; the others: by drawing runs around the measured means, shrunk to their variance without "
        "noise).",
    ]
    return "\n".join(lines)


def _ceiling(values, noise: float) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Mean (Spearman, Kendall) between true means and one noisy run each, over 200 draws."""
    import numpy as np
    from scipy.stats import kendalltau, spearmanr

    kept = max(0.0, 1 - noise**2 / values.var(ddof=1)) ** 0.5
    true = values.mean() + kept * (values - values.mean())
    generator = np.random.default_rng(0)
    runs = [true + noise * generator.standard_normal(len(true)) for _ in range(200)]
    return (
        float(np.mean([spearmanr(true, run)[0] for run in runs])),
        float(np.mean([kendalltau(true, run)[0] for run in runs])),
    )


def _order(rows: Sequence[Row]) -> str:
    first = [row for row in rows if row.seed == 0]
    correlation = _correlate(means(first, "distilled_top1"), means(first, "vanilla_top1"))
    return (
        f"Between the distilled and the lone accuracy of the same {len(first)} cells (seed 0): Kendall "
        f"{_with_interval(correlation['kendall'])}, Spearman {_with_interval(correlation['spearman'])}, Pearson "
        f"{_with_interval(correlation['pearson'])} (95 % bootstrap intervals over cells). "
        "`python -m benchmarks.best_student` asks how much of the difference noise explains."
    )


def _agreement(protocol: str, rows: Sequence[Row], rival: str, rival_rows: Sequence[Row]) -> str:
    from nb201_data.ground_truth import load_ground_truth

    try:
        references = {epochs: load_ground_truth(f"nb201:cifar100:test:{epochs}").values for epochs in (200, 12)}
    except DataError:  # its message names a folder of this machine
        return "Not computed: the accuracies of NAS-Bench-201 were not on disk (`python -m nb201_data info nb201`)."
    first = [row for row in rows if row.seed == 0]
    lines = [
        "Accuracy of the full networks (16 channels, 5 cells a stage, 32 x 32) on CIFAR-100 by NAS-Bench-201, against "
        "ours.",
        "",
        "| ours | cells | epochs there | Spearman | Kendall |",
        "|---|---|---|---|---|",
    ]
    lines += [
        _agreement_line(column, means(first, column), references[epochs], epochs)
        for epochs in references
        for column in ("distilled_top1", "vanilla_top1")
    ]
    common = [row.arch for row in rival_rows if row.arch in means(first, "vanilla_top1")]
    if len(common) >= CANDIDATES_MIN:
        lines += [
            "",
            f"Beside `{rival}`, a recipe of like cost: lone accuracies of the first {len(common)} cells of the order.",
            "",
            "| protocol | cells | epochs there | Spearman | Kendall |",
            "|---|---|---|---|---|",
        ]
        for name, own in ((protocol, first), (rival, rival_rows)):
            values = {arch: value for arch, value in means(own, "vanilla_top1").items() if arch in set(common)}
            lines += [_agreement_line(name, values, references[epochs], epochs) for epochs in references]
    return "\n".join(lines)


def _agreement_line(name: str, ours: Mapping[str, float], reference: Mapping[str, float], epochs: int) -> str:
    correlation = _correlate(ours, {arch: reference[arch] for arch in ours})
    spearman, kendall = _with_interval(correlation["spearman"]), _with_interval(correlation["kendall"])
    return f"| {name} | {len(ours)} | {epochs} | {spearman} | {kendall} |"


def _correlate(scores: Mapping[str, float], truth: Mapping[str, float]) -> dict[str, Estimate]:
    import numpy as np

    from benchmarks.statistics import correlate

    archs = list(scores)
    ours, theirs = np.array([scores[arch] for arch in archs]), np.array([truth[arch] for arch in archs])
    (row,) = correlate(theirs, {"ours": ours}, {"ours": "higher"}, resamples=RESAMPLES)
    return {"kendall": row.kendall, "spearman": row.spearman, "pearson": row.pearson}


def _with_interval(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "undefined"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _limits(rows: Sequence[Row]) -> str:
    first = rows[0]
    return (
        f"- These are accuracies of small networks (`{first.skeleton}`) after {first.epochs} epochs, not of the "
        "benchmark's. "
        "Score and search in the same skeleton: every command here does.\n"
        "- One teacher and one distillation loss. Another teacher may prefer other students.\n"
        "- Test accuracies: choosing a cell by this table and reporting it by the same table is optimistic.\n"
        "- Licence: MIT, as the project. Images: CIFAR-100, whose terms are its authors'."
    )


if __name__ == "__main__":
    shell.run(main)
