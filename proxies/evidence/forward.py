"""The shared forward pass, and the backward passes through its graph."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from diswot_errors import NotApplicable
from proxies.evidence import observers, responses
from proxies.evidence.attention import attention_by_formula
from proxies.evidence.blocks import BlockJacobians, BlockMaps
from proxies.evidence.borrow import seed_global
from proxies.evidence.capture import forward_features, widened
from proxies.evidence.norm import exact_batch_norm
from proxies.evidence.record import Evidence, autocast
from proxies.evidence.second_order import twice_differentiable
from proxies.evidence.tokens import TokenMaps

OBSERVERS: dict[str, Callable[[Evidence], observers.Observer]] = {
    "shapes": observers.Shapes,
    "relu_kernel": observers.ReLUKernel,
    "channel_saliency": observers.ChannelSaliency,
    "first_maps": observers.FirstMaps,
    "block_maps": BlockMaps,
    "block_jacobians": BlockJacobians,
    "few_channels": responses.FewChannels,
    "slice_spectra": responses.Slices,
    "sign_patterns": responses.Signs,
    "response_correlation": responses.Responses,
    "token_maps": TokenMaps,
}
"""Who looks on during the forward pass, by the need it fills."""


@dataclass
class Graph:
    """What is kept of the forward pass as long as a backward pass is to come."""

    x: Tensor
    logits: Tensor
    loss: Tensor


@dataclass
class Session:
    """The passes through one network: the evidence they fill, what is needed, the graph they share."""

    evidence: Evidence
    needs: frozenset[str]
    backward: tuple[str, ...]
    """The passes that go back through the shared graph, in order."""
    watchers: list[observers.Observer] = field(default_factory=list)
    graph: Graph | None = None
    first_gradients: tuple[Tensor | None, ...] = ()
    """dL/dW with a graph of its own, between the loss gradient and the Hessian."""

    def seed(self, name: str) -> None:
        """Seed what dropout draws from."""
        seed_global(self.evidence.seed, name, self.evidence.x.device)

    def keeps_graph(self, name: str) -> bool:
        """Whether a pass after `name` goes back through the graph."""
        return name != self.backward[-1]

    def each(self, step: Callable[[observers.Observer], None]) -> None:
        """For every watcher that has not failed; one that does fails for itself."""
        for watcher in self.watchers:
            watcher.at_its_own_risk(step, watcher)

    def fault(self, need: str) -> Exception:
        """Why a pass that ran did not fill a need."""
        return next((w.fault for w in self.watchers if w.need == need and w.fault), None) or observers.absent(need)

    def the_graph(self) -> Graph:
        """The graph of the forward pass."""
        if self.graph is None:
            raise RuntimeError("the forward pass left no graph")
        return self.graph


def forward(session: Session) -> None:
    """One forward pass of the whole batch; with graph only if a backward pass is to come.

    Attention takes the kernel that can be differentiated twice, always: the answer must not depend on who else asks.
    """
    evidence, needs = session.evidence, session.needs
    x = evidence.x.detach()
    x.requires_grad_(not needs.isdisjoint(("input_gradient", "block_jacobians")))  # a block may begin at the image
    session.seed("forward")
    session.watchers = [kind(evidence) for need, kind in OBSERVERS.items() if need in needs]
    grad = torch.enable_grad() if session.backward else torch.no_grad()
    second = "hessian_gradient" in needs and evidence.precision == "fp32"
    twice = twice_differentiable(evidence.model) if second else nullcontext()
    try:
        looked_at = observers.attached(evidence, session.watchers)
        with (
            twice,
            exact_batch_norm(evidence.model),
            looked_at,
            grad,
            attention_by_formula,
            autocast(x.device, evidence.precision),
        ):
            features = forward_features(evidence.model, x)
        session.each(lambda watcher: watcher.finish(evidence))
    except BaseException:
        release(session)
        raise
    evidence.check_classes(features.logits)
    if "features" in needs:
        evidence.found["features"] = features.detached()
    if session.backward:
        logits = widened(features.logits)
        session.graph = Graph(x, logits, functional.cross_entropy(logits, evidence.labels))


def loss_gradient(session: Session) -> None:
    """dL/dW of every layer; the watchers of activations look at their gradients on the way."""
    graph, evidence = session.the_graph(), session.evidence
    weights = evidence.parameters
    twice = "hessian_gradient" in session.needs
    keep = twice or session.keeps_graph("loss gradient")
    gradients = gradients_of(graph.loss, weights, retain_graph=keep, create_graph=twice)
    evidence.found["weight_gradients"] = filled(gradients, weights)
    session.each(lambda watcher: watcher.finish_backward(evidence))
    if twice:
        session.first_gradients = gradients


def input_gradient(session: Session) -> None:
    """The gradient of the sum of all logits with respect to the images."""
    graph = session.the_graph()
    keep = session.keeps_graph("input gradient")
    gradient = gradients_of(graph.logits.sum(), [graph.x], retain_graph=keep)
    (session.evidence.found["input_gradient"],) = filled(gradient, [graph.x])


def block_jacobians(session: Session) -> None:
    """A random vector of signs at the output of each block, carried back to its input."""
    session.the_graph()
    session.each(lambda watcher: watcher.draw_back(session.evidence))


def hessian_gradient(session: Session) -> None:
    """H g over all layers: the gradient of <g, dL/dW>, back through the graph of the gradient itself."""
    evidence, weights = session.evidence, session.evidence.parameters
    first, session.first_gradients = session.first_gradients, ()
    product = sum((g.detach() * g).sum() for g in first if g is not None and g.requires_grad)
    if not isinstance(product, Tensor):
        raise NotApplicable("the loss has no second derivative with respect to the weights")
    keep = session.keeps_graph("hessian")
    second = gradients_of(product, weights, retain_graph=keep)
    evidence.found["hessian_gradient"] = filled(second, weights)


def gradients_of(
    value: Tensor, inputs: list[Tensor], retain_graph: bool = False, create_graph: bool = False
) -> tuple[Tensor | None, ...]:
    """d value / d inputs; None where there is no path, also if there is none at all."""
    if not value.requires_grad:
        return (None,) * len(inputs)
    return torch.autograd.grad(value, inputs, None, retain_graph, create_graph, allow_unused=True)


def filled(gradients: tuple[Tensor | None, ...], weights: list[Tensor]) -> tuple[Tensor, ...]:
    """Zeros where autograd found no path."""
    return tuple(torch.zeros_like(w) if g is None else g.detach() for g, w in zip(gradients, weights, strict=True))


def release(session: Session) -> None:
    """Forget graph and watchers."""
    session.graph, session.first_gradients = None, ()
    for watcher in session.watchers:
        watcher.release()
    session.watchers = []
