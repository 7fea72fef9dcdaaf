"""What scores cost in units of one plain forward and backward pass: networks, groups, floors, and how they are timed.

Batch 64, fp32, `channels_last`, one thread, the whole skeleton of NAS-Bench-201 (16 channels, 5 cells a stage), random
weights, teacher evidence made before. Everything is timed in turns on the same network, so that what else the machine
does slows all of it; of some turns the fastest counts. CPU time on a CPU, time on a GPU after it has done all its work.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from nb201_data.networks import CellNetwork, build_network
from nb201_data.space import Cell, distinct_cells
from proxies import TeacherEvidence, initialise, score, teacher_evidence
from proxies.registry import select

IMAGES, CLASSES = 64, 100
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
HEAVIEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
KERNEL_IMAGES = 16  # of the tangent kernel

KD_BASED = "kd,fitnet,at,sp,rkd,pkt,cc,nst,ickd"
DEAR = "grasp,zico,te_nas_*"
NEWER = (
    "vkdnw*,swap,near,gradsign,wrcor,dextr,rbflex,meco_opt,dss,tvt_teacher,dkd*,kd_ls,auto_das_*,conv_*,flops_pruned,"
    "gradient_spread,root_size_alive,spread_size,trainable_layers"
)
"""Scores that are not in the budgets, which were set before."""

Batch = tuple[Tensor, Tensor]


def groups() -> dict[str, tuple[str, ...]]:
    """Name of a group -> its proxies, ours alone."""
    ours = [info.name for info in select("all") if info.ours]
    newer, dear = ({info.name for info in select(names)} for names in (NEWER, DEAR))
    older = tuple(name for name in ours if name not in newer)
    gradients = select(f"grad_norm,snip,plain,fisher,nwot,{KD_BASED},m_s,m_r,diswot")
    return {
        "m_s and m_r": ("m_s", "m_r"),
        "gradients, nwot, KD-based, DisWOT": tuple(info.name for info in gradients),
        "all but the newer, grasp, zico, te_nas": tuple(name for name in older if name not in dear),
        "all but the newer": older,
        "all": tuple(ours),
    }


def spaced(count: int) -> list[Cell]:
    """Cells at equal steps through all distinct ones, ordered by their multiply-adds."""
    cells = sorted(distinct_cells(), key=lambda c: (9 * c.count("nor_conv_3x3") + c.count("nor_conv_1x1"), str(c)))
    return [cells[int((i + 0.5) * len(cells) / count)] for i in range(count)]


def noise_batch(device: str = "cpu") -> Batch:
    """64 images of noise with labels of 64 classes."""
    x = torch.randn(IMAGES, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last).to(device), torch.arange(IMAGES, device=device)


def network(cell: Cell | str, device: str = "cpu", seed: int = 0) -> CellNetwork:
    """In training mode, with Gaussian weights."""
    model = build_network(cell, CLASSES)
    initialise(model, "gaussian", seed)
    model.to(device).train()
    return model


def teacher_of(batch: Batch) -> TeacherEvidence:
    """What the best cell shows, with random weights of its own."""
    return teacher_evidence(network(BEST, str(batch[0].device), 1), batch)


def unit(model: CellNetwork, batch: Batch) -> None:
    """One plain forward and backward."""
    model.zero_grad()
    functional.cross_entropy(model(batch[0]), batch[1]).backward()


def clock(device: str) -> float:
    """CPU seconds of this process; of a GPU the time at which it has done all that it was given."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


@dataclass
class Meter:
    """Seconds and peak memory, in bytes, of what runs within it, by kind ('pass', 'proxy') and name: for `score`.

    The peak is what the process holds at most meanwhile; None where the system does not tell.
    """

    device: str
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    peaks: dict[tuple[str, str], int | None] = field(default_factory=dict)

    @contextmanager
    def __call__(self, kind: str, name: str) -> Iterator[None]:
        """Around one pass or proxy."""
        whole = _forget_peak(self.device)
        begin = clock(self.device)
        try:
            yield
        finally:
            self.seconds[kind, name] = clock(self.device) - begin
            self.peaks[kind, name] = _peak(self.device) if whole else None


def _forget_peak(device: str) -> bool:
    """Begin a new peak, where that is possible: what Linux calls VmHWM."""
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return True
    return False


def _peak(device: str) -> int:
    if device != "cpu":
        return torch.cuda.max_memory_allocated(device)
    with suppress(OSError):
        text = Path("/proc/self/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM:"))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@dataclass(frozen=True)
class PeakJob:
    """Proxies to score on the heaviest cell in a process of its own."""

    names: tuple[str, ...]
    device: str


