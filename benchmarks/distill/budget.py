"""How long a comparison of distillers takes under a protocol, and the longest protocol that fits into a time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F

from benchmarks.distill.jobs import Plan, student_of
from benchmarks.distill.protocols import Protocol, get_protocol
from benchmarks.distill.trainer import learns_from_logits
from diswot_errors import DataError, UsageError
from nb201_data.images import load_images
from nb201_data.networks import Network, build_resnet
from nb201_data.teachers import trained_teacher
from proxies import score
from proxies.distillation import losses

LADDER = tuple(map(get_protocol, ("repdistiller", "full12", "short", "lite", "small", "glance")))
"""From long to short."""

BACKWARD = 3  # a training step costs three forward passes


def on_images(protocol: Protocol, images: str | None) -> Protocol:
    """The protocol on other images, pooled as its own are."""
    if images is None:
        return protocol
    _, at, size = protocol.images.partition("@")
    return replace(protocol, images=images if "@" in images or not at else f"{images}@{size}")


def multiply_adds(plans: Sequence[Plan]) -> float:
    """Multiply-adds of all runs of the plans, teachers that have no file included."""
    return sum(_of_plan(plan, first=place == 0) for place, plan in enumerate(plans))


def _of_plan(plan: Plan, first: bool) -> float:
    protocol = plan.protocol
    images = load_images(protocol.images)
    whole = load_images(protocol.images.partition("@")[0])
    count = protocol.per_class * images.classes if protocol.per_class else len(images.train_y)
    tested = min(protocol.tested_epochs or protocol.epochs, protocol.epochs) * len(images.test_y)
    student = macs(student_of(plan).build(), images.resolution)
    teacher = macs(build_resnet(protocol.teacher, images.classes), whole.resolution)
    shown = protocol.epochs * count
    run = student * (BACKWARD * shown + tested)
    total = 0.0
    teachings = {losses.get(name).teaching for name in plan.distillers}
    for name in plan.distillers:
        loss = losses.get(name)
        beside = BACKWARD if loss.two_way else 0 if not loss.teacher or learns_from_logits(loss) else 1
        total += plan.seeds * (run + beside * teacher * shown)
    if first and teachings & {"trained", "assistant"} and not _has_file(plan):
        total += BACKWARD * teacher * shown
    if first:
        total += teacher * shown * (1 + ("early" in teachings) + ("assistant" in teachings) * BACKWARD / 2)
    return total


def _has_file(plan: Plan) -> bool:
    images = load_images(plan.protocol.images.partition("@")[0])
    try:
        trained_teacher(plan.protocol.teacher, images.name, images.classes, plan.teacher_weights)
    except (DataError, UsageError):
        return False
    return True


def macs(network: Network, resolution: int) -> float:
    """Multiply-adds of a network on one image."""
    batch = torch.zeros(2, 3, resolution, resolution), torch.tensor([0, 1])
    value = score(network, ["flops"], batch)["flops"].value
    assert value is not None
    return value


def speed(plan: Plan, steps: int = 3) -> float:
    """Multiply-adds a second of one worker, by training the student for some steps on noise."""
    images = load_images(plan.protocol.images)
    network = student_of(plan).build().to(plan.device)
    x = torch.rand(plan.protocol.batch_size, 3, images.resolution, images.resolution, device=plan.device)
    y = torch.zeros(len(x), dtype=torch.long, device=plan.device)
    enabled = plan.protocol.precision == "bf16"
    device = torch.device(plan.device).type

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=enabled):
            F.cross_entropy(network(x), y).backward()
        if device == "cuda":
            torch.cuda.synchronize()

    step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = time.perf_counter() - begin
    return steps * BACKWARD * len(x) * macs(network.cpu(), images.resolution) / seconds


def seconds(plans: Sequence[Plan], workers: int) -> float:
    """About how long the plans take."""
    runs = sum(len(plan.distillers) * plan.seeds for plan in plans)
    return multiply_adds(plans) / speed(plans[0]) / max(1, min(workers, math.ceil(runs)))
