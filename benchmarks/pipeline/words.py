"""What the report says in words: every sentence is made from the numbers."""

from __future__ import annotations

from benchmarks.pipeline import noise as noises
from benchmarks.pipeline.outcome import Outcome
from benchmarks.pipeline.plan import ALONE, Plan
from benchmarks.pipeline.students import BEST, LARGEST, RANDOM
from reports.schema import Estimate, Verdict
from reports.tables import format_estimate, format_number


def lead(outcome: Outcome) -> list[str]:
    """The answer in a few sentences."""
    plan, choice, gaps = outcome.plan, outcome.choice, outcome.gaps
    own = noises.mean(outcome.runs(choice.found), outcome.noise)
    within = f" among students with {' and '.join(map(str, plan.constraints))}" if plan.constraints else ""
    first = (
        f"A search by {plan.strategy} with {outcome.result.evaluations} evaluations of {plan.score}{within} found "
        f"{choice.found}. "
        f"Distilled by {plan.distiller} from {plan.protocol.teacher} ({outcome.teacher.top1:.2f} %) it reaches "
        f"{_points(own)} %, mean and standard deviation of {_count(plan.seeds, 'seed')}."
    )
    parts = [_against_random(outcome), _against(gaps[LARGEST], "the student with most parameters")]
    if BEST in gaps:
        parts.append(_against(gaps[BEST], "the best student of the table"))
    second = f"By these runs it is {'; '.join(parts)}."
    return [first, second]


def verdicts(outcome: Outcome) -> list[Verdict]:
    """One claim a rival."""
    plan, gaps = outcome.plan, outcome.gaps
    claims = {
        RANDOM: f"{plan.score} finds a better student than a random draw",
        LARGEST: f"{plan.score} finds a better student than counting parameters",
        BEST: f"{plan.score} finds a better student than the best of {plan.truth.name if plan.truth else ''}",
        ALONE: f"the found student is better with {plan.distiller} than trained alone",
    }
    made: list[Verdict] = []
    for name, claim in claims.items():
        if name not in gaps:
            continue
        difference = gaps[name]
        if difference is None:
            why = "it is the only random student" if name == RANDOM else "the found student is that very network"
            made.append(Verdict(claim, "open: one and the same network", why))
            continue
        detail = f"{format_estimate(difference, 2)} points"
        if name == RANDOM:
            beaten = noises.share(*outcome.wins)
            detail = f"{_beaten(outcome)}; on average {detail}"
            made.append(Verdict(claim, noises.outcome_of_share(beaten), detail))
        else:
            made.append(Verdict(claim, noises.outcome(difference), detail))
    return made


def _against_random(outcome: Outcome) -> str:
    """'better than a random draw (it beats 9 of 9, ...)'."""
    if not outcome.choice.others:
        return "not to be compared with random students, of which there is no other"
    how = {"better": "better than", "worse": "worse than"}.get(
        noises.outcome_of_share(noises.share(*outcome.wins)), "not told apart from"
    )
    return f"{how} a random draw ({_beaten(outcome)})"


def _beaten(outcome: Outcome) -> str:
    beaten = format_estimate(noises.share(*outcome.wins), 2)
    return f"it beats {outcome.wins[0]} of {len(outcome.choice.others)} random students, share {beaten}"


def _against(difference: Estimate | None, rival: str) -> str:
    """'better than RIVAL beyond noise (+1.20 [0.30, 2.10])'."""
    if difference is None:
        return f"itself {rival}"
    how = {
        "better": f"better than {rival}, beyond noise",
        "worse": f"worse than {rival}, beyond noise",
        "open: within noise": f"not told apart from {rival}",
    }.get(noises.outcome(difference), f"set against {rival} with unknown noise")
    return f"{how} (difference {format_estimate(difference, 2)} points)"


def noise_note(outcome: Outcome) -> str:
    """How large the noise is, and what the intervals hold."""
    noise = outcome.noise
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


def notes(plan: Plan) -> list[str]:
    """What a reader must know first."""
    said = [f"Protocol {plan.protocol.name}: {plan.protocol.note}."]
    if plan.protocol.images.startswith("embedded"):
        said.append(
            f"Images: {plan.protocol.images}, painted by this program, not photographs, so that nothing needs to be "
            "downloaded. What they show need not hold on real images: `python -m nb201_data fetch cifar100`, then "
            "--images cifar100."
        )
    if plan.truth is None:
        said.append(
            "No table on disk holds accuracies of these networks on these images: the best there is is unknown."
        )
    return said


def _points(estimate: Estimate) -> str:
    spread = "" if estimate.spread is None else f" ± {format_number(estimate.spread, 2)}"
    return f"{format_number(estimate.value or 0.0, 2)}{spread}"


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
