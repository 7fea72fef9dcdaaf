"""Who teaches: a trained teacher from a file or trained here, its early checkpoint, an assistant, a peer, nobody."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.distill import checkpointed, examined
from benchmarks.distill.protocols import Protocol
from benchmarks.distill.stream import Stream
from benchmarks.distill.trainer import EpochResult, Trainer
from benchmarks.scoring.setting import file_hash
from nb201_data.datasets import unpooled
from nb201_data.networks import RESNETS, Network, build_resnet
from nb201_data.teachers import teacher_file, trained_teacher
from proxies.distillation import losses
from proxies.distillation.names import ALONE
from proxies.distillation.record import Loss
from proxies.inits import initialise

TEACHER_SEED = 1_000_000  # far from the seeds of students, so that no student starts as its own teacher
EARLY = 1 / 3  # of a teacher's schedule, where an early one is stopped
OF_THE_FILE = frozenset({"trained", "assistant"})
"""Who teaches where the file of a trained teacher counts."""
Say = Callable[[str], object]


@dataclass(frozen=True)
class School:
    """What is needed to come by the teacher that a protocol names: its file or none, classes, a folder to keep it."""

    weights: Path | None
    classes: int
    protocol: Protocol
    folder: Path
    device: str

    @property
    def teacher(self) -> str:
        """The teacher's name."""
        return self.protocol.teacher

    @property
    def images(self) -> str:
        """What the teacher sees: the images before they are pooled for the student."""
        return unpooled(self.protocol.images)

    def teacher_for(self, loss: Loss, say: Say) -> Network | None:
        """The teacher that `loss` asks for."""
        return {
            "nobody": lambda: None,
            "peer": self._peer,
            "trained": lambda: self._trained(say),
            "early": lambda: self._early(say),
            "assistant": lambda: self._assistant(say),
        }[loss.teaching]()

    @property
    def file(self) -> Path | None:
        """The trained teacher's weights; None where it is trained here."""
        usual = teacher_file(self.teacher, self.images)
        return self.weights or (usual if usual.is_file() else None)

    def source(self, loss: Loss) -> str:
        """What tells this teacher from another of its name."""
        known = self.file is not None and loss.teaching in OF_THE_FILE
        return file_hash(str(self.file)) if known else "" if loss.teaching == "nobody" else "trained here"

    def top1(self, loss: Loss, say: Say) -> float | None:
        """What the teacher of `loss` reaches on the test images, in percent; None for a peer, who is not one yet."""
        if loss.teaching in ("nobody", "peer"):
            return None
        teacher = self.teacher_for(loss, say)
        assert teacher is not None
        return examined.top1(teacher, self.images, torch.device(self.device))

    def _peer(self) -> Network:
        return self._fresh(self.teacher)

    def _trained(self, say: Say) -> Network:
        if self.file is not None:
            return trained_teacher(self.teacher, self.images, self.classes, self.weights)
        return self._train(self.teacher, losses.get(ALONE), None, f"teacher-{self.teacher}", None, say)

    def _early(self, say: Say) -> Network:
        """The teacher stopped at a share of its own schedule, at the rate that this has then."""
        until = math.ceil(EARLY * self.protocol.of_teachers().epochs)
        return self._train(self.teacher, losses.get(ALONE), None, f"early-{self.teacher}", until, say)

    def _assistant(self, say: Say) -> Network:
        """The ResNet between ResNet-20 and the teacher, of the size nearest to their geometric mean, taught by it."""
        size = {name: sum(p.numel() for p in build_resnet(name, self.classes).parameters()) for name in RESNETS}
        middle = math.sqrt(size["resnet20"] * size[self.teacher])
        name = min(RESNETS, key=lambda each: abs(math.log(size[each] / middle)))
        return self._train(name, losses.get("kd"), self._trained(say), f"assistant-{name}", None, say)

    def _fresh(self, name: str) -> Network:
        network = build_resnet(name, self.classes)
        initialise(network, "kaiming", TEACHER_SEED)
        return network

    def _train(self, name: str, loss: Loss, teacher: Network | None, role: str, until: int | None, say: Say) -> Network:
        """A network trained on the images at the resolution that teachers see, by a teacher's schedule."""
        protocol = self.protocol.of_teachers()
        network, last = self._fresh(name), protocol.epochs if until is None else until
        settings = {**asdict(protocol), "images": self.images, "role": role, "until": last}
        settings |= {"taught by": self.source(loss)} if loss.teacher else {}
        folder = self.folder / role
        done = checkpointed.finished(folder, settings, last)
        if done is None:
            device = torch.device(self.device)
            stream = Stream(self.images, protocol.padding, device, teacher, protocol.per_class)
            trainer = Trainer(network, loss, protocol, stream, TEACHER_SEED, teacher)

            def tell(result: EpochResult) -> None:
                say(f"{role}: {result.told(last)}")

            checkpointed.train(trainer, folder, settings, until=until, report=tell)
            done = checkpointed.latest(folder)
            assert done is not None
        network.load_state_dict(done.weights)
        return network.eval()
