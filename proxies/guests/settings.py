"""The settings of a process that a score may depend on: how each is read, and how it is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd import forward_ad
from torch.nn.modules import module as modules
from torch.utils import deterministic


@dataclass(frozen=True)
class ProcessSetting:
    """One thing that can be read and written."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]

    def value(self) -> Any:
        """Its value now; where it cannot be read, why."""
        try:
            return self.read()
        except Exception as error:
            return f"unreadable: {type(error).__name__}"


def _attribute(owner: Any, attribute: str, name: str) -> ProcessSetting:
    return ProcessSetting(name, lambda: getattr(owner, attribute), lambda value: setattr(owner, attribute, value))


def _precision(backend: str, kind: str) -> ProcessSetting:
    def write(value: str) -> None:
        torch._C._set_fp32_precision_setter(backend, kind, value)

    def read() -> str:
        return torch._C._get_fp32_precision_getter(backend, kind)

    return ProcessSetting(f"precision of {backend} {kind}", read, write)


def _autocast(device: str) -> ProcessSetting:
    def read() -> tuple[bool, torch.dtype]:
        return torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)

    def write(value: tuple[bool, torch.dtype]) -> None:
        torch.set_autocast_enabled(device, value[0])
        torch.set_autocast_dtype(device, value[1])

    return ProcessSetting(f"autocast on {device}", read, write)


def _stack(kind: str) -> ProcessSetting:
    """Modes that take over torch's functions; those that a guest left behind are taken off."""
    length, pop = getattr(torch._C, f"_len_torch_{kind}_stack"), getattr(torch._C, f"_pop_torch_{kind}_stack")

    def write(before: int) -> None:
        while length() > before:
            pop()

    return ProcessSetting(f"torch {kind} modes", length, write)


def _global_hooks(name: str) -> ProcessSetting:
    hooks = getattr(modules, name)

    def write(before: dict[int, Any]) -> None:
        hooks.clear()
        hooks.update(before)

    return ProcessSetting(name.strip("_").replace("_", " "), lambda: dict(hooks), write)


def _saved_tensors() -> ProcessSetting:
    def read() -> Any:
        return torch._C._autograd._top_saved_tensors_default_hooks(True)

    def write(before: Any) -> None:
        while read() is not None and read() != before:
            torch._C._autograd._pop_saved_tensors_default_hooks()

    return ProcessSetting("hooks on saved tensors", read, write)


def _forward_mode() -> ProcessSetting:
    """How many levels are open; while one is, no tangent can be asked for."""

    def write(before: int) -> None:
        while forward_ad._current_level > before:
            forward_ad.exit_dual_level()

    return ProcessSetting("levels of forward mode", lambda: forward_ad._current_level, write)


def _denormals() -> bool:
    """Whether this processor keeps numbers below 1e-38: there is no other way to ask."""
    return bool(torch.full((), 1e-40, device="cpu", dtype=torch.float32).mul(1) > 0)


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _set_deterministic(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


_sdp = torch.backends.cuda
_KINDS = [("generic", "all")] + [(b, k) for b in ("cuda", "mkldnn") for k in ("all", "matmul", "conv", "rnn")]
_HOOKS = [name for name in vars(modules) if name.startswith("_global_") and isinstance(getattr(modules, name), dict)]

SETTINGS: tuple[ProcessSetting, ...] = (
    ProcessSetting("the default device", torch.get_default_device, _set_device),
    _stack("function"),
    _stack("dispatch"),
    ProcessSetting("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    ProcessSetting("the number of threads", torch.get_num_threads, torch.set_num_threads),
    ProcessSetting("gradients on or off", torch.is_grad_enabled, lambda value: torch._C._set_grad_enabled(value)),
    ProcessSetting("inference mode", torch.is_inference_mode_enabled, lambda value: None),  # put back by leaving `kept`
    _autocast("cpu"),
    _autocast("cuda"),
    ProcessSetting("the autocast cache", torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
    ProcessSetting(
        "deterministic algorithms",
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        _set_deterministic,
    ),
    _attribute(deterministic, "fill_uninitialized_memory", "fill_uninitialized_memory"),
    *(_attribute(torch.backends.cudnn, flag, f"cudnn.{flag}") for flag in ("enabled", "benchmark", "deterministic")),
    ProcessSetting("matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    *(_precision(*kind) for kind in _KINDS),
    *(
        _attribute(torch.backends.cuda.matmul, flag, f"matmul.{flag}")
        for flag in ("allow_fp16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction")
    ),
    ProcessSetting("mkldnn.enabled", torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled),
    ProcessSetting("mkldnn.deterministic", torch._C._get_mkldnn_deterministic, torch._C._set_mkldnn_deterministic),
    ProcessSetting("nnpack.enabled", torch._C._get_nnpack_enabled, torch._C._set_nnpack_enabled),
    _attribute(torch.backends.opt_einsum, "enabled", "opt_einsum.enabled"),
    _attribute(torch.backends.opt_einsum, "strategy", "opt_einsum.strategy"),
    ProcessSetting("flash attention", _sdp.flash_sdp_enabled, _sdp.enable_flash_sdp),
    ProcessSetting("memory-efficient attention", _sdp.mem_efficient_sdp_enabled, _sdp.enable_mem_efficient_sdp),
    ProcessSetting("attention by formula", _sdp.math_sdp_enabled, _sdp.enable_math_sdp),
    ProcessSetting("cudnn attention", _sdp.cudnn_sdp_enabled, _sdp.enable_cudnn_sdp),
    ProcessSetting("anomaly detection", torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    _saved_tensors(),
    _forward_mode(),
    *map(_global_hooks, _HOOKS),
    _attribute(modules, "_global_is_full_backward_hook", "global backward hooks"),
    ProcessSetting("denormal numbers", _denormals, lambda value: torch.set_flush_denormal(not value)),
)
