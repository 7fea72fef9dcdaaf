"""Hooks that look on during the shared forward pass, one class for each thing to see. They change nothing."""

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from diswot_errors import NotApplicable
from proxies.evidence.capture import CONVOLUTION, widened
from proxies.evidence.memory import out_of_memory
from proxies.evidence.products import PRODUCTS, Products
from proxies.evidence.record import Evidence
from proxies.evidence.spectrum import correlation, eigenvalues


class Observer:
    """Sees the modules it asks for during the forward pass, and may look at gradients afterwards."""

    need = ""
    fault: Exception | None = None
    """Why it stopped looking on."""

    def at_its_own_risk(self, look: Callable[..., None], *seen: Any) -> None:
        """What goes wrong when it looks is its fault alone: the pass goes on. Lack of memory is that of all."""
        if self.fault is None:
            try:
                look(*seen)
            except Exception as error:
                if out_of_memory(error):
                    raise
                self.fault = error

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        """The modules whose outputs to see."""
        return ()

    def around(self) -> AbstractContextManager[None]:
        """What the forward pass runs within."""
        return nullcontext()

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Called before each forward of a chosen module, which may overwrite what it is given."""

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Called after each forward of a chosen module."""

    def finish(self, evidence: Evidence) -> None:
        """Called after the forward pass."""

    def finish_backward(self, evidence: Evidence) -> None:
        """Called after the backward pass of the loss."""

    def draw_back(self, evidence: Evidence) -> None:
        """Called while the graph of the forward pass stands."""

    def release(self) -> None:
        """Called when the graph goes."""


class GradientObserver(Observer):
    """Hangs hooks of its own on what it sees, for the gradients there."""

    def __init__(self) -> None:
        self.handles: list[RemovableHandle] = []

    def release(self) -> None:
        for handle in self.handles:
            handle.remove()
        self.handles = []


class Shapes(Observer):
    """Multiply-adds for one image: outputs x inputs that each one sums over; products of activations as `PRODUCTS`."""

    need = "shapes"

    def __init__(self, evidence: Evidence) -> None:
        self.names = {layer.module: layer.name for layer in evidence.layers}
        self.fan_in = {layer.module: layer.weight[0].numel() for layer in evidence.layers}
        self.macs: dict[str, int] = {}
        self.images = len(evidence.x)

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return self.names

    @contextmanager
    def around(self) -> Iterator[None]:
        with Products() as products:
            yield
        if products.total:
            self.macs[PRODUCTS] = products.total // self.images

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        name = self.names[module]
        fan_in = self.fan_in[module]
        self.macs[name] = self.macs.get(name, 0) + output.numel() // self.images * fan_in

    def finish(self, evidence: Evidence) -> None:
        evidence.found[self.need] = self.macs


RELUS = (nn.ReLU, nn.ReLU6)
CUT = "no ReLU module sees whole images: they come in parts, as windows or frames"


class ReLUKernel(Observer):
    """K_ij = number of ReLU units in which images i and j agree, on or off.

    With on-off patterns x (B, D): x x^T + (1-x)(1-x)^T = 2 x x^T + D - s_i - s_j, s the diagonal of x x^T: one product.
    Exact in fp32 up to 2^24 units a module. Edges that leave the same node apply a ReLU to the same map: it is counted
    as often as it occurs and multiplied once. A ReLU that sees images cut up, windows or frames, does not count.
    """

    need = "relu_kernel"

    def __init__(self, evidence: Evidence) -> None:
        self.images = len(evidence.x)
        self.cut = False
        self.total: Tensor | None = None
        self.seen: dict[tuple[int, int], tuple[weakref.ref[Tensor], Tensor]] = {}

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return (m for m in model.modules() if isinstance(m, RELUS))

    @torch.no_grad()
    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        if len(output) != self.images:
            self.cut = True
            return
        source = inputs[0]
        place = id(source), source._version  # a map that was added to since is another one
        known = self.seen.get(place)
        if known is None or known[0]() is not source or source is output:
            known = self.seen[place] = weakref.ref(source), agreement(output)
        self.total = known[1] if self.total is None else self.total + known[1]

    def finish(self, evidence: Evidence) -> None:
        if self.total is not None:
            evidence.found[self.need] = self.total
        elif self.cut:
            raise NotApplicable(CUT)

    def release(self) -> None:
        self.seen.clear()


