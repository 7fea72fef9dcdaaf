"""A training run and a harvest small enough for tests: 4 classes, 8 x 8 pixels, a few steps an epoch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from benchmarks.distill.protocols import Protocol, get_protocol
from benchmarks.distill.stream import Stream
from benchmarks.distill.trainer import Trainer, learns_from_logits
from benchmarks.harvesting.pairs import Recipe
from nb201_data.images import load_images
from nb201_data.networks import Network, build_network, build_resnet
from proxies.distillation import losses
from proxies.inits import initialise

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
TINY = replace(
    get_protocol("short"),
    name="tiny",
    images="embedded:4@8",
    epochs=3,
    batch_size=32,
    per_class=32,
    channels=8,
    cells_per_stage=1,
    teacher="resnet20",
    teacher_epochs=0,
)
HARVESTED = replace(TINY, epochs=1)
KD = Recipe(HARVESTED, "kd")


def teacher(protocol: Protocol = TINY) -> Network:
    """An untrained teacher for the tiny images."""
    network = build_resnet(protocol.teacher, 4)
    initialise(network, "kaiming", 99)
    return network.eval()


def trainer(loss: str, protocol: Protocol = TINY, seed: int = 0, cell: str = CELL, with_last: bool = False) -> Trainer:
    """A trainer of a small cell; `with_last`: from the teacher's last maps, kept."""
    record = losses.get(loss)
    teaching = teacher(protocol) if record.teacher else None
    answering = teaching if with_last or learns_from_logits(record) else None
    cpu, per_class = torch.device("cpu"), protocol.per_class
    stream = Stream(protocol.images, protocol.padding, cpu, answering, per_class, with_last=with_last)
    student = build_network(cell, 4, protocol.channels, protocol.cells_per_stage)
    initialise(student, "kaiming", seed)
    return Trainer(student, record, protocol, stream, seed, teaching)


@torch.no_grad()
def by_hand(network: nn.Module, images: str, test: tuple[Tensor, Tensor]) -> tuple[float, float, float]:
    """(top-1 %, top-5 %, cross entropy) in evaluation mode, from how many classes each right one has before it."""
    x, y = test
    logits = network.eval()(load_images(images).normalise(x)).double()
    before = (logits > logits.gather(1, y[:, None])).sum(1)
    cross_entropy = logits.logsumexp(1) - logits.gather(1, y[:, None])[:, 0]
    return *(100 * float((before < k).double().mean()) for k in (1, 5)), float(cross_entropy.mean())


def same(a: Trainer, b: Trainer) -> bool:
    """Whether two trainers hold bit-equal students."""
    left, right = a.student.network.state_dict(), b.student.network.state_dict()
    return all(torch.equal(left[name], right[name]) for name in left)
