"""`score`: one network, one batch, any number of proxies."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable, UsageError
from proxies.evidence import Evidence, Pass, TeacherEvidence, borrowed, plan, teacher_evidence
from proxies.evidence.borrow import fresh_buffers
from proxies.evidence.forward import Session, release
from proxies.evidence.plan import GRAPH_NEEDS, LAYER_NEEDS
from proxies.evidence.record import autocast
from proxies.evidence.split import can_split, in_parts
from proxies.guests import ask
from proxies.outcome import Failure, Score, Scores, Status, failure_of, scalar, scored
from proxies.registry import ProxyInfo, select

__all__ = ["Score", "Scores", "Status", "score"]

Around = Callable[[str, str], AbstractContextManager[None]]
"""What a pass ('pass', its name) and the arithmetic of a proxy ('proxy', its name) run within."""

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def score(
    model: nn.Module,
    names: str | Iterable[str],
    batch: tuple[Tensor, Tensor],
    *,
    teacher: nn.Module | TeacherEvidence | None = None,
    seed: int = 0,
    precision: str = "fp32",
    around: Around = lambda kind, name: nullcontext(),
) -> Scores:
    """Score `model`, any classifier (B, ...) -> (B, K), by the named proxies; it comes back as it was.

    `names`: names, globs or 'all', as one string with commas or as a list. `batch`: images and integer labels on the
    device of the model. `teacher`: a network, or `teacher_evidence(network, batch)` made once for many students.
    The same question gives the same values, whatever else is asked with it; the weights are scored as they are.
    Proxies of other packages are asked after all of ours, on copies: see `proxies.guests`.
    `around`: for who measures what each pass and each proxy takes.
    """
    infos = select(names)
    x, labels = _check_batch(batch)
    _check_kind(model, "model", (nn.Module,), "a network, an nn.Module")
    _check_kind(teacher, "teacher", (nn.Module, TeacherEvidence, type(None)), "a network or `teacher_evidence` of one")
    with autocast(x.device, precision):
        pass  # refuses an unknown precision before anything runs
    shown, missing = None, Failure("not-applicable", "needs a teacher: pass teacher=")
    if isinstance(teacher, TeacherEvidence):
        _check_teacher(teacher, x, labels)
        shown = teacher
    elif teacher is not None and any(info.teacher for info in infos):
        try:
            shown = teacher_evidence(teacher, (x, labels), seed=seed, precision=precision)
        except Exception as error:  # a teacher too can fail in any way
            missing = failure_of(error)
            missing = Failure(missing.status, f"the teacher: {missing.reason}")
    found: dict[str, Score] = {}
    for kind, chosen in ((_Run, [i for i in infos if i.ours]), (_GuestRun, [i for i in infos if not i.ours])):
        if chosen:
            found |= kind(chosen, Evidence(model, x, labels, seed, precision, shown), around, missing).scores()
    return Scores((info.name, found[info.name]) for info in infos)


class _Run:
    """The passes that some proxies need on one network, and the proxies, each as soon as it has what it needs."""

    def __init__(self, infos: list[ProxyInfo], evidence: Evidence, around: Around, without_teacher: Failure) -> None:
        self.infos = infos
        self.without_teacher = without_teacher
        self.evidence = evidence
        self.around = around
        self.results: dict[str, Tensor | float | Failure] = {}
        self.clock = time.process_time if evidence.x.device.type == "cpu" else time.perf_counter
        self.own: dict[str, float] = {}
        self.pass_seconds: dict[str, float] = {}
        self.failures: dict[str, Failure] = {}  # by need
        self.note = ""
        self.waiting = {info.name: info for info in infos if not self._refused(info)}
        self.plan = plan(need for info in self.waiting.values() for need in info.needs)

    def scores(self) -> dict[str, Score]:
        """Run everything; the order of the answer is that of the question."""
        passes = self.plan.passes
        session = Session(self.evidence, self.plan.needs, self.plan.backward)
        with borrowed(self.evidence.model):
            renew = fresh_buffers(self.evidence.model)
            self.evidence.found["model"] = self.evidence.model
            self._between_passes()
            for i, one in enumerate(passes):
                begin = self.clock()
                with self.around("pass", one.name):
                    if not one.backward:
                        renew()
                    self._run_pass(session, one)
                    if not any(later.backward for later in passes[i + 1 :]):
                        release(session)
                self.pass_seconds[one.name] = self.clock() - begin
                self._between_passes()
            self._evaluate()
        return self._collect()

    def _between_passes(self) -> None:
        self._evaluate()

    def _refused(self, info: ProxyInfo) -> bool:
        if info.teacher and self.evidence.teacher_evidence is None:
            self.results[info.name] = self.without_teacher
            return True
        if info.needs & LAYER_NEEDS:
            try:
                _ = self.evidence.layers
            except NotApplicable as error:  # now, for a pass is shared with scores that do without layers
                self.results[info.name] = failure_of(error)
                return True
        return False

    def _run_pass(self, session: Session, one: Pass) -> None:
        """One pass. If it fails, the needs that it, or a later pass on the same graph, should fill get the reason."""
        todo = self._open(one.gives | one.prepares)
        if not todo:  # an earlier pass failed, and this one had nothing else to do
            return
        try:
            one.run(session)
        except UsageError:
            raise
        except NotApplicable as error:
            self._fail(todo, failure_of(error))
        except Exception as error:  # a network of anyone's can fail in any way; the others still get their scores
            failure = failure_of(error)
            if one.name == "forward" or failure.status == "out-of-memory":
                release(session)
            if one.graph and failure.status == "out-of-memory":
                todo = self._open(GRAPH_NEEDS)
                if can_split(self.evidence):
                    failure = self._split(todo, failure)
            self._fail(todo, failure)
        for need in self._open(one.gives):
            self._fail({need}, failure_of(session.fault(need)))

    def _split(self, needs: set[str], failure: Failure) -> Failure:
        """Again in smaller parts, for what can be put together exactly; the rest keeps the failure."""
        try:
            found, parts = in_parts(self.evidence, needs)
        except Exception as error:
            return failure_of(error)
        self.evidence.found.update(found)
        self.note = f"out of memory on the whole batch: done in {parts} parts"
        return failure

    def _open(self, needs: Iterable[str]) -> set[str]:
        return {n for n in needs if n in self.plan.needs and n not in self.evidence.found and n not in self.failures}

    def _fail(self, needs: Iterable[str], failure: Failure) -> None:
        self.failures.update((need, failure) for need in self._open(needs))

    def _evaluate(self) -> None:
        """Proxies that have everything, or will never have it; then forget what no other proxy waits for."""
        found = self.evidence.found
        for info in list(self.waiting.values()):
            lost = sorted(info.needs & self.failures.keys())
            if lost:
                self.results[info.name] = self.failures[lost[0]]
            elif info.needs <= found.keys():
                begin = self.clock()
                with self.around("proxy", info.name):
                    self.results[info.name] = self._call(info)
                self.own[info.name] = self.clock() - begin
            else:
                continue
            del self.waiting[info.name]
        awaited = {need for info in self.waiting.values() for need in info.needs}
        for need in [n for n in found if n not in awaited and n != "model"]:
            del found[need]

    def _call(self, info: ProxyInfo) -> Tensor | float | Failure:
        try:
            with torch.no_grad() if "model" not in info.needs else torch.enable_grad():
                return scalar(info.function(self.evidence))
        except UsageError:
            raise
        except Exception as error:
            return failure_of(error)

    def _collect(self) -> dict[str, Score]:
        """Numbers come from the device all at once."""
        tensors = [value for value in self.results.values() if isinstance(value, Tensor)]
        numbers = iter(torch.stack(tensors).tolist() if tensors else [])
        for name, value in self.results.items():
            if isinstance(value, Tensor):
                self.results[name] = next(numbers)
        return {info.name: self._score(info) for info in self.infos}

    def _score(self, info: ProxyInfo) -> Score:
        result = self.results[info.name]
        seconds = self.own.get(info.name, 0.0)
        seconds += sum(self.pass_seconds.get(name, 0.0) for name in plan(info.needs).names)
        if isinstance(result, Failure):
            return Score(None, result.status, result.reason, seconds)
        return scored(float(result), seconds, self.note if info.needs & GRAPH_NEEDS else "")


class _GuestRun(_Run):
    """The same for guests, who are asked when all passes are done: no pass comes after any of them."""

    def _between_passes(self) -> None:
        pass

    def _call(self, info: ProxyInfo) -> float | Failure:
        return ask(info, self.evidence)


def _check_kind(given: object, what: str, kinds: tuple[type, ...], expected: str) -> None:
    if not isinstance(given, kinds):
        shown = f"the class {given.__name__}" if isinstance(given, type) else f"{type(given).__name__} {given!r:.40}"
        raise UsageError(f"{what}: {shown}; expected {expected}")


def _check_batch(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    x, labels = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, None)
    if not isinstance(x, Tensor) or not isinstance(labels, Tensor) or not x.dim():
        raise UsageError(
            f"a batch of {type(x).__name__} and {type(labels).__name__}: expected two tensors, images and labels"
        )
    if labels.dim() != 1 or len(x) != len(labels) or labels.dtype not in INTEGERS:
        raise UsageError(
            f"a batch of images {tuple(x.shape)} with labels {labels.dtype} {tuple(labels.shape)}: "
            "expected as many integer labels as images"
        )
    if len(x) < 2 or int(labels.min()) == int(labels.max()):
        raise UsageError(
            f"a batch of {len(x)} with one class ({int(labels[0]) if len(x) else 'empty'}): "
            "expected at least 2 images of 2 classes; draw a larger or another batch"
        )
    if int(labels.min()) < 0:
        raise UsageError(f"a batch with label {int(labels.min())}: expected labels from 0 to the number of classes - 1")
    return x, labels.long()


def _check_teacher(teacher: TeacherEvidence, x: Tensor, labels: Tensor) -> None:
    same = teacher.labels.shape == labels.shape and torch.equal(teacher.labels, labels)
    if teacher.x is not None and teacher.x is not x:
        same = same and teacher.x.shape == x.shape and torch.equal(teacher.x, x)
    if not same:
        raise UsageError(
            f"the teacher was looked at on another batch ({len(teacher.labels)} images, now {len(labels)}): "
            "make its evidence on the batch that is scored"
        )
