"""Scoring networks of one setting in this process: build, initialise, look, forget; batch and teacher are kept."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.engines.worker import begun
from benchmarks.scoring.question import Answer
from benchmarks.scoring.setting import AS_BUILT, Setting
from diswot_errors import DataError, UsageError
from nb201_data.image_set import ImageSet
from nb201_data.images import load_images
from nb201_data.own import seeded
from nb201_data.teachers import build_teacher
from nb201_data.weights import load_weights
from proxies import Score, TeacherEvidence, get, initialise, score, teacher_evidence
from proxies.evidence.memory import out_of_memory

KEPT_PIXELS = 2**20  # of the batches that are kept: 16 of 64 images of 32 x 32, some 130 MB with their teachers


@dataclass(frozen=True)
class Scene:
    """What the students of one seed share: the batch, and what the teacher shows on it."""

    seed: int
    batch: tuple[Tensor, Tensor]
    teacher: TeacherEvidence | None


class Scorer:
    """Scores of architectures under one setting; each depends on its question alone, not on what was scored before."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.device = torch.device(setting.device)
        self.space = setting.search_space
        self._images: ImageSet | None = None
        self._scenes: dict[int, Scene] = {}
        self._streams = threading.local()
        if self.device.type == "cuda":  # fp32 means fp32, and the same question has the same answer
            torch.backends.cudnn.allow_tf32 = False
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.deterministic = True

    def scores(
        self, archs: Sequence[str], names: Sequence[str], seed: int, together: int = 1
    ) -> list[dict[str, Answer]]:
        """The answers of each architecture by proxy.

        `together` networks are in flight at a time, each in a thread and, on a GPU, on a stream of its own, so that
        small networks fill the card; it changes no value. (Networks with random layers of their own, dropout, or with
        parameters that no initialisation draws would share one source of randomness: the built-in spaces have none.)
        """
        scene = self.scene(seed, any(get(name).teacher for name in names))
        begun()
        if self.setting.init == AS_BUILT or not all(get(name).ours for name in names):
            together = 1  # what a constructor draws, and what a guest changes before it is put back, is the process's
        if together == 1 or len(archs) == 1:
            return [self._answers(arch, names, scene) for arch in archs]
        with ThreadPoolExecutor(min(together, len(archs))) as threads:
            return list(threads.map(lambda arch: self._on_stream(arch, names, scene), archs))

    def scene(self, seed: int, with_teacher: bool) -> Scene:
        """Batch and teacher of a seed; those of the last seeds are kept."""
        scene = self._scenes.pop(seed, None) or Scene(seed, self._batch(seed), None)
        if with_teacher and scene.teacher is None:
            scene = Scene(seed, scene.batch, self._teacher(seed, scene.batch))
        self._scenes[seed] = scene
        if len(self._scenes) > max(1, KEPT_PIXELS // (self.setting.batch_size * self.setting.skeleton.resolution**2)):
            del self._scenes[next(iter(self._scenes))]
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # other streams may use both from here on
        return scene

    def _batch(self, seed: int) -> tuple[Tensor, Tensor]:
        if self._images is None:
            self._images = load_images(self.setting.images)
        split = self.setting.split
        x, y = self._images.batch(self.setting.batch_size, seed, "test" if split == "test" else "train")
        return x.to(self.device), y.to(self.device)

    def _teacher(self, seed: int, batch: tuple[Tensor, Tensor]) -> TeacherEvidence:
        setting = self.setting
        network = trained_teacher(setting) if setting.teacher_weights else untrained_teacher(setting, seed)
        try:
            return teacher_evidence(network.to(self.device), batch, seed=seed, precision=setting.precision)
        except Exception as error:
            if not out_of_memory(error):
                raise
            raise DataError(
                f"the teacher {setting.teacher} does not fit into memory with {setting.batch_size} images: give a "
                "smaller --batch-size or --teacher"
            ) from error

    def _answers(self, arch: str, names: Sequence[str], scene: Scene) -> dict[str, Answer]:
        """All proxies of one architecture; one that does not fit into memory gets a status, and the rest goes on."""
        setting = self.setting
        try:
            network = self._network(arch, scene.seed).to(self.device)
            found = score(
                network, names, scene.batch, teacher=scene.teacher, seed=scene.seed, precision=setting.precision
            )
        except Exception as error:
            if not out_of_memory(error):
                raise
            reason = f"{setting.batch_size} images do not fit into memory; a smaller batch needs less"
            return dict.fromkeys(names, Answer(None, "out-of-memory", reason))
        finally:
            self._tidy()
        return {name: _answer(one) for name, one in found.items()}

    def _network(self, arch: str, seed: int) -> nn.Module:
        make = partial(self.space.build, self.space.parse(arch))
        return _built(make, self.setting.init, seed, f"{self.setting.space}:{arch}")

    def _tidy(self) -> None:
        """Blocks that one stream has cached are of no use to the others: give them back before memory is short."""
        if self.device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self.device)
            if free < total / 5:
                torch.cuda.empty_cache()

    def _on_stream(self, arch: str, names: Sequence[str], scene: Scene) -> dict[str, Answer]:
        with self._stream():
            return self._answers(arch, names, scene)

    @contextlib.contextmanager
    def _stream(self) -> Iterator[None]:
        """The CUDA stream of this thread; nothing on a CPU."""
        if self.device.type != "cuda":
            yield
            return
        if not hasattr(self._streams, "own"):
            self._streams.own = torch.cuda.Stream(self.device)
        with torch.cuda.stream(self._streams.own):
            yield


def _built(make: Callable[[], nn.Module], init: str, seed: int, name: str) -> nn.Module:
    """A network whose weights depend on the seed alone: as it is built, or drawn by an initialisation."""
    network = seeded(make, seed, name)
    return network if init == AS_BUILT else initialise(network, init, seed)


def _answer(found: Score) -> Answer:
    """Without the sign of zero, which the store does not keep."""
    return Answer(None if found.value is None else found.value + 0.0, found.status, found.reason, found.seconds)


def untrained_teacher(setting: Setting, seed: int) -> nn.Module:
    """The teacher that goes with a student's seed."""
    make = partial(build_teacher, setting.teacher, setting.search_space)
    return _built(make, setting.init, setting.teacher_seed(seed), setting.teacher)


def trained_teacher(setting: Setting) -> nn.Module:
    """The teacher with the weights of the user's file."""
    path, make = setting.teacher_weights, partial(build_teacher, setting.teacher, setting.search_space)
    network = _built(make, AS_BUILT, setting.teacher_seed(0), setting.teacher)
    try:
        return load_weights(network, path)
    except DataError as error:
        if "size mismatch for classifier.weight" not in str(error) and "size mismatch for fc.weight" not in str(error):
            raise
        raise UsageError(
            f"the teacher in {path} does not fit {setting.teacher} with the {setting.skeleton.classes} classes of "
            f"{setting.images}: give a teacher trained on such images, or other --images and --ground-truth ({error})"
        ) from error
