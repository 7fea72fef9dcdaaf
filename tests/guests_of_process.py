"""Guests that touch what the process shares, and guests that answer with anything but a number."""

import gc
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from guests_support import guest
from torch import nn
from torch.autograd import forward_ad

from diswot_errors import NotApplicable, UsageError
from proxies.evidence import Evidence

# --- the process ------------------------------------------------------------------------------------------------------


def setting(reason: str, change: Callable[[], Any], name: str) -> None:
    def function(evidence: Evidence) -> float:
        change()
        return 1.0

    function.__name__ = name
    guest("violation", reason, needs="")(function)


class Zeros(torch.overrides.TorchFunctionMode):
    """Takes over torch's functions."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


def _patch(owner: Any, name: str) -> None:
    setattr(owner, name, lambda *arguments, **options: arguments[0])


def _global_hook() -> None:
    nn.modules.module.register_module_forward_hook(lambda module, inputs, output: output * 0)


setting("the number of threads", lambda: torch.set_num_threads(torch.get_num_threads() + 1), "threads")
setting("the default dtype", lambda: torch.set_default_dtype(torch.float64), "default_dtype")
setting("the default device", lambda: torch.set_default_device("meta"), "default_device")
setting("gradients on or off", lambda: torch.set_grad_enabled(True), "grad_enabled")
setting("deterministic algorithms", lambda: torch.use_deterministic_algorithms(True), "deterministic_algorithms")
setting("cudnn.deterministic", lambda: setattr(torch.backends.cudnn, "deterministic", True), "cudnn_deterministic")
setting("cudnn.benchmark", lambda: setattr(torch.backends.cudnn, "benchmark", True), "cudnn_benchmark")
setting("cudnn.enabled", lambda: setattr(torch.backends.cudnn, "enabled", False), "cudnn_off")
setting("mkldnn.enabled", lambda: torch._C._set_mkldnn_enabled(False), "mkldnn_off")
setting("matmul precision", lambda: torch.set_float32_matmul_precision("medium"), "matmul_precision")
setting("precision of mkldnn conv", lambda: torch._C._set_fp32_precision_setter("mkldnn", "conv", "bf16"), "conv_bf16")
setting("flash attention", lambda: torch.backends.cuda.enable_flash_sdp(False), "flash_attention_off")
setting("autocast on cpu", lambda: torch.set_autocast_enabled("cpu", True), "autocast")
setting("denormal numbers", lambda: torch.set_flush_denormal(True), "denormals_flushed")
setting("anomaly detection", lambda: torch.autograd.set_detect_anomaly(True, check_nan=False), "anomaly_mode")
setting("levels of forward mode", forward_ad.enter_dual_level, "forward_mode")
setting("torch function modes", lambda: Zeros().__enter__(), "function_mode")
setting("global forward hooks", _global_hook, "global_hook")
setting("torch.nn.functional.cross_entropy", lambda: _patch(nn.functional, "cross_entropy"), "functional_patched")
setting("torch.relu", lambda: _patch(torch, "relu"), "torch_patched")
setting("Tensor.sum", lambda: _patch(torch.Tensor, "sum"), "tensor_patched")
setting("Conv2d.forward", lambda: _patch(nn.Conv2d, "forward"), "class_patched")


@guest("violation", "inference mode", needs="")
def inference_mode(evidence: Evidence) -> float:
    inference_mode.left = torch.inference_mode()  # type: ignore[attr-defined]
    inference_mode.left.__enter__()  # type: ignore[attr-defined]
    return 1.0


@guest("violation", "the number of threads", needs="")
def threads_and_then_an_error(evidence: Evidence) -> float:
    torch.set_num_threads(torch.get_num_threads() + 1)
    raise ValueError("and then this")


@guest("violation", "the number of threads", needs="")
def threads_by_its_answer(evidence: Evidence) -> Any:
    class Answer:
        def __float__(self) -> float:
            torch.set_num_threads(torch.get_num_threads() + 1)
            return 1.0

    return Answer()


@guest("ok", needs="")
def surroundings(evidence: Evidence) -> float:
    warnings.simplefilter("error")
    os.environ["A_GUEST_WAS_HERE"] = "1"
    os.chdir("/")
    sys.setrecursionlimit(321)
    sys.stdout = None  # type: ignore[assignment]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(1)
    gc.disable()
    np.seterr(all="raise")
    return 1.0


@guest("ok", needs="")
def random_streams(evidence: Evidence) -> float:
    return float(torch.rand(()) + random.random() + np.random.rand())


@guest("ok", needs="")
def seeds(evidence: Evidence) -> float:
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)
    return 1.0


# --- what comes back --------------------------------------------------------------------------------------------------


def answer(status: str, reason: str, value: Callable[[], Any], name: str) -> None:
    def function(evidence: Evidence) -> Any:
        return value()

    function.__name__ = name
    guest(status, reason, needs="")(function)


def fail(error: BaseException) -> Any:
    raise error


class MuteError(RuntimeError):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError("no")


class Stubborn:
    """No number."""

    def __float__(self) -> float:
        raise TypeError("I will not")


def _deep(n: int = 0) -> int:
    return _deep(n + 1)


answer("ok", "", lambda: 3, "an_integer")
answer("ok", "", lambda: np.float32(0.5), "a_number_of_numpy")
answer("nan", "no number", lambda: float("nan"), "nan")
answer("nan", "no number", lambda: torch.tensor(torch.nan), "nan_tensor")
answer("infinite", "-inf", lambda: -torch.inf, "infinite")
answer("failed", "'meta', which has no value", lambda: torch.zeros((), device="meta"), "meta")
answer("failed", "complex", lambda: torch.tensor(1j), "complex_tensor")
answer("failed", "complex", lambda: 1j, "complex_number")
answer("failed", "text '3.5'", lambda: "3.5", "text")
answer("failed", "shape (10,)", lambda: torch.zeros(10), "vector")
answer("failed", "shape (4000, 4000)", lambda: torch.zeros(1).expand(4000, 4000), "huge_tensor")
answer("failed", "shape (0,)", lambda: torch.zeros(0), "empty_tensor")
answer("failed", "returned nothing", lambda: None, "nothing")
answer("failed", "class dict", dict, "a_dictionary")
answer("failed", "class Stubborn", Stubborn, "refuses_float")
answer("failed", "too large", lambda: 10**400, "too_large")
answer("failed", "SystemExit: 0", lambda: fail(SystemExit(0)), "system_exit")
answer("failed", "GeneratorExit", lambda: fail(GeneratorExit()), "generator_exit")
answer("failed", "RecursionError", _deep, "recursion")
answer("failed", "ZeroDivisionError", lambda: 1 / 0, "division")
answer("failed", "UsageError: mine", lambda: fail(UsageError("mine")), "usage_error")
answer("failed", "cannot be had", lambda: fail(MuteError()), "mute_error")
answer("failed", "\N{REPLACEMENT CHARACTER}", lambda: fail(ValueError("\ud800 \x1b[31m \x00")), "lone_surrogate")
answer("failed", "...", lambda: fail(ValueError("x" * 200_000)), "long_reason")
answer("out-of-memory", "smaller batch", lambda: fail(MemoryError("no")), "out_of_memory")
answer("not-applicable", "only on Sundays", lambda: fail(NotApplicable("only on Sundays")), "not_applicable")
