"""Out of memory: the same passes on parts of the batch, put together exactly where images do not see each other."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from proxies.evidence.borrow import BATCH_NORM
from proxies.evidence.capture import Features
from proxies.evidence.forward import Session
from proxies.evidence.memory import out_of_memory
from proxies.evidence.record import Evidence


def can_split(evidence: Evidence) -> bool:
    """Whether parts of the batch give what the whole gives: not with batch norm, which uses the batch's statistics.

    Nor with dropout, which would drop other units.
    """
    return not any(isinstance(m, BATCH_NORM) or _drops(m) for m in evidence.model.modules())


def _drops(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0


def in_parts(evidence: Evidence, needs: set[str]) -> tuple[dict[str, Any], int]:
    """What `needs` can be put together from 2, 4, ... parts, and how many parts it took."""
    can = frozenset(needs) & MERGES.keys()
    parts, size = 2, len(evidence.x)
    while True:
        try:
            return _merged(evidence, can, parts), parts
        except Exception as error:
            if not out_of_memory(error) or parts >= size:
                raise
        parts = min(2 * parts, size)


def _merged(evidence: Evidence, needs: frozenset[str], parts: int) -> dict[str, Any]:
    from proxies.evidence.plan import plan  # `plan` names the passes, which use this module's neighbours

    chosen, found = plan(needs), []
    for x, labels in zip(evidence.x.tensor_split(parts), evidence.labels.tensor_split(parts), strict=True):
        part = Evidence(evidence.model, x, labels, evidence.seed, evidence.precision, evidence.teacher_evidence)
        session = Session(part, needs, chosen.backward)
        for one in chosen.passes:
            one.run(session)
        found.append(part.found)
        evidence.seen_classes = part.seen_classes
    shares = [len(labels) / len(evidence.labels) for labels in evidence.labels.tensor_split(parts)]
    return {need: MERGES[need]([f[need] for f in found], shares) for need in needs if all(need in f for f in found)}


def _features(parts: list[Features], shares: list[float]) -> Features:
    def joined(tensors: tuple[Tensor | None, ...]) -> Tensor | None:
        return None if any(t is None for t in tensors) else torch.cat(tensors)  # type: ignore[arg-type]

    stages = tuple(torch.cat(maps) for maps in zip(*(p.stages for p in parts), strict=True))
    last, pooled = joined(tuple(p.last for p in parts)), joined(tuple(p.pooled for p in parts))
    return Features(stages, last, pooled, torch.cat([p.logits for p in parts]), parts[0].averaged)


def _mean(parts: list[tuple[Tensor, ...]], shares: list[float]) -> tuple[Tensor, ...]:
    """The gradient of a mean over images from those over its parts."""
    return tuple(sum((g * s for g, s in zip(layer, shares, strict=True)), 0) for layer in zip(*parts, strict=True))


def _saliency(parts: list[list[tuple[Tensor, int]]], shares: list[float]) -> list[tuple[Tensor, int]]:
    """Quadratic in gradients that a part has 1/share too large, and a mean over images."""
    merged = []
    for layer in zip(*parts, strict=True):
        merged.append((sum((c * s**3 for (c, _), s in zip(layer, shares, strict=True)), 0), layer[0][1]))
    return merged


MERGES: dict[str, Callable[[Any, list[float]], Any]] = {
    "features": _features,
    "shapes": lambda parts, shares: parts[0],
    "first_maps": lambda parts, shares: parts[0],
    "weight_gradients": _mean,
    "channel_saliency": _saliency,
    "input_gradient": lambda parts, shares: torch.cat(parts),
}
