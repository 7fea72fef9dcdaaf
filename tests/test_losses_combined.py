"""Several losses at once: their names, what is added up, and what is refused."""

import pytest
import torch
from losses_support import BATCH, features, labels, weight

from diswot_errors import UsageError
from proxies.distillation import losses, names
from proxies.distillation.losses import Context, HeadSetup

CONTEXT = Context(weight(10), weight(11), torch.arange(BATCH))
SETUP = HeadSetup(labels=torch.arange(40) % 5, seed=3)


@pytest.mark.parametrize(
    ("name", "parts", "slug"),
    [
        ("kd", ["kd"], "kd"),
        ("diswot+", ["diswot+"], "diswot-plus"),
        ("kd+crd", ["kd", "crd"], "kd-and-crd"),
        ("kd+diswot+", ["kd", "diswot+"], "kd-and-diswot-plus"),
        ("diswot++kd+at", ["diswot+", "kd", "at"], "diswot-plus-and-kd-and-at"),
    ],
)
def test_names_are_taken_apart_and_put_together(name, parts, slug):
    assert names.split(name) == parts and names.joined(parts) == name and names.slug(name) == slug


def test_the_objective_is_the_sum_of_both_terms_and_one_cross_entropy():
    """kd: .1 CE + .9 KL; crd: CE + .8 contrast. CE counts once, as the larger of both."""
    student, teacher = features(1), features(2, (3, 8, 12))
    both, crd = losses.get("kd + crd"), losses.get("crd")
    heads = [loss.make_head(student, teacher, SETUP) for loss in (both, crd)]
    value = both.objective(student, teacher, labels(), heads[0], CONTEXT)
    expected = (
        torch.nn.functional.cross_entropy(student.logits, labels())
        + 0.9 * losses.kd(student.logits, teacher.logits)
        + 0.8 * crd(student, teacher, labels(), heads[1], CONTEXT)
    )
    torch.testing.assert_close(value, expected)
    assert both.name == "kd+crd" and both.teaching == "trained" and both.formula == "0.9 kd + 0.8 crd"
    assert both.needs == {"logits", "pooled", "labels", "indices"}


def test_each_weight_grows_as_its_own_loss_has_it():
    student, teacher = features(1), features(2)
    both, dkd, kd = (losses.get(name) for name in ("kd+dkd", "dkd", "kd"))
    first = Context(epoch=(0, 240))
    value = both(student, teacher, labels(), None, first)
    expected = dkd(student, teacher, labels()) / 20 + 0.9 * kd(student, teacher, labels())
    torch.testing.assert_close(value, expected)
    assert "epoch" in both.inputs() and "epoch" not in losses.get("kd+at").inputs()


def test_a_kd_term_of_a_part_counts_once():
    student, teacher = features(1), features(2)
    value = losses.get("diswot++at").objective(student, teacher, labels(), None, CONTEXT)
    terms = [losses.get(name)(student, teacher, labels(), None, CONTEXT) for name in ("diswot+", "at")]
    ce = torch.nn.functional.cross_entropy(student.logits, labels())
    torch.testing.assert_close(value, ce + losses.kd(student.logits, teacher.logits) + terms[0] + 1000 * terms[1])


def test_cross_entropy_beside_another_loss_is_the_one_cross_entropy():
    """kd alone: .1 CE + .9 KL. With ce the CE has weight 1, and is no term of its own."""
    student, teacher = features(1), features(2)
    both = losses.get("ce+kd")
    expected = torch.nn.functional.cross_entropy(student.logits, labels()) + 0.9 * losses.kd(
        student.logits, teacher.logits
    )
    torch.testing.assert_close(both.objective(student, teacher, labels()), expected)
    assert both.name == "ce+kd" and both.minimises == "1 CE + 1 term" and both.teaching == "trained"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kd+crf", "unknown distiller 'crf'. Did you mean crd"),
        ("kd+", "unknown distiller 'kd\\+'. Did you mean kd"),
        ("kd+kd", "names kd twice"),
        ("kd+simkd", "with simkd the student answers through a head of its own"),
        ("kd+eskd", "different teachers \\(kd trained, eskd early\\)"),
        ("dml+one", "a peer learns by the same loss and has no head"),
    ],
)
def test_what_cannot_be_added_up_is_refused(name, message):
    with pytest.raises(UsageError, match=message):
        losses.get(name)


def test_a_sum_is_no_score_and_no_entry_of_the_registry():
    assert not losses.get("kd+sp").compares and "kd+sp" not in losses.DISTILLERS
