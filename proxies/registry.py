"""The registry: one frozen record for each proxy. It drives `--list`, the contract tests and the table in the docs."""

import difflib
import fnmatch
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, TypeVar

from diswot_errors import DataError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from proxies.evidence import Evidence

ProxyFunction = Callable[["Evidence"], "Tensor | float"]
F = TypeVar("F", bound=ProxyFunction)
Direction = Literal["higher", "lower"]

ENTRY_POINTS = "diswot_bench.proxies"
OURS = "diswot-bench"
NEEDS = frozenset(
    {
        "model",  # the network itself, in training mode, restored afterwards
        "features",  # forward: stage maps, last map, pooled, logits
        "shapes",  # forward: multiply-adds of each layer
        "relu_kernel",  # forward: how often each pair of images agrees in a ReLU
        "first_maps",  # forward: smallest eigenvalue of each convolution's channel correlation, first image
        "block_maps",  # forward: what each block hands on
        "weight_gradients",  # backward of the loss: dL/dW of each layer
        "channel_saliency",  # backward of the loss: (activation x gradient)^2 of each channel
        "input_gradient",  # backward of the summed logits: d(sum of logits)/dx
        "hessian_gradient",  # double backward of the loss: H g
        "linear_gradients",  # the network without norms and signs, input of ones
        "perturbation",  # Gaussian weights, noise and perturbed noise
        "batch_gradients",  # dL/dW on each half of the batch
        "block_jacobians",  # random vectors drawn back through each block
        "tangent_kernel",  # gradients of the logits of single images
        "regions",  # ReLU patterns of many small inputs
    }
)
"""What a proxy may ask for. `proxies.evidence` computes each once, whatever the number of proxies that ask."""


@dataclass(frozen=True)
class ProxyInfo:
    """What is known of a proxy. `version` goes up whenever its values change, so that stored scores expire."""

    name: str
    function: ProxyFunction
    direction: Direction
    """Which end of the scale predicts the better student."""
    needs: frozenset[str]
    teacher: bool
    paper: str
    version: int
    origin: str
    """Who brought it: 'diswot-bench', the distribution behind an entry point, or the module that registered it."""

    @property
    def ours(self) -> bool:
        """Whether its function stands in this package, whatever it calls itself; all others are guests."""
        return _package(self.function) == __name__.partition(".")[0]

    @property
    def formula(self) -> str:
        """The docstring of the function: the formula, and where it differs from other code."""
        return (self.function.__doc__ or "").strip()

    @property
    def summary(self) -> str:
        """The first sentence of the formula, on one line."""
        return re.split(r"(?<=[.:])\s", " ".join(self.formula.split()), maxsplit=1)[0].rstrip(".:")


@dataclass(frozen=True)
class AggregateInfo:
    """A score that only a set of networks gives: a function of its parts' columns, one value a network each."""

    name: str
    function: Callable[..., list[float]]
    """Takes the columns of `parts` in that order, none missing; gives one value a network, higher is better."""
    parts: tuple[str, ...]
    paper: str
    origin: str

    @property
    def formula(self) -> str:
        """The docstring of the function."""
        return (self.function.__doc__ or "").strip()


_REGISTRY: dict[str, ProxyInfo] = {}
_AGGREGATES: dict[str, AggregateInfo] = {}
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_state = {"loaded": False, "origin": OURS}


def proxy(
    name: str,
    *,
    direction: Direction,
    needs: Iterable[str],
    paper: str,
    teacher: bool = False,
    version: int = 1,
    origin: str | None = None,
) -> Callable[[F], F]:
    """Register a function of the evidence under `name`; its docstring is the formula shown everywhere."""

    def register(function: F) -> F:
        add(
            ProxyInfo(name, function, direction, frozenset(needs), teacher, paper, version, origin or _origin(function))
        )
        return function

    return register


def _package(function: Callable[..., object]) -> str:
    return str(getattr(function, "__module__", "")).partition(".")[0]


def _origin(function: Callable[..., object]) -> str:
    """The package that is being loaded; of a function that someone else's own code registers, the name of that code."""
    package = _package(function)
    known = str(_state["origin"])
    return package if known == OURS and package != __name__.partition(".")[0] else known


def aggregate(
    name: str, *, parts: Iterable[str], paper: str
) -> Callable[[Callable[..., list[float]]], Callable[..., list[float]]]:
    """Register a function of several proxies' columns, for papers that combine by ranks within a set."""

    def register(function: Callable[..., list[float]]) -> Callable[..., list[float]]:
        if name in _AGGREGATES or name in _REGISTRY:
            raise UsageError(f"the name {name!r} is taken: rename the aggregate")
        _AGGREGATES[name] = AggregateInfo(name, function, tuple(parts), paper, _origin(function))
        return function

    return register


