"""The sections of the report that state facts: the teacher, the search, the table's view, what each stage cost."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.pipeline.plan import PipelinePlan
from benchmarks.pipeline.result import PipelineResult
from benchmarks.pipeline.students import RANDOM, Choice
from benchmarks.pipeline.training import Teacher
from benchmarks.search import SearchResult
from benchmarks.search.judgement import judge_all
from benchmarks.search.page import curve
from benchmarks.search.registry import in_words
from proxies.distillation.names import ALONE
from reports import figures
from reports.schema import Cell, Column, Estimate, Figure, Section, Table

FACTS = (Column("what"), Column("value"), Column("meaning"))


def teacher_section(plan: PipelinePlan, teacher: Teacher) -> Section:
    """Who taught."""
    source = (
        (str(plan.teacher_file), "a file")
        if plan.teacher_file
        else (f"{len(teacher.history)} epochs", f"trained here by protocol {plan.protocol.name}, without a teacher")
    )
    rows = (
        ("network", plan.protocol.teacher, "a CIFAR ResNet"),
        ("weights", *source),
        ("params", f"{teacher.params:,}", "trainable"),
        ("images", plan.whole_images, f"the students see {plan.protocol.images}"),
        ("top-1", f"{teacher.top1:.2f} %", "on the test images"),
        ("seconds", f"{teacher.seconds:,.1f}", "of training" if teacher.history else "of testing it"),
        ("in the search", plan.scoring_teacher, _scoring(plan)),
    )
    losses = [(float(result.epoch), Estimate(result.loss)) for result in teacher.history]
    drawing = figures.lines({"loss": losses}, x_label="epoch", y_label="training loss") if losses else ""
    shown = (Figure("loss", drawing, "Training loss of the teacher."),) if losses else ()
    return Section("teacher", "Teacher", table=Table(FACTS, rows), figures=shown)


def _scoring(plan: PipelinePlan) -> str:
    if plan.scoring_teacher == "trained":
        return "scores that compare with a teacher see these weights"
    return "scores that compare with a teacher see this network with random weights, as published"


def search_section(plan: PipelinePlan, result: SearchResult, choice: Choice) -> Section:
    """What was maximised, how, and the course of it."""
    value = "none" if result.value is None else f"{result.value:.6g}"
    rows = (
        ("strategy", plan.strategy, in_words(result.settings)),
        ("score", plan.score, "higher is better; of the networks that are trained, in the skeleton below"),
        ("space", plan.space.name, f"{plan.space.skeleton}, {choice.pool:,} different students allowed"),
        ("constraints", " and ".join(map(str, plan.constraints)) or "none", ""),
        ("evaluations", f"{result.evaluations:,}", f"{result.distinct:,} different, {result.failed:,} without a value"),
        ("seconds", f"{result.seconds:,.1f}", "of all evaluations"),
        ("found", str(result.best), f"value {value}"),
        ("trained as", str(choice.found), "without dead branches"),
    )
    note = "Every evaluation is in search/trajectory.csv."
    return Section("search", "Search", table=Table(FACTS, rows), figures=(curve(result, plan.score),), note=note)


def table_section(plan: PipelinePlan, choice: Choice) -> Section:
    """What a measured table says of the same students; it was looked at after the search."""
    truth = plan.truth
    assert truth is not None
    judged = judge_all(plan.space, choice.roles, truth.values, plan.constraints)
    columns = (
        Column("part"),
        Column("network"),
        Column("accuracy", "number", 2, "accuracy %", "in the table"),
        Column("regret", "number", 2, note="to the best that the table knows within the constraints"),
        Column("percentile", "number", 1, note="share of the table's allowed networks that are worse"),
    )
    rows: list[tuple[Cell, ...]] = [
        (", ".join(roles), str(arch), found.accuracy, found.regret, found.percentile)
        for (arch, roles), found in zip(choice.roles.items(), judged, strict=True)
    ]
    known = judged[0].known
    intro = f"{truth.name}: {truth.note}. It knows {known:,} networks that the constraints allow."
    return Section("table", "What the table says", (intro,), Table(columns, tuple(rows)))


def costs_section(result: PipelineResult) -> Section:
    """Seconds of one worker, stage by stage; what was resumed counts with the time that it took then."""
    plan, teacher, search, choice, trained = result.plan, result.teacher, result.search, result.choice, result.trained
    seconds = {
        (arch, name): [sum(epoch.seconds for epoch in run) for run in runs]
        for arch, each in trained.items()
        for name, runs in each.items()
    }
    named = f"{'train' if teacher.history else 'test'} {plan.protocol.teacher}"
    rows: list[tuple[Cell, ...]] = [
        ("teacher", named, 1, teacher.seconds),
        ("search", f"{plan.strategy} of {plan.score}", search.evaluations, search.seconds),
    ]
    for (arch, name), each in seconds.items():
        if name == ALONE != plan.distiller:
            rows.append(("comparison", "the found student alone", len(each), sum(each)))
        elif arch == choice.found:
            rows.append(("distillation", ", ".join(choice.roles[arch]), len(each), sum(each)))
    rivals: dict[str, list[float]] = {}
    for (arch, name), each in seconds.items():
        if arch != choice.found and name == plan.distiller:
            rivals.setdefault(_group(arch, choice), []).extend(each)
    rows += [("comparison", label, len(each), sum(each)) for label, each in rivals.items()]
    total = teacher.seconds + search.seconds + sum(map(sum, seconds.values()))
    rows.append(("all", "", None, total))
    columns = (
        Column("stage"),
        Column("what"),
        Column("times", "integer", note="runs or evaluations"),
        Column("seconds", "number", 1, note="of one worker"),
    )
    run = statistics.fmean(value for each in seconds.values() for value in each)
    trained_search = run * search.distinct / 3600
    note = (
        f"This command took {result.elapsed:,.0f} s on {result.workers} workers; what lay on disk counts with the time "
        f"it took then. Without a score, training each of the {search.distinct:,} networks looked at would have taken "
        f"about {trained_search:,.1f} hours."
    )
    return Section("costs", "Costs", table=Table(columns, tuple(rows)), note=note)


def _group(arch: Any, choice: Choice) -> str:
    names = [name for name in choice.roles[arch] if not name.startswith(RANDOM)]
    return ", ".join(names) if names else "random students"
