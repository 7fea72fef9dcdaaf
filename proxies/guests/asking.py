"""Asking one guest for one score."""

import copy
import random
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from proxies.evidence import Evidence
from proxies.evidence.borrow import seed_global
from proxies.guests.differences import differences
from proxies.guests.shared import kept
from proxies.inits import seed_of
from proxies.outcome import Failure, failure_of, scalar, tidy
from proxies.registry import ProxyInfo

NAMED = 3  # changes that a reason names


def ask(info: ProxyInfo, evidence: Evidence) -> float | Failure:
    """The guest's number, or why there is none. `evidence` and all it refers to stay as they are."""
    try:
        shown = shown_to(info, evidence)
    except Exception as error:
        refusal = failure_of(error)
        if refusal.status == "out-of-memory":
            return refusal
        return Failure("failed", tidy(f"a guest sees a copy, and this network cannot be copied: {refusal.reason}"))
    mode: Callable[[], Any] = torch.enable_grad if "model" in info.needs else torch.no_grad
    with mode(), kept(evidence.model) as shared:
        _own_streams(info, evidence)
        found = _called(info, shown)
    changed = [*_changed(info, evidence, shown), *shared.changed]
    if changed:
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        named = f"changed {', '.join(changed[:NAMED])}{more}"
        return Failure("violation", tidy(f"{named}: a proxy leaves what it sees as it was; all was put back"))
    return found


def restricted(info: ProxyInfo, evidence: Evidence) -> Evidence:
    """What a guest asked for and nothing else: its answer must not depend on who else asks."""
    found = {need: evidence.found[need] for need in info.needs}
    teacher = evidence.teacher_evidence if info.teacher else None
    x, labels = evidence.x.detach(), evidence.labels
    return Evidence(evidence.model, x, labels, evidence.seed, evidence.precision, teacher, found)


def shown_to(info: ProxyInfo, evidence: Evidence) -> Evidence:
    """A copy of it, down to the last tensor. Maps that a network keeps on itself are copied without their graph."""
    values = [value for module in evidence.model.modules() for value in vars(module).values()]
    maps = [value for value in values if isinstance(value, Tensor) and not value.is_leaf]
    shown = copy.deepcopy(restricted(info, evidence), {id(t): t.detach().clone() for t in maps})
    if shown.model is evidence.model:
        raise TypeError("its copy is itself")
    return shown


def _changed(info: ProxyInfo, evidence: Evidence, shown: Evidence) -> list[str]:
    try:
        return list(differences(restricted(info, evidence), shown, running="model" in info.needs))
    except Exception as error:  # a guest can leave anything behind, also what cannot be compared
        return [f"what it was shown, beyond comparison ({type(error).__name__})"]


def _called(info: ProxyInfo, shown: Evidence) -> float | Failure:
    """Whatever a guest does but a keyboard's interrupt is an answer or a failure; also what its answer does."""
    try:
        return float(scalar(info.function(shown)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return failure_of(error)


def _own_streams(info: ProxyInfo, evidence: Evidence) -> None:
    """Seed what a guest may draw from by its name: it may draw, and draws the same whenever it is asked."""
    name = f"guest: {info.name}"
    seed_global(evidence.seed, name, evidence.x.device)
    random.seed(seed_of(evidence.seed, name))
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed_of(evidence.seed, name) % 2**32)
