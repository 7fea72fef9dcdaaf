"""Which passes a set of proxies needs, in which order, and what may be forgotten when."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from proxies.evidence import forward, linear, perturb, repeat
from proxies.evidence.forward import Session


@dataclass(frozen=True)
class Pass:
    """One pass: its name, the needs it fills, whether it goes back through the graph of the shared forward pass."""

    name: str
    gives: frozenset[str]
    run: Callable[[Session], None]
    backward: bool = False


def _pass(name: str, gives: str, run: Callable[[Session], None], backward: bool = False) -> Pass:
    return Pass(name, frozenset(gives.split()), run, backward)


PASSES = (
    _pass("forward", "features shapes relu_kernel first_maps block_maps", forward.forward),
    _pass("loss gradient", "weight_gradients channel_saliency", forward.loss_gradient, backward=True),
    _pass("block jacobians", "block_jacobians", forward.block_jacobians, backward=True),
    _pass("input gradient", "input_gradient", forward.input_gradient, backward=True),
    _pass("hessian", "hessian_gradient", forward.hessian_gradient, backward=True),
    _pass("linear", "linear_gradients", linear.linear_gradients),
    _pass("perturbation", "perturbation", perturb.perturbation),
    _pass("batch gradients", "batch_gradients", repeat.batch_gradients),
    _pass("tangent kernel", "tangent_kernel", repeat.tangent_kernel),
    _pass("regions", "regions", repeat.regions),
)


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
    wanted = [p for p in PASSES if p.gives & needs]
    if any(p.backward for p in wanted) and PASSES[0] not in wanted:
        wanted.insert(0, PASSES[0])
    return Plan(tuple(wanted), needs)


def graph_passes() -> tuple[Pass, ...]:
    """The forward pass and those that go back through its graph: they stand and fall together."""
    return tuple(p for p in PASSES if p.name == "forward" or p.backward)


GRAPH_NEEDS = frozenset(need for p in graph_passes() for need in p.gives)
