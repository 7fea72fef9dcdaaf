"""A zoo of guests: for each what it does, and what its status and reason must be."""

import contextlib
import gc
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable, UsageError
from diswot_registry import origin
from proxies import registry
from proxies.evidence import Evidence
from proxies.registry import ProxyInfo


@dataclass(frozen=True)
class Guest:
    """One animal: `status` and a part of the reason that it must get."""

    name: str
    function: Callable[[Evidence], Any]
    needs: frozenset[str]
    status: str
    reason: str
    teacher: bool


ZOO: dict[str, Guest] = {}


def guest(status: str, reason: str = "", needs: str = "model features", teacher: bool = False) -> Callable[..., Any]:
    def add(function: Callable[[Evidence], Any]) -> Callable[[Evidence], Any]:
        function.__doc__ = "A guest of the zoo."
        ZOO[function.__name__] = Guest(function.__name__, function, frozenset(needs.split()), status, reason, teacher)
        return function

    return add


@contextlib.contextmanager
def invited(*names: str) -> Iterator[None]:
    """These guests are in the registry within the block."""
    registry.all_proxies()
    try:
        for name in names:
            g = ZOO[name]
            with origin("a-zoo"):
                registry.PROXIES.add(ProxyInfo(name, g.function, "higher", g.needs, g.teacher, "none", 1))
        yield
    finally:
        for name in names:
            if registry.PROXIES.known(name):
                registry.remove(name)


def layer(evidence: Evidence) -> Any:
    return evidence.layers[0].module


# --- the network ------------------------------------------------------------------------------------------------------


@guest("violation", "stem.0.weight of the network")
def weights_in_place(evidence: Evidence) -> float:
    with torch.no_grad():
        layer(evidence).weight.mul_(3)
    return 1.0


@guest("violation", "stem.0.weight of the network", needs="features")
def weights_by_data(evidence: Evidence) -> float:
    layer(evidence).weight.data.zero_()  # no version counter sees this
    return 1.0


@guest("violation", "stem.0.weight of the network")
def weights_by_numpy(evidence: Evidence) -> float:
    layer(evidence).weight.detach().numpy()[:] = 0
    return 1.0


@guest("violation", "stem.0.weight of the network")
def weights_trained(evidence: Evidence) -> Tensor:
    optimiser = torch.optim.SGD(evidence.model.parameters(), 0.1)
    loss = evidence.model(evidence.x).sum()
    loss.backward()
    optimiser.step()
    return loss


@guest("violation", "stem.0.weight of the network")
def parameter_replaced(evidence: Evidence) -> float:
    layer(evidence).weight = nn.Parameter(torch.zeros_like(layer(evidence).weight))
    return 1.0


@guest("violation", "stem.0.weight of the network")
def parameter_deleted(evidence: Evidence) -> float:
    del layer(evidence).weight
    return 1.0


@guest("violation", "of the network")
def network_in_float64(evidence: Evidence) -> float:
    evidence.model.double()
    return 1.0


@guest("violation", "stem.0.weight of the network")
def parameters_frozen(evidence: Evidence) -> float:
    evidence.model.requires_grad_(False)
    return 1.0


@guest("violation", "stem.0.weight of the network")
def hook_on_a_weight(evidence: Evidence) -> float:
    layer(evidence).weight.register_hook(lambda gradient: gradient * 0)
    return 1.0


@guest("violation", "stem.1.running_mean of the network", needs="features")
def buffers_without_asking_for_the_model(evidence: Evidence) -> float:
    evidence.model.stem[1].running_mean.fill_(7)  # type: ignore[index,union-attr,operator]
    return 1.0


@guest("violation", "stem.1.running_mean of the network")
def buffer_deleted(evidence: Evidence) -> float:
    del evidence.model.stem[1].running_mean  # type: ignore[index,union-attr]
    return 1.0


@guest("violation", "stem.0.weight of the network", needs="features")
def gradients_without_asking_for_the_model(evidence: Evidence) -> float:
    layer(evidence).weight.grad = torch.ones_like(layer(evidence).weight)
    return 1.0