def agreement(activations: Tensor) -> Tensor:
    """(B, ...) outputs of a ReLU -> (B, B) float64, in how many units two rows are both on or both off."""
    if activations.dim() == 4:
        activations = activations.permute(0, 2, 3, 1)  # as they lie in memory: no copy in channels_last
    on = activations.detach().flatten(1).ceil().clamp_(max=1).float()  # as the sign of what is not negative, and NaN
    both = (on @ on.T).double()
    count = both.diagonal()
    return 2 * both + (on.shape[1] - count[:, None] - count[None, :])


class ChannelSaliency(GradientObserver):
    """For each layer's output a and its gradient g: (C,) mean over images of (sum over positions of a g)^2 / 2."""

    need = "channel_saliency"

    def __init__(self, evidence: Evidence) -> None:
        super().__init__()
        self.images = len(evidence.x)
        self.layers = {layer.module: layer.weight[0].numel() for layer in evidence.layers}
        self.saliency: list[tuple[Tensor, int]] = []

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return self.layers

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        if not output.requires_grad:
            return
        if len(output) != self.images:
            raise NotApplicable(
                f"a layer sees {self.images} images in {len(output)} parts: whose is whose is not known"
            )
        fan_in, activation, linear = self.layers[module], output.detach(), isinstance(module, nn.Linear)
        version = activation._version

        @torch.no_grad()
        def look(gradient: Tensor) -> None:
            if activation._version != version:
                raise NotApplicable("what a layer hands on is overwritten in place, `x += y`: write `x = x + y`")
            product = widened(activation * gradient)
            positions = tuple(range(1, product.dim() - 1)) if linear else tuple(range(2, product.dim()))
            total = product.sum(positions) if positions else product
            self.saliency.append((total.pow(2).mean(0) / 2, fan_in))

        self.handles.append(output.register_hook(partial(self.at_its_own_risk, look)))

    def finish_backward(self, evidence: Evidence) -> None:
        evidence.found[self.need] = self.saliency
        self.release()


class FirstMaps(Observer):
    """The smallest eigenvalue of the channel correlation of each convolution's output on the first image."""

    need = "first_maps"

    def __init__(self, evidence: Evidence) -> None:
        self.maps: list[Tensor] = []

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return (m for m in model.modules() if isinstance(m, CONVOLUTION))

    @torch.no_grad()
    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        self.maps.append(correlation(widened(output[0].detach().flatten(1))))

    def finish(self, evidence: Evidence) -> None:
        by_size: dict[int, list[Tensor]] = {}
        for matrix in self.maps:
            by_size.setdefault(len(matrix), []).append(matrix)
        smallest = [eigenvalues(torch.stack(group))[:, 0] for group in by_size.values()]
        self.maps = []
        if smallest:
            evidence.found[self.need] = torch.cat(smallest)


NO_BLOCKS = "the network has no blocks: modules with parts, in a Sequential or ModuleList, from map to map"
ABSENT = {
    "block_maps": NO_BLOCKS,
    "block_jacobians": NO_BLOCKS,
    "relu_kernel": "the network has no ReLU module",
    "first_maps": "the network has no convolution",
    "few_channels": "the network has no convolution of 8 channels or more",
    "slice_spectra": "the network has no module with a weight and no activation module",
    "sign_patterns": "the network has no ReLU module between maps (B, C, H, W)",
    "response_correlation": "the network has no ReLU module",
    "token_maps": "the network has no block that hands on tokens (B, T, C) of a square grid",
}


@contextmanager
def attached(evidence: Evidence, watchers: list[Observer]) -> Iterator[None]:
    """The watchers look on within the block; what they compute is not cast to a lower precision, and not counted."""

    def plainly(watcher: Observer, look: Callable[..., None]) -> Callable[..., None]:
        def hook(*seen: Any) -> None:
            cast = evidence.precision != "fp32"
            with (
                torch._C.DisableTorchFunction(),
                torch.autocast(evidence.x.device.type, enabled=False) if cast else nullcontext(),
            ):
                watcher.at_its_own_risk(look, *seen)

        return hook

    handles = []
    for watcher in watchers:
        for module in watcher.modules(evidence.model):
            handles.append(module.register_forward_hook(plainly(watcher, watcher.see)))
            if type(watcher).enter is not Observer.enter:
                handles.append(module.register_forward_pre_hook(plainly(watcher, watcher.enter)))
    try:
        with ExitStack() as stack:
            for watcher in watchers:
                stack.enter_context(watcher.around())
            yield
    finally:
        for handle in handles:
            handle.remove()


def absent(need: str) -> NotApplicable:
    """Why a pass that ran did not fill a need."""
    return NotApplicable(ABSENT.get(need, f"the network gives no {need.replace('_', ' ')}"))
