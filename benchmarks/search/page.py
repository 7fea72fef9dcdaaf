"""What a search leaves on its page: the result, judged, and its course."""

from collections.abc import Mapping
from typing import Any

from benchmarks.command.publish import Content
from benchmarks.search.courses import Course
from benchmarks.search.driver import SearchResult
from benchmarks.search.judgement import Judgement, judge
from benchmarks.search.weight_sharing import SharedResult
from nb201_data.ground_truth import GroundTruth
from reports import figures
from reports.schema import Column, Estimate, Figure, Note, Section, Table, Topic

Found = SearchResult | SharedResult
COLUMNS = (Column("what"), Column("value"), Column("meaning"))
_WHERE = "Every evaluation is in trajectory.csv."


def content(course: Course, found: Found, config: Mapping[str, Any], elapsed: float) -> Content:
    """Judge what was found: the words and sections of its page."""
    space, truth, constraints = course.space, course.truth, course.constraints
    judged = judge(space, found.best, truth.values, constraints) if truth is not None else None
    among = f", among networks with {' and '.join(map(str, constraints))}" if constraints else ""
    note = (
        "The truth was read once, after the search."
        if truth is not None
        else "No ground truth on disk judges the result."
    )
    return Content(
        title=f"Search by {found.strategy}",
        lead=[
            _sentence(found, judged, truth),
            f"{found.strategy} maximised {course.objective} in {space.name} ({space.skeleton}){among}.",
        ],
        sections=[
            Section("result", "What was found", table=_result(course, found, judged, elapsed)),
            _course(found),
        ],
        notes=[Note(Topic.TRUTH, note)],
        config={**config, "settings": found.settings, "objective": course.objective},
        device=course.device,
        seeds=[int(config["seed"])],
        ground_truth=truth.name if truth is not None else "",
        ground_truth_note=truth.note if truth is not None else "",
        images=str(config["images"]),
        skeleton=str(space.skeleton),
        space=space.name,
    )


def _sentence(found: Found, judged: Judgement | None, truth: GroundTruth | None) -> str:
    """What came out, and what the truth says of it."""
    if found.best is None:
        return f"No network has a value after {found.evaluations:,} evaluations."
    text = f"{found.strategy} found {found.best} after {found.evaluations:,} evaluations"
    if truth is None or judged is None:
        return f"{text}; no ground truth judges it."
    if judged.accuracy is None or judged.regret is None:
        return f"{text}; {truth.name} does not hold it, so how good it is remains unknown."
    return (
        f"{text}: {judged.accuracy:.2f} % in {truth.name}, {judged.regret:.2f} points below the best of "
        f"{judged.known:,} networks, better than {judged.percentile:.1f} % of them."
    )


def _result(course: Course, found: Found, judged: Judgement | None, elapsed: float) -> Table:
    space, truth = course.space, course.truth
    rows: list[tuple[str, str, str]] = [("best", str(found.best or "none"), "the first with the highest value")]
    if found.best is not None:
        value = "none" if found.value is None else f"{found.value:.6g}"
        rows += [
            ("value", value, course.objective),
            ("params", f"{space.params(found.best):,}", str(space.skeleton)),
            ("flops", f"{space.flops(found.best):,}", "operations per image"),
        ]
    rows.append(("evaluations", f"{found.evaluations:,}", _evaluations(found)))
    rows += [
        ("cost", f"{found.seconds:,.1f} s", "seconds that the evaluations stand for"),
        ("elapsed", f"{elapsed:,.1f} s", "of this run of the command"),
    ]
    if judged and truth is not None and found.best is not None:
        name = truth.name
        if judged.accuracy is None or judged.regret is None:
            rows.append(("true accuracy", "unknown", f"{name} holds {len(truth):,} networks, not this one"))
        else:
            rows += [
                ("true accuracy", f"{judged.accuracy:.2f} %", name),
                ("regret", f"{judged.regret:.2f}", "to the best that the constraints allow"),
                ("percentile", f"{judged.percentile:.2f} %", f"of {judged.known:,} allowed networks are worse"),
                ("truly best", judged.best, name),
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
    return Section("course", "The course of the search", figures=(curve(found, "value"),), note=_WHERE)


def curve(found: SearchResult, label: str) -> Figure:
    """Every value and the best so far, by evaluations."""
    seen = [(float(i), Estimate(a.value)) for i, a in enumerate(found.trajectory, 1) if a.value is not None]
    best = [(float(step.evaluations), Estimate(step.evaluation.value)) for step in found.improvements]
    if best:
        best.append((float(found.evaluations), best[-1][1]))
    styles: dict[str, figures.Style] = {"evaluated": "dots", "best so far": "steps"}
    series = {"evaluated": seen, "best so far": best}
    return Figure("best", figures.lines(series, x_label="evaluations", y_label=label, styles=styles))
