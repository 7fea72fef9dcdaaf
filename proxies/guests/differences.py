"""Where a copy that a guest has seen differs from what it was copied from."""

import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from proxies.evidence import Evidence

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def differences(before: Evidence, after: Evidence, running: bool) -> Iterator[str]:
    """Names of what differs: 'stem.0.weight of the network', 'the batch', 'features of the evidence'.

    `running`: the guest may run the network. What running writes (gradients, buffers, whatever else a module keeps)
    is then its own.
    """
    yield from (f"{name} of the network" for name in _in_network(before.model, after.model, running))
    for name in ("x", "labels"):
        if not same(getattr(before, name), getattr(after, name)):
            yield "the batch" if name == "x" else "the labels"
    if not same(before.teacher_evidence, after.teacher_evidence):
        yield "the teacher's evidence"
    for name in sorted({*before.found, *after.found} - {"model"}, key=str):
        if name not in before.found:
            yield f"{name} (new) of the evidence"
        elif name not in after.found or not same(before.found[name], after.found[name]):
            yield f"{name} of the evidence"
    if "model" in before.found and after.found.get("model") is not after.model:
        yield "model of the evidence"
    if (before.seed, before.precision) != (after.seed, after.precision):
        yield "seed or precision of the evidence"


def same(before: Any, after: Any) -> bool:
    """Whether two values hold the same bits: tensors, and containers of anything."""
    if isinstance(before, Tensor) and isinstance(after, Tensor):
        return _same_tensor(before, after)
    if type(before) is not type(after):
        return False
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(same(before[key], after[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(same, before, after))
    if is_dataclass(before):
        return all(same(getattr(before, f.name), getattr(after, f.name)) for f in fields(before))
    return bool(before == after or before != before)


def _same_tensor(before: Tensor, after: Tensor) -> bool:
    def form(t: Tensor) -> tuple[object, ...]:
        return t.shape, t.dtype, t.device, t.layout, t.requires_grad

    if form(before) != form(after) or _hooks(after) != _hooks(before):
        return False
    if before.layout != torch.strided:
        return bool(torch.equal(before.to_dense(), after.to_dense()))
    if not _has_memory(after):
        return False
    return torch.equal(_bits(before), _bits(after))


def _has_memory(t: Tensor) -> bool:
    """Whether all its elements lie in its storage: reading one that was taken away would end the process."""
    last = t.storage_offset() + sum((size - 1) * stride for size, stride in zip(t.shape, t.stride(), strict=True))
    return t.numel() == 0 or t.untyped_storage().nbytes() >= (last + 1) * t.element_size()


def _bits(t: Tensor) -> Tensor:
    """The same memory read as whole numbers, so that NaN equals NaN."""
    plain = torch.view_as_real(t.detach()) if t.is_complex() else t.detach()
    return plain.view(_INTEGERS[plain.element_size()])


def _hooks(t: Tensor) -> int:
    return len(t._backward_hooks or ()) + len(getattr(t, "_post_accumulate_grad_hooks", None) or ())


def _in_network(before: nn.Module, after: nn.Module, running: bool) -> Iterator[str]:
    left = dict(before.named_modules(remove_duplicate=False))
    right = dict(after.named_modules(remove_duplicate=False))
    for name in dict.fromkeys([*left, *right]):
        if name not in left or name not in right or type(left[name]) is not type(right[name]):
            yield f"module {name}"
        else:
            yield from (f"{name}.{what}".lstrip(".") for what in _in_module(left[name], right[name], running))


def _in_module(before: nn.Module, after: nn.Module, running: bool) -> Iterator[str]:
    if before.training != after.training:
        yield "training"
    for stores in ("_parameters", "_buffers"):
        left, right = getattr(before, stores), getattr(after, stores)
        free = running and stores == "_buffers"
        for name in dict.fromkeys([*left, *right]):
            if name not in left or name not in right or not (free or _same_weight(left[name], right[name], running)):
                yield name
    mine, theirs = vars(before), vars(after)
    for name in dict.fromkeys([*mine, *theirs]):
        if name in ("training", "_parameters", "_buffers", "_modules"):
            continue
        old, new = mine.get(name), theirs.get(name)
        if name.endswith("_hooks"):
            if len(old or ()) != len(new or ()) or not all(map(_same_call, (old or {}).values(), (new or {}).values())):
                yield name
        elif callable(old) or callable(new):
            if not _same_call(old, new):
                yield name
        elif not running and (type(old) is not type(new) or (_plain(old) and old != new)):
            yield name


def _same_weight(before: Tensor | None, after: Tensor | None, running: bool) -> bool:
    if before is None or after is None:
        return before is after
    return same(before, after) and (running or (after.grad is None) == (before.grad is None))


def _same_call(before: Any, after: Any) -> bool:
    """A copied method is another object with the same function; any other callable is copied with its class."""
    if isinstance(before, types.MethodType) and isinstance(after, types.MethodType):
        return before.__func__ is after.__func__
    if isinstance(before, types.FunctionType | types.BuiltinFunctionType):
        return before is after
    return type(before) is type(after)


def _plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str | tuple | None)
