"""The registry: one frozen record for each proxy. It drives `--list`, the contract tests and the table in the docs."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from diswot_errors import UsageError
from diswot_registry import GUARDS, HOME, Registry
from proxies.authors import AuthorsSetting

if TYPE_CHECKING:
    from torch import Tensor

    from proxies.evidence import Evidence

ProxyFunction = Callable[["Evidence"], "Tensor | float"]
F = TypeVar("F", bound=ProxyFunction)
A = TypeVar("A", bound=Callable[..., list[float]])
Direction = Literal["higher", "lower"]

ALL = "all"
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
NEEDS = frozenset(
    {
        "model",  # the network itself, in training mode, restored afterwards
        "features",  # forward: stage maps, last map, pooled, logits
        "shapes",  # forward: multiply-adds of each layer
        "relu_kernel",  # forward: how often each pair of images agrees in a ReLU
        "first_maps",  # forward: smallest eigenvalue of each convolution's channel correlation, first image
        "block_maps",  # forward: what each block hands on
        "few_channels",  # forward: the same of 8 channels
        "slice_spectra",  # forward: singular values of a square slice of each module's output
        "sign_patterns",  # forward: number of different ReLU patterns over the first 16 images
        "token_maps",  # forward: tokens of each block as a map
        "weight_gradients",  # backward of the loss: dL/dW of each layer
        "channel_saliency",  # backward of the loss: (activation x gradient)^2 of each channel
        "response_correlation",  # backward of the loss: correlation of images in each ReLU and its gradient
        "input_gradient",  # backward of the summed logits: d(sum of logits)/dx
        "hessian_gradient",  # double backward of the loss: H g
        "linear_gradients",  # the network without norms and signs, input of ones
        "absolute_gradients",  # the network with absolute weights in evaluation mode, input of ones
        "perturbation",  # Gaussian weights, noise and perturbed noise
        "batch_gradients",  # dL/dW on each half of the batch
        "block_jacobians",  # random vectors drawn back through each block
        "tangent_kernel",  # gradients of the logits of single images
        "alive",  # two images: which layers stand between the images and the logits
        "regions",  # ReLU patterns of many small inputs
        "gradient_signs",  # a forward and backward pass an image
        "single_distances",  # forward of three images, one at a time
        "conditioning",  # forward of one image: every module's output
        "logit_tangents",  # 128 forward passes with tangents, 16 images of noise
        "curve",  # forward of one image with two tangents
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
    equal_on_equals: bool = False
    """Whether it scores a network and the same one with dead branches alike, to the bit (tests/test_equals.py)."""
    origin: str = ""
    """Who brought it: 'diswot-bench', the distribution behind an entry point, a plugin file."""
    authors: AuthorsSetting | None = None
    """The setting of the authors, where it is known; elsewhere `--setting authors` takes the common one."""

    @property
    def ours(self) -> bool:
        """Whether the project brought it; all others are guests."""
        return self.origin == HOME

    @property
    def formula(self) -> str:
        """The docstring of the function: the formula, and where it differs from other code."""
        return (self.function.__doc__ or "").strip()

    @property
    def summary(self) -> str:
        """The first sentence of the formula, on one line."""
        return _first_sentence(self.formula)


@dataclass(frozen=True)
class AggregateInfo:
    """A score that only a set of networks gives: a function of its parts' columns, one value a network each."""

    name: str
    function: Callable[..., list[float]]
    """Takes the columns of `parts` in that order; gives one value a network, higher is better, NaN for none.

    Where the formula of a part gives no number on a network, the part is minus infinity there, infinity if less of it
    is better: the worst rank, as those who combine by ranks have it. Networks that lack a part are left out before.
    """
    parts: tuple[str, ...]
    paper: str
    origin: str = ""

    @property
    def ours(self) -> bool:
        """Whether the project brought it."""
        return self.origin == HOME

    @property
    def formula(self) -> str:
        """The docstring of the function."""
        return (self.function.__doc__ or "").strip()

    @property
    def summary(self) -> str:
        """The first sentence of the formula, on one line."""
        return _first_sentence(self.formula)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:])\s", " ".join(text.split()), maxsplit=1)[0].rstrip(".:")


def _admit(info: ProxyInfo) -> None:
    """Refuse a name that globs and columns cannot hold, an unknown need, a function without docstring."""
    if not _NAME.match(info.name):
        raise UsageError(
            f"proxy name {info.name!r}: expected lower-case letters, digits and '_', beginning with a letter"
        )
    if info.name == ALL or AGGREGATES.known(info.name):
        raise UsageError(f"the name {info.name!r} stands for several proxies: rename this one")
    unknown = info.needs - NEEDS
    if unknown:
        raise UsageError(
            f"proxy {info.name!r} needs {', '.join(sorted(unknown))}: expected some of {', '.join(sorted(NEEDS))}"
        )
    if info.direction not in ("higher", "lower"):
        raise UsageError(f"proxy {info.name!r} has direction {info.direction!r}: expected 'higher' or 'lower'")
    if not info.formula:
        raise UsageError(f"proxy {info.name!r} has no docstring: its formula belongs there")
    if not isinstance(info.authors, AuthorsSetting | None):
        raise UsageError(f"proxy {info.name!r} has authors={info.authors!r:.60}: expected an AuthorsSetting or None")


