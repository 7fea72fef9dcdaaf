"""Guests: whatever they do, ours are what they are alone, and each guest gets the status that it deserves."""

import copy
import random
import threading
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import guests_of_evidence  # noqa: F401 - fills the zoo
import guests_of_process  # noqa: F401 - fills the zoo
import pytest
import torch
from guests_support import ZOO, invited
from torch import Tensor, nn

from nb201_data.networks import build_network
from proxies import TeacherEvidence, all_proxies, initialise, registry, score, teacher_evidence
from proxies.evidence import Evidence
from proxies.guests import asking
from proxies.guests.differences import same
from proxies.guests.settings import SETTINGS
from proxies.guests.shared import kept
from proxies.scoring import Score

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
OURS = [info.name for info in all_proxies()]
GUESTS = list(ZOO)


def network(seed: int = 0) -> nn.Module:
    return initialise(build_network(CELL, 10, channels=4, cells_per_stage=1), "kaiming", seed)


def batch() -> tuple[Tensor, Tensor]:
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(8)


@cache
def teacher() -> TeacherEvidence:
    return teacher_evidence(network(1), batch())


def asked(*names: str, guests: tuple[str, ...] = (), model: nn.Module | None = None) -> dict[str, Score]:
    with invited(*guests):
        return score(network() if model is None else model, names, batch(), teacher=teacher())


def bits(scores: dict[str, Score]) -> dict[str, tuple[float | None, str, str]]:
    return {name: (scores[name].value, scores[name].status, scores[name].reason) for name in OURS}


@pytest.fixture(scope="module")
def alone() -> dict[str, tuple[float | None, str, str]]:
    return bits(asked(*OURS))


@pytest.fixture(scope="module")
def before() -> list[Any]:
    return [setting.value() for setting in SETTINGS]


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_gets_its_status_and_nothing_stays(name: str, before: list[Any]) -> None:
    model, (x, labels) = network(), batch()
    shown = teacher()
    was = copy.deepcopy((dict(model.state_dict()), x, labels, shown))
    streams = torch.get_rng_state(), random.getstate(), list(warnings.filters)
    with invited(name):
        found = score(model, [name], (x, labels), teacher=shown)[name]
    assert found.status == ZOO[name].status and ZOO[name].reason in found.reason, found
    assert (found.value is not None) == (found.status == "ok")
    assert len(found.reason) <= 300 and found.reason.isprintable()
    assert same(was, (dict(model.state_dict()), x, labels, shown))
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters()) and model.training
    assert [setting.value() for setting in SETTINGS] == before
    assert same(streams, (torch.get_rng_state(), random.getstate(), list(warnings.filters)))


@pytest.fixture(scope="module")
def well_behaved() -> dict[str, float | None]:
    """What the guests that get a number get when none that misbehaves is asked with them."""
    names = [name for name in GUESTS if ZOO[name].status == "ok"]
    return {name: score.value for name, score in asked(*names, guests=tuple(names)).items()}


@pytest.mark.parametrize("order", ["guests first", "guests last", "mixed"])
def test_ours_beside_the_whole_zoo_are_ours_alone(
    order: str, alone: dict[str, Any], well_behaved: dict[str, float | None]
) -> None:
    """The guests among each other are on clean ground as well; and the same network is as it was afterwards."""
    names = [*GUESTS, *OURS] if order == "guests first" else [*OURS, *reversed(GUESTS)]
    if order == "mixed":
        random.Random(0).shuffle(names)
    model = network()
    found = asked(*names, guests=tuple(GUESTS), model=model)
    assert list(found) == names
    assert bits(found) == alone
    assert {name: found[name].status for name in GUESTS} == {name: ZOO[name].status for name in GUESTS}
    assert {name: found[name].value for name in well_behaved} == well_behaved
    assert bits(asked(*OURS, model=model)) == alone


