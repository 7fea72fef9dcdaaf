"""How long distillations take under a protocol, and the longest protocol that fits into a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from benchmarks.distill.jobs import Distillation, school_of, student_of
from benchmarks.distill.protocols import Protocol, get_protocol
from benchmarks.distill.teaching import EARLY
from benchmarks.distill.trainer import learns_from_logits
from benchmarks.engines.device import settle
from nb201_data.datasets import unpooled
from nb201_data.images import load_images
from nb201_data.networks import Network, build_resnet
from proxies import score
from proxies.distillation import losses
from proxies.distillation.record import Loss
from reports.tables import format_count, format_duration

LADDER = tuple(map(get_protocol, ("repdistiller", "full12", "short", "lite", "small", "glance")))
"""From long to short."""

BACKWARD = 3  # a training step costs three forward passes


def shown(protocol: Protocol) -> int:
    """Images that a run is trained on, each epoch's counted."""
    images = load_images(protocol.images)
    return protocol.epochs * (protocol.per_class * images.classes or len(images.train))


def of_run(student: float, teacher: float, loss: Loss, protocol: Protocol) -> float:
    """Multiply-adds of one run, from those of student and teacher on one image."""
    tested = min(protocol.tested_epochs or protocol.epochs, protocol.epochs) * len(load_images(protocol.images).test)
    beside = BACKWARD if loss.two_way else 0 if not loss.teacher or learns_from_logits(loss) else 1
    return student * (BACKWARD * shown(protocol) + tested) + beside * teacher * shown(protocol)


def multiply_adds(plans: Sequence[Distillation]) -> float:
    """Multiply-adds of all runs of the plans, teachers that have no file included: they teach all students."""
    return sum(_of_students(plan) for plan in plans) + _of_teachers(plans[0])


def _of_students(plan: Distillation) -> float:
    student = macs(student_of(plan).build(), load_images(plan.protocol.images).resolution)
    teacher = teacher_macs(plan.protocol)
    return plan.seeds * sum(of_run(student, teacher, losses.get(name), plan.protocol) for name in plan.distillers)


def _of_teachers(plan: Distillation) -> float:
    """Training those that are not there, their answers of every epoch, and a test of each."""
    teachings = {losses.get(name).teaching for name in plan.distillers}
    early, assistant = "early" in teachings, "assistant" in teachings
    trained = bool(teachings & {"trained", "assistant"}) and school_of(plan).file is None
    learning = BACKWARD * shown(plan.protocol.of_teachers()) * (trained + EARLY * early + assistant / 2)
    tested = len(teachings - {"nobody", "peer"}) * len(load_images(unpooled(plan.protocol.images)).test)
    return teacher_macs(plan.protocol) * (shown(plan.protocol) + learning + tested)


def teacher_macs(protocol: Protocol) -> float:
    """Multiply-adds of the teacher on one image, as large as it sees it."""
    whole = load_images(unpooled(protocol.images))
    return macs(build_resnet(protocol.teacher, whole.classes), whole.resolution)


def macs(network: Network, resolution: int) -> float:
    """Multiply-adds of a network on one image."""
    batch = torch.zeros(2, 3, resolution, resolution), torch.tensor([0, 1])
    value = score(network, ["flops"], batch)["flops"].value
    assert value is not None
    return value


def speed(plan: Distillation) -> float:
    """Multiply-adds a second of one worker, by training the student for some steps."""
    return rate(student_of(plan).build(), plan.protocol, plan.device)


def rate(network: Network, protocol: Protocol, device: str, steps: int = 3) -> float:
    """Multiply-adds a second, by training a network for some steps on noise."""
    settle()
    resolution = load_images(protocol.images).resolution
    network = network.to(device)
    x = torch.rand(protocol.batch_size, 3, resolution, resolution, device=device)
    y = torch.zeros(len(x), dtype=torch.long, device=device)
    kind = torch.device(device).type

    def step() -> None:
        with torch.autocast(kind, torch.bfloat16, enabled=protocol.precision == "bf16"):
            F.cross_entropy(network(x), y).backward()
        if kind == "cuda":
            torch.cuda.synchronize()

    step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = time.perf_counter() - begin
    return steps * BACKWARD * len(x) * macs(network.cpu(), resolution) / seconds


def seconds(plans: Sequence[Distillation], workers: int) -> float:
    """About how long the plans take."""
    runs = sum(len(plan.distillers) * plan.seeds for plan in plans)
    return multiply_adds(plans) / speed(plans[0]) / max(1, min(workers, runs))


def estimate(plans: Sequence[Distillation], workers: int) -> str:
    """What would be trained, and about how long that takes."""
    first = plans[0]
    return (
        f"{', '.join(student_of(plan).name for plan in plans)} by {', '.join(first.distillers)}, "
        f"{format_count(first.seeds, 'seed')} each, {first.protocol.epochs} epochs on {first.protocol.images}, teacher "
        f"{first.protocol.teacher}: about {format_duration(seconds(plans, workers))} with "
        f"{format_count(workers, 'worker')} from the beginning."
    )


def fitting(
    made: Callable[[Protocol], list[Distillation]], named: str | None, minutes: int, workers: int
) -> tuple[list[Distillation], str]:
    """The plans under the protocol that is named, or under the longest that fits into the time; and why that one."""
    if named:
        protocol = next((each for each in LADDER if each.name == named), None) or get_protocol(named)
        return made(protocol), f"Protocol {named}: {protocol.note}."
    for protocol in LADDER:
        plans = made(protocol)
        taken = seconds(plans, workers) / 60
        if taken <= minutes:
            break
    asked = f"--minutes {minutes}"
    fits = f"the longest that fits into {asked}" if taken <= minutes else f"the shortest, though over {asked}"
    return plans, f"Protocol {protocol.name}, {fits} (about {max(1, round(taken))} min): {protocol.note}."