def _admit_aggregate(info: AggregateInfo) -> None:
    if PROXIES.known(info.name):
        raise UsageError(f"the name {info.name!r} is taken by a proxy: rename the aggregate")
    if not info.formula:
        raise UsageError(f"aggregate {info.name!r} has no docstring: its formula belongs there")
    if not (isinstance(info.parts, tuple) and info.parts and all(isinstance(part, str) for part in info.parts)):
        raise UsageError(f"aggregate {info.name!r} has the parts {info.parts!r:.60}: expected names of proxies")


PROXIES = Registry[ProxyInfo](
    "proxy",
    ProxyInfo,
    "diswot_bench.proxies",
    ("proxies.zero_cost", "proxies.distillation"),
    admit=_admit,
    listing="`python -m proxies` lists them.",
)
AGGREGATES = Registry[AggregateInfo](
    "aggregate", AggregateInfo, "diswot_bench.aggregates", admit=_admit_aggregate, beside=PROXIES
)


def proxy(
    name: str,
    *,
    direction: Direction,
    needs: Iterable[str],
    paper: str,
    teacher: bool = False,
    version: int = 1,
    equal_on_equals: bool = False,
    authors: AuthorsSetting | None = None,
) -> Callable[[F], F]:
    """Register a function of the evidence under `name`; its docstring is the formula shown everywhere."""

    if isinstance(needs, str):
        raise UsageError(f"proxy {name!r} has needs {needs!r}: expected a list, [{needs!r}]")

    def register(function: F) -> F:
        needed, by_form = frozenset(needs), equal_on_equals
        info = ProxyInfo(name, function, direction, needed, teacher, paper, version, by_form, authors=authors)
        PROXIES.add(info)
        return function

    return register


def aggregate(name: str, *, parts: Iterable[str], paper: str) -> Callable[[A], A]:
    """Register a function of several proxies' columns, for papers that combine by ranks within a set."""

    def register(function: A) -> A:
        AGGREGATES.add(AggregateInfo(name, function, tuple(parts), paper))
        return function

    return register


def aggregates() -> list[AggregateInfo]:
    """Every aggregate, in alphabetical order."""
    return sorted(AGGREGATES.values(), key=lambda info: info.name)


def remove(name: str) -> None:
    """Take a proxy out again (for tests and notebooks)."""
    PROXIES.remove(name)


def all_proxies() -> list[ProxyInfo]:
    """Every proxy: built in, in alphabetical order, then those of others."""
    return sorted(PROXIES.values(), key=lambda info: (info.origin != HOME, info.name))


def get(name: str) -> ProxyInfo:
    """The proxy of this name; near matches are named where there is none."""
    if name in AGGREGATES:
        parts = ",".join(AGGREGATES[name].parts)
        raise UsageError(f"{name!r} ranks a set of networks and is no score of one: ask for its parts {parts}")
    return PROXIES.find(name)


def select(patterns: str | Iterable[str]) -> list[ProxyInfo]:
    """Proxies by name or glob: 'all', 'm_s,m_r', 'az_nas_*', or a list of these; each once, in the order of asking.

    An aggregate, as 'te_nas', stands for its parts.
    """
    if isinstance(patterns, str):
        patterns = patterns.split(",")
    patterns = list(patterns) if isinstance(patterns, Iterable) else [patterns]
    if strange := [pattern for pattern in patterns if not isinstance(pattern, str)]:
        raise UsageError(f"a proxy is named by a text, got {strange[0]!r}: give names or globs, or 'all'")
    chosen: dict[str, ProxyInfo] = {}
    for pattern in (part.strip() for part in patterns):
        if pattern == ALL:
            found = all_proxies()
        elif any(sign in pattern for sign in "*?["):
            found = [info for info in all_proxies() if fnmatch.fnmatchcase(info.name, pattern)]
            if not found:
                raise UsageError(f"no proxy matches {pattern!r}: `python -m proxies` lists them")
        elif pattern:
            found = [get(name) for name in (AGGREGATES[pattern].parts if pattern in AGGREGATES else [pattern])]
        else:
            continue
        chosen.update((info.name, info) for info in found)
    if not chosen:
        raise UsageError("no proxy was named: give names or globs separated by commas, or 'all'")
    return list(chosen.values())


def _undisturbed() -> AbstractContextManager[object]:
    """What other people's code changes in the process while it is loaded is put back."""
    from proxies.guests.shared import kept  # PyTorch is imported only where others bring proxies

    return kept()


GUARDS.append(_undisturbed)
