"""Every registered loss through the uniform call: finite, honest about its needs, safe on dead networks."""

from dataclasses import replace

import pytest
import torch
from losses_support import BATCH, Shown, changed, classifier, features, labels, weight
from torch import Tensor

from diswot_errors import UsageError
from proxies.distillation import losses
from proxies.distillation.losses import Context, HeadSetup, Loss

SETUP = HeadSetup(labels=torch.arange(40) % 5, seed=3)
EXPECTED = {
    "ce", "kd", "fitnet", "at", "sp", "rkd", "pkt", "cc", "nst", "ickd", "vid", "crd", "review", "ofd", "dml", "one",
    "eskd", "atkd", "diswot", "diswot+", "dkd", "kd_ls", "dkd_ls", "simkd",
}  # fmt: skip
ZERO_AT_EQUALITY = sorted(EXPECTED - {"ce", "vid", "crd", "review", "ofd", "one", "simkd"})


def context(student_width=8, teacher_width=8) -> Context:
    return Context(weight(10, student_width), weight(11, teacher_width), torch.arange(BATCH))


def headed(loss: Loss, student: Shown, teacher: Shown) -> torch.nn.Module | None:
    return loss.make_head(student, teacher, replace(SETUP, classifier=classifier(teacher.last.shape[1])))


def gradients(value: torch.Tensor, shown: Shown) -> list[torch.Tensor]:
    leaves = [*shown.stages, *shown.before, shown.pooled, shown.logits]
    return [g for g in torch.autograd.grad(value, leaves, allow_unused=True) if g is not None]


def test_the_registry_holds_the_promised_losses():
    assert set(losses.names()) == EXPECTED
    assert losses.get("dml").two_way and not losses.get("kd").two_way
    assert not losses.get("ce").teacher and not losses.get("one").teacher


def test_an_unknown_loss_is_refused_with_the_nearest_names():
    with pytest.raises(UsageError, match=r"unknown distiller 'fitnets'. Did you mean fitnet"):
        losses.get("fitnets")
    with pytest.raises(UsageError, match="Expected one of "):
        losses.get("zzzzzz")


def test_a_name_is_taken_once():
    with pytest.raises(UsageError, match=r"'kd' from .* is already registered by diswot-bench"):
        losses.register(losses.get("kd"))


def test_unknown_needs_are_refused():
    with pytest.raises(UsageError, match=r"unknown needs \['pool'\]"):
        Loss("new", losses.get("kd").function, frozenset({"pool"}), "none")


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("teacher_widths", [(4, 6, 8), (3, 8, 12)])
def test_finite_value_and_gradient_for_equal_and_different_widths(name, teacher_widths):
    student, teacher = features(1), features(2, teacher_widths)
    loss = losses.get(name)
    value = loss(student, teacher, labels(), headed(loss, student, teacher), context(8, teacher_widths[-1]))
    assert value.shape == () and value.isfinite()
    found = gradients(value, student)
    assert found and all(g.isfinite().all() for g in found)
    assert sum(g.abs().sum() for g in found) > 0


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_loss_touches_only_what_it_needs(name):
    loss = losses.get(name)
    student, teacher = features(1), features(2)
    head = headed(loss, student, teacher)

    class Guarded:
        def __init__(self, shown: Shown):
            self.shown = shown

        def __getattr__(self, field: str):
            assert field in loss.needs, f"{name} read {field}, declared {sorted(loss.needs)}"
            return getattr(self.shown, field)

    full = context()
    weights = (full.student_weight, full.teacher_weight) if "weights" in loss.needs else (None, None)
    given = Context(*weights, full.indices if "indices" in loss.needs else None)
    assert loss(
        Guarded(student), Guarded(teacher), labels() if "labels" in loss.needs else None, head, given
    ).isfinite()