@guest("violation", "training of the network")
def left_in_eval(evidence: Evidence) -> float:
    evidence.model.eval()
    return 1.0


@guest("violation", "_forward_hooks of the network")
def forward_hook(evidence: Evidence) -> float:
    evidence.model.register_forward_hook(lambda module, inputs, output: output * 0)
    return 1.0


@guest("violation", "_forward_pre_hooks of the network")
def forward_pre_hook(evidence: Evidence) -> float:
    layer(evidence).register_forward_pre_hook(lambda module, inputs: (inputs[0] * 0,))
    return 1.0


@guest("violation", "_backward_hooks of the network")
def backward_hook(evidence: Evidence) -> float:
    layer(evidence).register_full_backward_hook(lambda module, before, after: None)
    return 1.0


@guest("violation", "module classifier of the network")
def module_deleted(evidence: Evidence) -> float:
    del evidence.model.classifier
    return 1.0


@guest("violation", "module stem.2 of the network")
def module_added(evidence: Evidence) -> float:
    evidence.model.stem.append(nn.ReLU())  # type: ignore[union-attr,operator]
    return 1.0


@guest("violation", "module stem.1 of the network")
def module_replaced(evidence: Evidence) -> float:
    evidence.model.stem[1] = nn.Identity()  # type: ignore[index,operator]
    return 1.0


@guest("violation", "forward of the network")
def forward_replaced(evidence: Evidence) -> float:
    evidence.model.forward = lambda x: x.new_zeros(len(x), 10)  # type: ignore[method-assign]
    return 1.0


@guest("violation", "stem.0.stride of the network", needs="features")
def stride_changed(evidence: Evidence) -> float:
    layer(evidence).stride = (2, 2)
    return 1.0


# --- batch and evidence -----------------------------------------------------------------------------------------------


@guest("violation", "changed the batch", needs="")
def batch_in_place(evidence: Evidence) -> float:
    evidence.x.zero_()
    return 1.0


@guest("violation", "changed the batch", needs="")
def batch_resized(evidence: Evidence) -> float:
    evidence.x.resize_(1, 1)
    return 1.0


@guest("violation", "changed the labels", needs="")
def labels_zeroed(evidence: Evidence) -> float:
    evidence.labels.zero_()
    return 1.0


@guest("violation", "features of the evidence", needs="features")
def features_in_place(evidence: Evidence) -> float:
    evidence.features.logits.fill_(torch.nan)
    return 1.0


@guest("violation", "weight_gradients of the evidence", needs="weight_gradients")
def gradients_in_place(evidence: Evidence) -> float:
    for gradient in evidence.weight_gradients:
        gradient.abs_()
    return 1.0


@guest("violation", "shapes of the evidence", needs="shapes features")
def evidence_deleted(evidence: Evidence) -> float:
    evidence.found.clear()
    return 1.0


@guest("violation", "shapes (new) of the evidence", needs="")
def evidence_added(evidence: Evidence) -> float:
    evidence.found["shapes"] = {"stem.0": 1}
    return 1.0


@guest("violation", "the teacher's evidence", teacher=True, needs="features")
def teacher_in_place(evidence: Evidence) -> float:
    evidence.teacher.features.pooled.zero_()  # type: ignore[union-attr]
    return 1.0


@guest("violation", "seed or precision", needs="")
def seed_changed(evidence: Evidence) -> float:
    evidence.seed = 99
    return 1.0


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


@guest("ok")
def gradients_of_a_model_asked_for(evidence: Evidence) -> Tensor:
    loss = nn.functional.cross_entropy(evidence.model(evidence.x), evidence.labels)
    loss.backward()
    return loss


@guest("failed", "LookupError", needs="features")
def reads_what_it_did_not_ask_for(evidence: Evidence) -> Tensor:
    return evidence.relu_kernel.sum()


@guest("ok", needs="features weight_gradients input_gradient", teacher=True)
def a_good_guest(evidence: Evidence) -> Tensor:
    return (evidence.features.logits - evidence.teacher.features.logits).norm() + evidence.weight_gradients[0].norm()