def aggregates() -> list[AggregateInfo]:
    """Every aggregate, in alphabetical order."""
    _load()
    return sorted(_AGGREGATES.values(), key=lambda info: info.name)


def add(info: ProxyInfo) -> None:
    """Put a record into the registry; refuses a taken name, an unknown need, a function without docstring."""
    if not _NAME.match(info.name):
        raise UsageError(
            f"proxy name {info.name!r}: expected lower-case letters, digits and '_', beginning with a letter"
        )
    if info.name in _REGISTRY:
        raise UsageError(
            f"proxy {info.name!r} from {info.origin} is already registered by {_REGISTRY[info.name].origin}: rename it"
        )
    unknown = info.needs - NEEDS
    if unknown:
        raise UsageError(
            f"proxy {info.name!r} needs {', '.join(sorted(unknown))}: expected some of {', '.join(sorted(NEEDS))}"
        )
    if info.direction not in ("higher", "lower"):
        raise UsageError(f"proxy {info.name!r} has direction {info.direction!r}: expected 'higher' or 'lower'")
    if not info.formula:
        raise UsageError(f"proxy {info.name!r} has no docstring: its formula belongs there")
    _REGISTRY[info.name] = info


def remove(name: str) -> None:
    """Take a proxy out again (for tests and notebooks)."""
    get(name)
    del _REGISTRY[name]


def all_proxies() -> list[ProxyInfo]:
    """Every proxy: built in, in alphabetical order, then those of other packages."""
    _load()
    return sorted(_REGISTRY.values(), key=lambda info: (info.origin != OURS, info.name))


def get(name: str) -> ProxyInfo:
    """The proxy of this name; near matches are named where there is none."""
    _load()
    if name in _AGGREGATES:
        parts = ",".join(_AGGREGATES[name].parts)
        raise UsageError(f"{name!r} ranks a set of networks and is no score of one: ask for its parts {parts}")
    if name not in _REGISTRY:
        near = difflib.get_close_matches(name, _REGISTRY, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else " --list shows all."
        raise UsageError(f"unknown proxy {name!r}.{hint}")
    return _REGISTRY[name]


def select(patterns: str | Iterable[str]) -> list[ProxyInfo]:
    """Proxies by name or glob: 'all', 'm_s,m_r', 'az_nas*', or a list of these; each once, in the order of asking."""
    if isinstance(patterns, str):
        patterns = patterns.split(",")
    patterns = list(patterns) if isinstance(patterns, Iterable) else [patterns]
    if strange := [pattern for pattern in patterns if not isinstance(pattern, str)]:
        raise UsageError(f"a proxy is named by a text, got {strange[0]!r}: give names or globs, or 'all'")
    chosen: dict[str, ProxyInfo] = {}
    for pattern in (part.strip() for part in patterns):
        if pattern == "all":
            found = all_proxies()
        elif any(sign in pattern for sign in "*?["):
            found = [info for info in all_proxies() if fnmatch.fnmatchcase(info.name, pattern)]
            if not found:
                raise UsageError(f"no proxy matches {pattern!r}: --list shows all")
        elif pattern:
            found = [get(pattern)]
        else:
            continue
        chosen.update((info.name, info) for info in found)
    if not chosen:
        raise UsageError("no proxy was named: give names or globs separated by commas, or 'all'")
    return list(chosen.values())


def _load() -> None:
    """Import every module of `zero_cost` and `distillation`, then what other packages offer."""
    if _state["loaded"]:
        return
    _state["loaded"] = True
    try:
        for folder in ("proxies.zero_cost", "proxies.distillation"):
            package = importlib.import_module(folder)
            for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
                importlib.import_module(f"{folder}.{module}")
    except BaseException:
        _state["loaded"] = False
        raise
    for point in entry_points(group=ENTRY_POINTS):
        _load_plugin(point.name, point.load, point.dist.name if point.dist else point.value)


def _load_plugin(name: str, load: Callable[[], object], origin: str) -> None:
    """An entry point names a module that registers, a `ProxyInfo`, or a function that returns some.

    What it changes in the process while it is loaded is put back.
    """
    from proxies.guests.shared import kept  # PyTorch is imported only where proxies are

    _state["origin"] = origin
    try:
        with kept():
            thing = load()
            if callable(thing) and not isinstance(thing, ProxyInfo):
                thing = thing()
        for info in [thing] if isinstance(thing, ProxyInfo) else list(thing) if isinstance(thing, list | tuple) else []:
            add(replace(info, origin=origin))
    except (UsageError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also `sys.exit(0)`, which would end the command as if all had gone well
        raise DataError(
            f"entry point {name!r} of {origin} (group {ENTRY_POINTS}) failed with {type(error).__name__}: {error}; "
            f"mend or uninstall {origin}"
        ) from error
    finally:
        _state["origin"] = OURS