@pytest.mark.parametrize("name", ZERO_AT_EQUALITY)
def test_zero_with_finite_gradient_for_equal_networks(name):
    student = features(1)
    same = Context(weight(10), weight(10))
    value = losses.get(name)(student, features(1), labels(), None, same)
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert all(g.isfinite().all() for g in gradients(value, student))


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("dead", ["student", "both", "one sample"])
def test_dead_networks_give_finite_values_and_bounded_gradients(name, dead):
    student, teacher = features(1, scale=1.0 if dead == "one sample" else 0.0), features(2)
    if dead == "both":
        teacher = features(2, scale=0.0)
    if dead == "one sample":
        with torch.no_grad():
            for tensor in (*student.stages, *student.before, student.pooled, student.logits):
                tensor[0] = 0
    loss = losses.get(name)
    head = headed(loss, student, teacher)
    value = loss(student, teacher, labels(), head, context())
    assert value.isfinite()
    assert all(g.abs().max() < 1e6 for g in gradients(value, student))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_half_precision_features_are_widened_before_the_arithmetic(name):
    loss = losses.get(name)
    half_s, half_t = features(1, dtype=torch.bfloat16), features(2, dtype=torch.bfloat16)
    full_s, full_t = (changed(shown, Tensor.float) for shown in (half_s, half_t))
    expected = loss(full_s, full_t, labels(), headed(loss, full_s, full_t), context())
    plain = loss(half_s, half_t, labels(), headed(loss, half_s, half_t), context())
    assert plain.dtype == torch.float32
    torch.testing.assert_close(plain, expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(half_s, half_t, labels(), headed(loss, half_s, half_t), context())
    assert mixed.dtype == torch.float32
    if loss.head is None:
        torch.testing.assert_close(mixed, expected)
    else:
        torch.testing.assert_close(mixed, expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("name", sorted(EXPECTED - {"cc", "crd"}))
def test_the_order_of_the_batch_does_not_matter(name):
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    student, teacher = features(1), features(2)
    shuffled = [changed(shown, lambda x: x[order]) for shown in (student, teacher)]
    loss = losses.get(name)
    head = headed(loss, student, teacher)
    value = loss(student, teacher, labels(), head, context())
    torch.testing.assert_close(loss(*shuffled, labels()[order], head, context()), value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_memory_layout_does_not_matter(name):
    student, teacher = features(1), features(2)
    last = [
        changed(shown, lambda x: x.to(memory_format=torch.channels_last) if x.dim() == 4 else x)
        for shown in (student, teacher)
    ]
    loss = losses.get(name)
    values = [loss(s, t, labels(), headed(loss, student, teacher), context()) for s, t in ((student, teacher), last)]
    torch.testing.assert_close(*values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_objective_is_the_weighted_sum(name):
    student, teacher, loss = features(1), features(2), losses.get(name)
    term = loss(student, teacher, labels(), headed(loss, student, teacher), context())
    expected = (
        loss.weight * term
        + loss.ce * torch.nn.functional.cross_entropy(student.logits, labels())
        + loss.kd * losses.kd(student.logits, teacher.logits, 2.0)
    )
    value = loss.objective(student, teacher, labels(), headed(loss, student, teacher), context(), temperature=2.0)
    torch.testing.assert_close(value, expected)
    assert loss.needs <= loss.inputs()


def test_the_weights_are_those_of_the_literature():
    recipes = {name: (loss.ce, loss.kd, loss.weight) for name in losses.names() for loss in [losses.get(name)]}
    assert recipes["ce"] == (0, 0, 1) and recipes["one"] == (0, 0, 1)
    assert recipes["kd"] == recipes["eskd"] == recipes["atkd"] == (0.1, 0, 0.9)
    assert recipes["diswot"] == (1, 0, 1) and recipes["diswot+"] == (1, 1, 1)
    repdistiller = {
        "fitnet": 100,
        "at": 1000,
        "sp": 3000,
        "cc": 0.02,
        "vid": 1,
        "rkd": 1,
        "pkt": 30000,
        "nst": 50,
        "crd": 0.8,
    }
    assert {name: recipes[name][2] for name in repdistiller} == repdistiller
    assert all(recipes[name][:2] == (1, 0) for name in repdistiller)


def test_diswot_is_ce_plus_kl_and_diswot_plus_adds_both_terms():
    student, teacher = features(1), features(2)
    plain = losses.get("diswot").objective(student, teacher, labels())
    ce, kl = losses.ce(student.logits, labels()), losses.kd(student.logits, teacher.logits)
    torch.testing.assert_close(plain, ce + kl)
    weights = weight(10), weight(11)
    plus = losses.get("diswot+").objective(student, teacher, labels(), None, Context(*weights))
    l_s = losses.m_s(student.last, teacher.last, *weights, labels()) / 8**2
    l_r = losses.m_r(student.last, teacher.last) / BATCH**2
    torch.testing.assert_close(plus, ce + kl + l_s + l_r)


def test_what_is_missing_is_named():
    student, teacher = features(1), features(2)
    with pytest.raises(UsageError, match="vid is defined with trained parameters"):
        losses.get("vid")(student, teacher, labels())
    with pytest.raises(UsageError, match=r"diswot\+ needs both classifier weights"):
        losses.get("diswot+")(student, teacher, labels())
    head = losses.get("crd").make_head(student, teacher, SETUP)
    with pytest.raises(UsageError, match="crd needs the samples' positions"):
        losses.get("crd")(student, teacher, labels(), head)
