"""What a search leaves: result, trajectory and page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import provenance
from benchmarks.search.constraints import Constraint
from benchmarks.search.driver import SearchResult
from benchmarks.search.verdict import Verdict, judge
from benchmarks.search.weight_sharing import SharedResult
from nb201_data.ground_truth import GroundTruth
from nb201_data.spaces import SearchSpace
from reports import figures, html
from reports.records import Page, Run, write_run
from reports.schema import Column, Estimate, Figure, Section, Table
from reports.tables import as_text

Found = SearchResult | SharedResult
COLUMNS = (Column("what"), Column("value"), Column("meaning"))


def write_page(
    out: Path,
    command: Sequence[str],
    config: dict[str, Any],
    space: SearchSpace,
    found: Found,
    objective: str,
    constraints: Sequence[Constraint],
    truth: GroundTruth | None,
    elapsed: float,
    device: str,
) -> tuple[str, Path]:
    """Judge what was found, write the run's records and its page; the result as text, and the page's path."""
    verdict = judge(space, found.best, truth.values, constraints) if truth else None
    table = _result(space, found, objective, verdict, truth, elapsed)
    sections = [Section("result", "What was found", table=table), _course(found)]
    lead = f"{found.strategy} maximised {objective} in {space.name} ({space.skeleton})" + (
        f", among networks with {' and '.join(map(str, constraints))}." if constraints else "."
    )
    manifest = provenance.manifest(
        command,
        {**config, "settings": found.settings, "objective": objective},
        device,
        [int(config["seed"])],
        ground_truth=truth.name if truth else "",
        ground_truth_note=truth.note if truth else "",
        images=str(config["images"]),
        skeleton=str(space.skeleton),
        space=space.name,
        notes=["The truth was read once, after the search."]
        if truth
        else ["No ground truth on disk judges the result."],
    )
    write_run(out, Run(manifest, page=Page(f"Search by {found.strategy}", (lead,), tuple(sections))))
    return as_text(table), html.render(out)


def _result(
    space: SearchSpace, found: Found, objective: str, verdict: Verdict | None, truth: GroundTruth | None, elapsed: float
) -> Table:
    rows: list[tuple[str, str, str]] = [("best", str(found.best or "none"), "the first with the highest value")]
    if found.best is not None:
        value = "none" if found.value is None else f"{found.value:.6g}"
        rows += [
            ("value", value, objective),
            ("params", f"{space.params(found.best):,}", str(space.skeleton)),
            ("flops", f"{space.flops(found.best):,}", "operations per image"),
        ]
    rows.append(("evaluations", f"{found.evaluations:,}", _evaluations(found)))
    rows += [
        ("cost", f"{found.seconds:,.1f} s", "seconds that the evaluations stand for"),
        ("elapsed", f"{elapsed:,.1f} s", "of this run of the command"),
    ]
    if verdict and truth:
        name = truth.name
        if verdict.accuracy is None or verdict.regret is None:
            rows.append(("true accuracy", "unknown", f"{name} does not hold this network"))
        else:
            rows += [
                ("true accuracy", f"{verdict.accuracy:.2f} %", name),
                ("regret", f"{verdict.regret:.2f}", "to the best that the constraints allow"),
                ("percentile", f"{verdict.percentile:.2f} %", f"of {verdict.known:,} allowed networks are worse"),
                ("truly best", verdict.best, name),
            ]
    return Table(COLUMNS, tuple(rows))


def _evaluations(found: Found) -> str:
    if isinstance(found, SharedResult):
        return f"cells compared under the shared weights, after {len(found.epochs)} epochs"
    return f"{found.distinct:,} different networks, {found.failed:,} without a value; stopped by {found.stopped}"


def _course(found: Found) -> Section:
    """The best value so far, or the shared network's training curve."""
    if isinstance(found, SharedResult):
        columns = (
            Column("epoch", "integer"),
            Column("loss", "number", 4),
            Column("accuracy", "number", 2, "accuracy %"),
            Column("seconds", "number", 1),
            Column("cell", note="favoured by the architecture weights"),
        )
        rows = tuple((e.index + 1, e.loss, e.accuracy, e.seconds, e.cell or None) for e in found.epochs)
        points = [(float(e.index + 1), Estimate(e.loss)) for e in found.epochs]
        figure = Figure("loss", figures.lines({"loss": points}, x_label="epoch", y_label="training loss"))
        return Section("course", "The shared network", table=Table(columns, rows), figures=(figure,))
    steps: list[tuple[float, Estimate]] = []
    highest = found.trajectory[-1].question.fidelity if found.trajectory else 0
    highest = max((a.question.fidelity for a in found.trajectory), default=highest)
    best = float("-inf")
    for index, answer in enumerate(found.trajectory, start=1):
        if answer.question.fidelity == highest and answer.rank_value > best:
            best = answer.rank_value
            steps.append((float(index), Estimate(best)))
    if steps:
        steps.append((float(found.evaluations), Estimate(best)))
    figure = Figure("best", figures.lines({"best so far": steps}, x_label="evaluations", y_label="value"))
    note = "Every evaluation is in trajectory.csv."
    return Section("course", "The best value so far", figures=(figure,), note=note)
