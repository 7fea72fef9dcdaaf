"""Train the shared network: weights on one half of the images, architecture on the other, in turns."""

import io
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.search.constraints import feasible
from benchmarks.search.supernet import Supernet, one_hot
from benchmarks.search.weight_sharing import SharedEpoch, SharedResult, SharedTask
from diswot_errors import UsageError
from nb201_data.augment import augmented_epoch, batches
from nb201_data.sealed import SealedError, read_sealed, write_sealed
from nb201_data.space import EDGES, OPERATIONS, Cell
from proxies.inits import generator_for

PathRule = Callable[[Tensor, torch.Generator, float], Tensor]
"""(architecture weights (6, 5), a CPU generator, progress 0 to 1) -> weights of the operations (6, 5) for one step."""

RATE, LEAST_RATE, MOMENTUM, DECAY, CLIP = 0.025, 0.001, 0.9, 5e-4, 5.0
BETAS, ARCHITECTURE_DECAY = (0.5, 0.999), 1e-3


class SharedTraining:
    """SGD with Nesterov momentum and a cosine schedule for the weights, Adam for the architecture (first order: its
    gradient is that of the second half's loss at the present weights)."""

    def __init__(
        self, name: str, settings: dict[str, Any], task: SharedTask, path: PathRule, rate: float | None
    ) -> None:
        """`rate`: the learning rate of the architecture; None where it does not learn."""
        self.name, self.settings, self.task, self.path = name, settings, task, path
        self.cells: tuple[Cell, ...] = feasible(task.space, task.constraints)
        self.device = torch.device(task.device)
        self.network = Supernet(task.space.skeleton, task.seed).to(self.device)
        start = 1e-3 * torch.randn(len(EDGES), len(OPERATIONS), generator=generator_for(task.seed, "architecture"))
        self.alpha = start.to(self.device).requires_grad_(rate is not None)
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), RATE, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True
        )
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, task.epochs, LEAST_RATE)
        self.architect = (
            None if rate is None else torch.optim.Adam([self.alpha], rate, betas=BETAS, weight_decay=ARCHITECTURE_DECAY)
        )
        self.history: list[SharedEpoch] = []
        self._halves()

    def run(self) -> "SharedTraining":
        """All epochs, from the last one that the task's folder holds."""
        file = self.task.folder / "supernet.pt" if self.task.folder else None
        if file:
            self._load(file)
        for epoch in self.history:
            self.task.watch(epoch)
        while len(self.history) < self.task.epochs:
            self.history.append(self._epoch(len(self.history)))
            if file:
                self._save(file)
            self.task.watch(self.history[-1])
        return self

    def _parts(self) -> dict[str, Any]:
        parts = {"network": self.network, "weights": self.optimiser, "schedule": self.schedule}
        return parts | ({"architect": self.architect} if self.architect else {})

    def _save(self, file: Path) -> None:
        """Everything an epoch leaves behind, in one file that is replaced as a whole."""
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts().items()}
        content = io.BytesIO()
        history = [astuple(epoch) for epoch in self.history]
        torch.save(state | {"alpha": self.alpha.detach(), "history": history}, content)
        write_sealed(file, content.getvalue())

    def _load(self, file: Path) -> None:
        """Go on from the file, if there is one; from the beginning, where it was damaged."""
        try:
            content = read_sealed(file)
        except SealedError as error:
            print(f"warning: {error}; the search begins again", file=sys.stderr, flush=True)
            return
        if content is None:
            return
        state = torch.load(io.BytesIO(content), map_location=self.device, weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        with torch.no_grad():
            self.alpha.copy_(state["alpha"])
        self.history = [SharedEpoch(*values) for values in state["history"]]

    def favourite(self) -> Cell:
        """The allowed cell with the largest sum of architecture weights."""
        weights = self.alpha.detach().double().cpu().tolist()
        tables = [dict(zip(OPERATIONS, row, strict=True)) for row in weights]
        return max(self.cells, key=lambda cell: sum(t[op] for t, op in zip(tables, cell.ops, strict=True)))

    @torch.no_grad()
    def accuracy(self, cell: Cell, images: int) -> float:
        """Percent right under the shared weights on the first `images` of the architecture's half, not augmented."""
        right = seen = 0
        weights = one_hot(cell, self.device)
        for x, y in batches(self.second[0][:images], self.second[1][:images], size=max(self.task.batch_size, 256)):
            logits = self.network(self.task.images.normalise(x), weights)
            right += int((logits.argmax(1) == y).sum())
            seen += len(y)
        return 100 * right / seen

    def result(self, best: Cell, value: float, evaluations: int, seconds: float = 0.0) -> SharedResult:
        """What was found; `seconds` on top of the epochs."""
        total = sum(epoch.seconds for epoch in self.history) + seconds
        return SharedResult(self.name, self.settings, best, value, tuple(self.history), evaluations, total)

    def _halves(self) -> None:
        task = self.task
        split = task.images.train
        count = min(len(split), task.max_images or len(split))
        if count < 2 * task.batch_size:
            raise UsageError(f"{count} images are less than two batches of {task.batch_size}: use a smaller batch")
        order = torch.randperm(len(split), generator=generator_for(task.seed, "halves"))[:count].tolist()
        half = count // 2
        halves = [split.take(order[:half]), split.take(order[half : 2 * half])]
        self.first, self.second = ((x.to(self.device), y.to(self.device)) for x, y in halves)

    def _epoch(self, index: int) -> SharedEpoch:
        begin = time.perf_counter()
        task, size = self.task, self.task.batch_size
        generator = generator_for(task.seed, f"paths of epoch {index}")
        first = augmented_epoch(*self.first, seed=task.seed, epoch=2 * index)
        second = augmented_epoch(*self.second, seed=task.seed, epoch=2 * index + 1)
        steps = len(first[0]) // size
        loss = right = torch.zeros((), device=self.device)
        for step, (x, y, x2, y2) in enumerate(batches(*first, *second, size=size, drop_last=True)):
            progress = (index + step / steps) / task.epochs
            if self.architect:
                self._loss(x2, y2, self.path(self.alpha, generator, progress), self.architect)
                self.architect.step()
            step_loss, logits = self._loss(x, y, self.path(self.alpha.detach(), generator, progress), self.optimiser)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
            self.optimiser.step()
            loss, right = loss + step_loss.detach(), right + (logits.argmax(1) == y).sum()
        self.schedule.step()
        cell = str(self.favourite()) if self.architect else ""
        seen = steps * size
        return SharedEpoch(index, cell, float(loss) / steps, 100 * float(right) / seen, time.perf_counter() - begin)

    def _loss(self, x: Tensor, y: Tensor, weights: Tensor, clear: torch.optim.Optimizer) -> tuple[Tensor, Tensor]:
        """Gradients of the cross-entropy, in the parameters of `clear` from zero; returns (loss, logits)."""
        clear.zero_grad(set_to_none=True)
        logits = self.network(self.task.images.normalise(x), weights)
        loss = functional.cross_entropy(logits, y)
        loss.backward()
        return loss, logits


def best_of(training: SharedTraining, cells: Sequence[Cell], images: int) -> tuple[Cell, float, float]:
    """(cell, accuracy, seconds): the best of `cells` under the shared weights, the first of equals."""
    begin = time.perf_counter()
    scored = [(training.accuracy(cell, images), cell) for cell in cells]
    value, best = max(scored, key=lambda pair: pair[0])
    return best, value, time.perf_counter() - begin