def peaks(job: PeakJob) -> dict[str, int | None]:
    """Peak memory of each pass, and of all under ''. Only of use in a process that has done nothing else."""
    torch.set_num_threads(1)
    batch, meter = noise_batch(job.device), Meter(job.device)
    teacher = teacher_of(batch)
    score(network(HEAVIEST, job.device), job.names, batch, teacher=teacher, around=meter)
    known = [peak for peak in meter.peaks.values() if peak is not None]
    whole = max(known) if known else _peak(job.device)
    return {name: peak for (kind, name), peak in meter.peaks.items() if kind == "pass"} | {"": whole}


@dataclass(frozen=True)
class Floor:
    """What a pass costs at least: times of plain passes added up, and in words."""

    words: str
    of: Callable[[Mapping[str, float]], float]


FLOORS = {
    "forward": Floor("a forward pass that keeps its graph", lambda t: t["graph"]),
    "loss gradient": Floor("back from the loss to the weights", lambda t: t["weights"]),
    "input gradient": Floor("back from the logits to the images", lambda t: t["images"]),
    "block jacobians": Floor("back from the logits to the images", lambda t: t["images"]),
    "hessian": Floor("two units: twice the products of forward and backward", lambda t: 2 * t["unit"]),
    "perturbation": Floor("two forward passes without graph", lambda t: 2 * t["forward"]),
    "batch gradients": Floor("a unit", lambda t: t["unit"]),
    "tangent kernel": Floor(
        "on 16 images a forward pass, and 16 times back to the weights",
        lambda t: t["few"] + KERNEL_IMAGES * t["few weights"],
    ),
}
"""Of the passes that have one; the others are small, or go image by image."""


def plain_times(model: CellNetwork, batch: Batch, device: str) -> dict[str, float]:
    """Seconds of the unit and of plain passes, nobody looking on."""
    x, y = batch
    weights = [p for name, p in model.named_parameters() if p.dim() > 1]
    found: dict[str, float] = {}

    def timed(name: str, function: Callable[[], Tensor | tuple[Tensor, ...] | None]) -> Tensor:
        begin = clock(device)
        result = function()
        found[name] = clock(device) - begin
        return result  # type: ignore[return-value]

    timed("unit", partial(unit, model, batch))
    model.zero_grad()
    with torch.no_grad():
        timed("forward", lambda: model(x))
    seen = x.detach().requires_grad_()
    logits = timed("graph", lambda: model(seen))
    loss = functional.cross_entropy(logits, y)
    timed("weights", lambda: torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True))
    timed("images", lambda: torch.autograd.grad(logits.sum(), [seen], allow_unused=True))
    few = timed("few", lambda: model(x[:KERNEL_IMAGES]).sum())
    timed("few weights", lambda: torch.autograd.grad(few, weights, allow_unused=True))
    return found


@dataclass(frozen=True)
class CellCosts:
    """Of one cell, all in units: plain passes, groups, and of the asked proxies each pass and own arithmetic."""

    plain: dict[str, float]
    groups: dict[str, float]
    passes: dict[str, float]
    own: dict[str, float]
    status: dict[str, str]


def costs_of(
    cell: Cell, names: Sequence[str], asked: Mapping[str, Sequence[str]], device: str, rounds: int
) -> CellCosts:
    """`names`: the proxies that are looked at one by one. `asked`: groups that are timed as a whole."""
    batch, model = noise_batch(device), network(cell, device)
    teacher = teacher_of(batch)
    plain: list[dict[str, float]] = []
    whole: dict[str, list[float]] = {group: [] for group in asked}
    meters: list[Meter] = []
    status: dict[str, str] = {}
    for _ in range(rounds):
        plain.append(plain_times(model, batch, device))
        for group, members in asked.items():
            begin = clock(device)
            score(model, members, batch, teacher=teacher)
            whole[group].append(clock(device) - begin)
        meters.append(Meter(device))
        scores = score(model, names, batch, teacher=teacher, around=meters[-1])
        status = {name: one.status for name, one in scores.items()}
    one = min(times["unit"] for times in plain)
    seconds = {key: min(meter.seconds[key] for meter in meters) / one for key in meters[0].seconds}
    return CellCosts(
        plain={name: min(times[name] for times in plain) / one for name in plain[0]},
        groups={group: min(times) / one for group, times in whole.items()},
        passes={name: value for (kind, name), value in seconds.items() if kind == "pass"},
        own={name: value for (kind, name), value in seconds.items() if kind == "proxy"},
        status=status,
    )
