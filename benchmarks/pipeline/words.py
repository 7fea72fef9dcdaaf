"""What the report says in words: every sentence is made from the numbers."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.pipeline.plan import PipelinePlan
from benchmarks.pipeline.result import PipelineResult
from benchmarks.pipeline.students import BEST, LARGEST, RANDOM
from benchmarks.scoring.resolve import painted
from benchmarks.statistics import noise as noises
from proxies.distillation.names import ALONE
from reports.schema import Claim, Estimate, Note, Topic, Verdict, VerdictKind
from reports.tables import format_count, format_estimate, format_number


def lead(result: PipelineResult) -> list[str]:
    """The answer in a few sentences."""
    plan, choice, gaps = result.plan, result.choice, result.gaps
    own = noises.mean(result.runs(choice.found), result.noise)
    within = f" among students with {' and '.join(map(str, plan.constraints))}" if plan.constraints else ""
    first = (
        f"A search by {plan.strategy} with {result.search.evaluations} evaluations of {plan.score}{within} found "
        f"{choice.found}. "
        f"Distilled by {plan.distiller} from {plan.protocol.teacher} ({result.teacher.top1:.2f} %) it reaches "
        f"{_points(own)} %, mean and standard deviation of {format_count(plan.seeds, 'seed')}."
    )
    parts = [_against_random(result), _against(gaps[LARGEST], "the student with most parameters")]
    if BEST in gaps:
        parts.append(_against(gaps[BEST], "the best student of the table"))
    second = f"By these runs it is {'; '.join(parts)}."
    return [first, second]


def claims(result: PipelineResult) -> list[Claim]:
    """One claim a rival."""
    plan, gaps = result.plan, result.gaps
    texts = {
        RANDOM: f"{plan.score} finds a better student than a random draw",
        LARGEST: f"{plan.score} finds a better student than counting parameters",
        BEST: f"{plan.score} finds a better student than the best of {plan.truth_name}",
        ALONE: f"the found student is better with {plan.distiller} than trained alone",
    }
    made: list[Claim] = []
    for name, claim in texts.items():
        if name not in gaps:
            continue
        difference = gaps[name]
        if difference is None:
            why = "it is the only random student" if name == RANDOM else "the found student is that very network"
            made.append(Claim(claim, Verdict(VerdictKind.OPEN, f"one and the same network: {why}")))
            continue
        detail = f"{format_estimate(difference, 2)} points"
        if name == RANDOM:
            verdict = noises.verdict_of_share(noises.share(*result.wins))
            detail = f"{_beaten(result)}; on average {detail}"
        else:
            verdict = noises.verdict(difference)
        detail = f"{verdict.detail}; {detail}" if verdict.detail else detail
        made.append(Claim(claim, replace(verdict, detail=detail)))
    return made


def _against_random(result: PipelineResult) -> str:
    """'better than a random draw (it beats 9 of 9, ...)'."""
    if not result.choice.others:
        return "not to be compared with random students, of which there is no other"
    how = {VerdictKind.BETTER: "better than", VerdictKind.WORSE: "worse than"}.get(
        noises.verdict_of_share(noises.share(*result.wins)).kind, "not told apart from"
    )
    return f"{how} a random draw ({_beaten(result)})"


def _beaten(result: PipelineResult) -> str:
    beaten = format_estimate(noises.share(*result.wins), 2)
    return f"it beats {result.wins[0]} of {len(result.choice.others)} random students, share {beaten}"


def _against(difference: Estimate | None, rival: str) -> str:
    """'better than RIVAL beyond noise (+1.20 [0.30, 2.10])'."""
    if difference is None:
        return f"itself {rival}"
    known = difference.low is not None
    undecided = f"not told apart from {rival}" if known else f"set against {rival} with unknown noise"
    how = {
        VerdictKind.BETTER: f"better than {rival}, beyond noise",
        VerdictKind.WORSE: f"worse than {rival}, beyond noise",
    }.get(noises.verdict(difference).kind, undecided)
    return f"{how} (difference {format_estimate(difference, 2)} points)"


def noise_note(result: PipelineResult) -> str:
    """How large the noise is, and what the intervals hold."""
    noise = result.noise
    size = (
        f"One run varies by {format_number(noise.deviation, 2)} points (standard deviation between seeds, pooled, "
        f"{noise.freedom} degrees of freedom). "
        if noise
        else "With one seed the noise of a run is unknown: raise --seeds and run again. "
    )
    return size + (
        "Intervals are 95 %. Those of points hold the noise of training, against random students also that of drawing "
        "them. What decides about a random draw is the share of random students that are beaten, since one that hardly "
        "learns would blur a mean; its interval holds the drawing alone, and takes who beats whom from the means as "
        "measured. None holds the luck of the one search nor of the test images, which all students share."
    )


def notes(plan: PipelinePlan) -> list[Note]:
    """What a reader must know first."""
    real = "What they show need not hold on real images: `python -m nb201_data fetch cifar100`, then --images cifar100."
    protocol = Note(Topic.PROTOCOL, f"Protocol {plan.protocol.name}: {plan.protocol.note}.")
    said = [protocol, *painted(plan.protocol.images, real)]
    if plan.truth is None:
        unknown = "No table on disk holds accuracies of these networks on these images: the best there is is unknown."
        said.append(Note(Topic.TRUTH, unknown))
    return said


def _points(estimate: Estimate) -> str:
    spread = "" if estimate.spread is None else f" ± {format_number(estimate.spread, 2)}"
    return f"{format_number(estimate.value or 0.0, 2)}{spread}"
