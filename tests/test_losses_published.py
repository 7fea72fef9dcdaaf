"""What the authors set: every loss says it, its weights are these, and weights that grow do as they print."""

from pathlib import Path

import pytest

from proxies.distillation import losses
from proxies.distillation.__main__ import table
from proxies.distillation.published import WarmUp


@pytest.mark.parametrize("name", losses.names())
def test_the_weights_are_the_published_ones_or_the_difference_is_stated(name):
    loss = losses.get(name)
    theirs = loss.published
    assert theirs is not None and theirs.source
    if not theirs.known:
        assert theirs.differs, f"{name}: say what stands in for the weights that are not printed"
    else:
        assert (loss.ce, loss.kd, loss.weight) == (theirs.ce, theirs.kd, theirs.weight)
    assert loss.warm_up == theirs.warm_up


def test_settings_of_the_sources_one_by_one():
    """Typed once more from the sources: RepDistiller's flags, mdistiller's and the authors' scripts."""
    printed = {
        "kd": (0.1, 0, 0.9), "fitnet": (1, 0, 100), "at": (1, 0, 1000), "sp": (1, 0, 3000), "cc": (1, 0, 0.02),
        "vid": (1, 0, 1), "rkd": (1, 0, 1), "pkt": (1, 0, 30000), "nst": (1, 0, 50), "crd": (1, 0, 0.8),
        "review": (1, 0, 0.6), "ofd": (1, 0, 1e-3), "ickd": (1, 0, 2.5), "dkd": (1, 0, 1), "simkd": (0, 0, 1),
        "kd_ls": (0.1, 0, 9), "dkd_ls": (1, 0, 18),
    }  # fmt: skip
    for name, weights in printed.items():
        loss = losses.get(name)
        assert (loss.ce, loss.kd, loss.weight) == weights, name
    grows = {name for name in losses.names() if losses.get(name).warm_up}
    assert grows == {"review", "dkd", "dkd_ls"}


def test_weights_grow_over_twenty_epochs():
    """ReviewKD counts epochs from 0, DKD from 1: min(1, epoch / 20)."""
    review, dkd = losses.get("review").warm_up, losses.get("dkd").warm_up
    assert review is not None and dkd is not None
    assert [review.share(epoch, 240) for epoch in (0, 1, 19, 20, 239)] == [0, 0.05, 0.95, 1, 1]
    assert [dkd.share(epoch, 240) for epoch in (0, 1, 19, 20, 239)] == [0.05, 0.1, 1, 1, 1]


@pytest.mark.parametrize("epochs", [1, 3, 8, 24, 240])
def test_a_shorter_schedule_has_the_loss_for_the_same_part_of_its_time(epochs):
    grown = WarmUp(epochs=20, first=0)
    mean = sum(grown.share(epoch, epochs) for epoch in range(epochs)) / epochs
    assert mean == pytest.approx((9.5 + 220) / 240)
    assert grown.share(500, 480) == 1


def test_docs_hold_the_settings_of_today():
    page = Path(__file__).resolve().parent.parent / "docs" / "distillation.md"
    assert table() in page.read_text(), "docs/distillation.md: paste the output of `python -m proxies.distillation`"
    assert losses.get("kd").minimises == "0.1 CE + 0.9 term" and losses.get("simkd").minimises == "1 term"
