"""Which passes a set of proxies needs, in which order, and what may be forgotten when."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from proxies.evidence import alive, curve, forward, linear, perturb, repeat, single, tangents
from proxies.evidence.forward import Session


@dataclass(frozen=True)
class Pass:
    """One pass: its name, the needs it fills, the needs of later passes that build on it.

    `graph` is the forward pass that backward passes share, and these: they stand and fall together.
    """

    name: str
    gives: frozenset[str]
    run: Callable[[Session], None]
    prepares: frozenset[str] = frozenset()
    graph: bool = False

    @property
    def backward(self) -> bool:
        """Whether the pass goes back through the graph of the forward pass."""
        return self.graph and self.name != "forward"


def _pass(name: str, gives: str, run: Callable[[Session], None], prepares: str = "", graph: bool = False) -> Pass:
    return Pass(name, frozenset(gives.split()), run, frozenset(prepares.split()), graph)


GRADIENTS = "weight_gradients channel_saliency response_correlation"
SEEN = "features shapes relu_kernel first_maps block_maps few_channels slice_spectra sign_patterns token_maps"
BACKWARD = f"{GRADIENTS} hessian_gradient block_jacobians input_gradient"
PASSES = (
    _pass("forward", SEEN, forward.forward, BACKWARD, graph=True),
    _pass("loss gradient", GRADIENTS, forward.loss_gradient, "hessian_gradient", graph=True),
    _pass("block jacobians", "block_jacobians", forward.block_jacobians, graph=True),
    _pass("input gradient", "input_gradient", forward.input_gradient, graph=True),
    _pass(
        "hessian", "hessian_gradient", forward.hessian_gradient, graph=True
    ),  # last: it may free the graph as it goes
    _pass("alive", "alive", alive.alive),
    _pass("linear", "linear_gradients", linear.linear_gradients),
    _pass("absolute", "absolute_gradients", linear.absolute_gradients),
    _pass("perturbation", "perturbation", perturb.perturbation),
    _pass("batch gradients", "batch_gradients", repeat.batch_gradients),
    _pass("tangent kernel", "tangent_kernel", repeat.tangent_kernel),
    _pass("regions", "regions", repeat.regions),
    _pass("gradient signs", "gradient_signs", single.gradient_signs),
    _pass("single distances", "single_distances", single.single_distances),
    _pass("conditioning", "conditioning", single.conditioning),
    _pass("logit tangents", "logit_tangents", tangents.logit_tangents),
    _pass("curve", "curve", curve.curve),
)
GRAPH_NEEDS = frozenset(need for p in PASSES if p.graph for need in p.gives)
"""What the forward pass and those that go back through its graph fill."""

LAYER_NEEDS = frozenset(
    f"shapes {GRADIENTS} hessian_gradient linear_gradients absolute_gradients batch_gradients tangent_kernel alive "
    "gradient_signs".split()
)
"""What is found layer by layer, and not where a network hides weights from `Evidence.layers`."""


@dataclass(frozen=True)
class Plan:
    """The passes to run, in order, and the needs they are run for."""

    passes: tuple[Pass, ...]
    needs: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the passes."""
        return tuple(p.name for p in self.passes)

    @property
    def backward(self) -> tuple[str, ...]:
        """The passes that go back through the graph of the forward pass."""
        return tuple(p.name for p in self.passes if p.backward)


def plan(needs: Iterable[str]) -> Plan:
    """The fewest passes that fill `needs`: one forward pass for all that look at features or go backwards."""
    needs = frozenset(needs)
    return Plan(tuple(p for p in PASSES if (p.gives | p.prepares) & needs), needs)