def test_the_zoo_is_as_large_as_the_docs_say() -> None:
    violations = sum(guest.status == "violation" for guest in ZOO.values())
    page = " ".join((Path(__file__).parents[1] / "docs" / "trust.md").read_text(encoding="utf-8").split())
    for said in (
        f"{len(ZOO)} guests, of which {violations} change what is not theirs",
        f"{len(SETTINGS)} settings of PyTorch",
    ):
        assert said in page, f"docs/trust.md must say: {said}"


def test_without_guests_nothing_is_copied_or_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "shown_to", None)
    monkeypatch.setattr(asking, "kept", None)
    assert {one.status for one in asked(*OURS).values()} <= {"ok", "infinite", "not-applicable"}


def test_ctrl_c_within_a_guest_ends_the_run_and_leaves_all_as_it_was(before: list[Any]) -> None:
    @registry.proxy("interrupted", direction="higher", needs=["model"], paper="-")
    def interrupted(evidence: Evidence) -> float:
        """Ctrl-C."""
        torch.set_default_dtype(torch.float64)
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            score(network(), "interrupted", batch())
    finally:
        registry.remove("interrupted")
    assert [setting.value() for setting in SETTINGS] == before


def test_who_is_a_guest_is_not_for_the_guest_to_say() -> None:
    @registry.proxy("impostor", direction="higher", needs=["features"], paper="-")
    def impostor(evidence: Evidence) -> float:
        """Calls itself ours."""
        evidence.features.logits.zero_()
        return 1.0

    info = replace(registry.get("impostor"), origin="diswot-bench")
    registry.remove("impostor")
    registry.PROXIES.add(info)
    try:
        assert not registry.get("impostor").ours and all(registry.get(name).ours for name in OURS)
        assert score(network(), "impostor", batch())["impostor"].status == "violation"
    finally:
        registry.remove("impostor")


def test_a_proxy_of_ones_own_is_a_guest() -> None:
    @registry.proxy("homemade", direction="higher", needs=[], paper="-")
    def homemade(evidence: Evidence) -> float:
        """Registered in a notebook, say."""
        return 1.0

    try:
        assert registry.get("homemade").origin != "diswot-bench" and not registry.get("homemade").ours
    finally:
        registry.remove("homemade")


class Remembers(nn.Module):
    """Keeps a map of its own, counts its calls, and cannot always be copied."""

    def __init__(self, lock: object = None) -> None:
        super().__init__()
        self.stem, self.head, self.calls, self.lock = nn.Conv2d(3, 4, 3), nn.Linear(4, 10), 0, lock

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.map = self.stem(x).relu()
        return self.head(self.map.mean((2, 3)))


def test_a_network_that_keeps_its_maps_can_have_guests() -> None:
    names = ("gradients_of_a_model_asked_for", "threads", "an_integer")
    found = asked(*names, guests=names, model=Remembers())
    assert [found[n].status for n in names] == ["ok", "violation", "ok"], found


def test_a_network_whose_copy_is_itself_has_no_guests() -> None:
    class Single(Remembers):
        def __deepcopy__(self, memo: object) -> "Single":
            return self

    found = asked("weights_in_place", guests=("weights_in_place",), model=Single())["weights_in_place"]
    assert found.status == "failed" and "its copy is itself" in found.reason


def test_a_network_too_large_to_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_arguments: object) -> None:
        raise MemoryError("no")

    monkeypatch.setattr(asking, "shown_to", short)
    assert asked("an_integer", guests=("an_integer",))["an_integer"].status == "out-of-memory"


def test_a_network_that_cannot_be_copied_has_no_guests() -> None:
    found = asked("an_integer", "params", guests=("an_integer",), model=Remembers(threading.Lock()))
    assert found["params"].status == "ok" and found["an_integer"].status == "failed"
    assert "this network cannot be copied" in found["an_integer"].reason


def test_what_a_package_changes_while_it_is_loaded_is_put_back() -> None:
    with kept() as shared:
        torch.set_default_dtype(torch.float64)
        torch.nn.functional.relu = torch.sigmoid
    assert shared.changed == ["the default dtype", "torch.nn.functional.relu"]
    assert torch.get_default_dtype() is torch.float32 and torch.nn.functional.relu is not torch.sigmoid
