"""The trained companions: reproducible, of the right shapes, and CRD's memory bank against the paper's formulas."""

import numpy as np
import pytest
import torch
from losses_support import classifier, features, labels
from scipy import integrate, stats

from diswot_errors import UsageError
from proxies.distillation import losses
from proxies.distillation.crd import ContrastHead, nce, other_class_samples
from proxies.distillation.losses import Context, HeadSetup
from proxies.distillation.ofd import batch_norm_margin, measured_margin
from proxies.distillation.review import levels, targets

ALL_LABELS = torch.tensor([0, 1, 2, 1, 0, 2, 2, 1, 0, 0, 3, 4])
CLASSIFIER = classifier(12)
WITH_HEAD = [name for name in losses.names() if losses.get(name).head is not None]


@pytest.mark.parametrize("name", WITH_HEAD)
def test_a_seed_gives_the_same_head_and_leaves_the_random_state(name):
    student, teacher = features(1), features(2, (3, 8, 12))
    state = torch.get_rng_state()
    one, two = (
        losses.get(name).make_head(student, teacher, HeadSetup(ALL_LABELS, seed=5, classifier=CLASSIFIER))
        for _ in range(2)
    )
    other = losses.get(name).make_head(student, teacher, HeadSetup(ALL_LABELS, seed=6, classifier=CLASSIFIER))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("name", WITH_HEAD)
def test_a_head_learns_to_lower_its_loss(name):
    student, teacher = features(1), features(2, (3, 8, 12))
    loss = losses.get(name)
    head = loss.make_head(student, teacher, HeadSetup(ALL_LABELS, seed=5, classifier=CLASSIFIER))
    context = Context(indices=torch.arange(6))
    optimiser = torch.optim.Adam(head.parameters(), lr=0.01)
    history = []
    for _ in range(30):
        optimiser.zero_grad()
        value = loss(student, teacher, labels(), head, context)
        value.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
        optimiser.step()
        history.append(value.item())
    assert history[-1] < history[0]


def test_ickd_embeds_the_student_whatever_its_width():
    assert losses.get("kd").make_head(features(1), features(2)) is None
    for width in (8, 12):
        head = losses.get("ickd").make_head(features(1), features(2, (4, 6, width)))
        assert head(features(1).last).shape == (6, width, 2, 2)


def test_review_brings_every_level_to_the_teachers_shape():
    student, teacher = features(1, (4, 6, 8), (16, 8, 4)), features(2, (3, 8, 12), (8, 4, 2))
    head = losses.get("review").make_head(student, teacher)
    target = targets(teacher)
    assert [x.shape for x in head(levels(student), target)] == [x.shape for x in target]


def test_review_feeds_deep_levels_to_shallow_ones_only():
    student, teacher = features(1), features(2)
    head = losses.get("review").make_head(student, teacher).eval()
    outputs = head(levels(student), targets(teacher))
    shallow = torch.autograd.grad(outputs[0].sum(), student.pooled, retain_graph=True)[0]
    assert shallow.abs().sum() > 0
    assert torch.autograd.grad(outputs[-1].sum(), student.stages[0], allow_unused=True)[0] is None


def test_ofd_margins_must_fit_the_teacher():
    margins = tuple(torch.zeros(c) for c in (4, 6, 9))
    with pytest.raises(UsageError, match=r"margins have widths \[4, 6, 9\]; expected the teacher's \[4, 6, 8\]"):
        losses.get("ofd").make_head(features(1), features(2), HeadSetup(margins=margins))
    head = losses.get("ofd").make_head(features(1), features(2), HeadSetup(margins=(*margins[:2], -torch.ones(8))))
    assert torch.equal(head.margins[2], -torch.ones(8)) and "margin2" in head.state_dict()


@pytest.mark.parametrize("bias", [-2.0, 0.0, 1.5])
def test_the_batch_norm_margin_is_the_mean_of_the_negative_part(bias):
    sigma = 0.7
    normal = stats.norm(bias, sigma)
    expected = integrate.quad(lambda x: x * normal.pdf(x), -20, 0)[0] / normal.cdf(0)
    margin = batch_norm_margin(torch.tensor([-sigma], dtype=torch.float64), torch.tensor([bias], dtype=torch.float64))
    assert margin.item() == pytest.approx(expected, rel=1e-6)
    sample = torch.randn(400, 1, 10, 10, generator=torch.Generator().manual_seed(0)) * sigma + bias
    assert measured_margin(sample).item() == pytest.approx(expected, rel=0.05)


def test_the_margin_worked_by_hand():
    """Of N(0, 2^2) below zero: -2 sqrt(2 / pi). Of N(1, 1): 1 - phi(1) / Phi(-1) = 1 - .2419707 / .1586553."""
    margin = batch_norm_margin(torch.tensor([2.0, -1.0]), torch.tensor([0.0, 1.0]))
    assert margin.tolist() == pytest.approx([-2 * (2 / np.pi) ** 0.5, 1 - 0.2419707 / 0.1586553], rel=1e-5)


def test_margins_of_channels_that_are_never_negative():
    assert batch_norm_margin(torch.tensor([0.1]), torch.tensor([5.0])).item() == pytest.approx(-0.3)
    assert measured_margin(torch.ones(2, 1, 3, 3)).item() == 0


def test_ofd_looks_at_maps_before_relu_and_its_margin_acts():
    student, teacher = features(1), features(2)
    head = losses.get("ofd").make_head(student, teacher, HeadSetup(margins=tuple(-torch.ones(c) for c in (4, 6, 8))))
    value = losses.get("ofd")(student, teacher, labels(), head)
    total = 0.0
    for index, (map_s, map_t) in enumerate(zip(head(student.before), teacher.before, strict=True)):
        for s, t in zip(map_s.flatten().tolist(), map_t.flatten().tolist(), strict=True):
            lifted = max(t, -1.0)
            total += (s - lifted) ** 2 * (s > lifted or t > 0) / 2 ** (2 - index)
    assert value.item() == pytest.approx(total / 6, rel=1e-5)
    positive = teacher._replace(before=tuple(x.relu() for x in teacher.before))
    assert losses.get("ofd")(student, positive, labels(), head) != value


def test_ofd_connectors_start_as_the_authors_have_them():
    head = losses.get("ofd").make_head(features(1, (64, 64, 64)), features(2, (64, 64, 64)))
    for regressor in head.regressors:
        assert regressor.layers[0].weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.1)


def test_review_compares_with_the_teachers_maps_before_relu():
    student, teacher = features(1), features(2)
    head = losses.get("review").make_head(student, teacher)
    after = teacher._replace(stages=tuple(10 * x for x in teacher.stages))
    before = teacher._replace(before=tuple(10 * x for x in teacher.before))
    value, same, other = (losses.get("review")(student, t, labels(), head) for t in (teacher, after, before))
    assert value == same != other


@pytest.mark.parametrize(("widths", "expected"), [((4, 6, 8), 8), ((4, 6, 600), 512)])
def test_review_fuses_at_the_width_of_the_deepest_level(widths, expected):
    head = losses.get("review").make_head(features(1, widths), features(2, widths))
    assert {fusion.enter[0].out_channels for fusion in head.fusions} == {expected}


def test_simkd_against_the_projection_written_out():
    """In evaluation mode batch norm changes nothing yet, but for its floor: three convolutions and ReLUs."""
    student, teacher = features(1, sizes=(16, 8, 4)), features(2, (4, 6, 12))
    head = losses.get("simkd").make_head(student, teacher, HeadSetup(classifier=CLASSIFIER)).eval()
    x = student.last.reshape(6, 8, 2, 2, 2, 2).mean((3, 5))  # 4 x 4 pooled to the teacher's 2 x 2
    first, second, third = (layer for layer in head.layers if isinstance(layer, torch.nn.Conv2d))
    assert (first.out_channels, second.kernel_size, third.out_channels) == (6, (3, 3), 12)
    for layer in (first, second, third):
        x = torch.nn.functional.conv2d(x, layer.weight, padding=layer.padding).relu()
    expected = ((x - teacher.last) ** 2).mean()
    torch.testing.assert_close(losses.get("simkd")(student, teacher, labels(), head), expected, rtol=1e-4, atol=1e-6)
    answer = losses.get("simkd").predict(student, head)
    torch.testing.assert_close(answer, CLASSIFIER(x.mean((2, 3))), rtol=1e-4, atol=1e-5)
    assert all(name != "weight" and name != "bias" for name, _ in head.named_parameters())  # the classifier is frozen


def test_simkd_needs_the_teachers_classifier():
    with pytest.raises(UsageError, match="pass HeadSetup\\(classifier="):
        losses.get("simkd").make_head(features(1), features(2))


def test_different_numbers_of_stages_are_refused():
    with pytest.raises(UsageError, match="student has 3 levels of features, teacher 2"):
        losses.get("vid").make_head(features(1), features(2, (4, 8), (8, 2)))
    with pytest.raises(UsageError, match="at least 2 stages, got 1"):
        losses.get("one").make_head(features(1, (4,), (8,)), features(2))


def test_one_gates_sum_to_one_and_the_students_logits_are_a_branch():
    student = features(1)
    head = losses.get("one").make_head(student, student)
    branches, gates = head(student.stages[-2], student.logits)
    assert branches[0] is student.logits and [b.shape for b in branches] == [(6, 5)] * 3
    torch.testing.assert_close(gates.sum(1), torch.ones(6))


def test_nce_against_the_written_out_sum():
    ratios = np.random.default_rng(0).random((3, 5))
    noise = 4 / 50
    expected = 0.0
    for row in ratios:
        expected -= np.log(row[0] / (row[0] + noise)) + sum(np.log(noise / (p + noise)) for p in row[1:])
    assert nce(torch.from_numpy(ratios), 50).item() == pytest.approx(expected / 3, rel=1e-5)


def test_negatives_are_all_samples_of_other_classes_alike():
    wanted = torch.tensor([0, 2, 4])
    drawn = other_class_samples(wanted, ALL_LABELS, 20_000, torch.Generator().manual_seed(1))
    for label, row in zip(wanted.tolist(), drawn, strict=True):
        others = (label != ALL_LABELS).nonzero().flatten()
        counts = torch.bincount(row, minlength=len(ALL_LABELS))
        assert counts[label == ALL_LABELS].sum() == 0
        assert (counts[others] / 20_000 * len(others)).sub(1).abs().max() < 0.1


def contrast_head(**options) -> ContrastHead:
    torch.manual_seed(0)
    return ContrastHead(3, 4, ALL_LABELS, seed=2, width=5, negatives=7, **options)


def batch() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(4)
    indices = torch.tensor([0, 3, 5])
    return torch.randn(3, 3, generator=generator), torch.randn(3, 4, generator=generator), ALL_LABELS[indices], indices


def test_crd_against_the_formulas_of_the_paper():
    head, (student, teacher, y, indices) = contrast_head(), batch()
    memories = head.student_memory.clone(), head.teacher_memory.clone()
    generator = torch.Generator().manual_seed(2 * 1_000_003)
    positions = torch.cat([indices[:, None], other_class_samples(y, ALL_LABELS, 7, generator)], 1)
    value = head(student, teacher, y, indices)
    unit = [torch.nn.functional.normalize(f(x), dim=1).detach()
            for f, x in ((head.student_embedding, student), (head.teacher_embedding, teacher))]  # fmt: skip
    expected = 0.0
    for anchors, memory in ((unit[0], memories[1]), (unit[1], memories[0])):
        raw = torch.stack([(memory[positions[n]] @ anchors[n] / 0.07).exp() for n in range(3)])
        expected = expected + nce(raw / (raw.mean() * len(ALL_LABELS)), len(ALL_LABELS))
    torch.testing.assert_close(value, expected)
    moved = torch.nn.functional.normalize(memories[0][3] * 0.5 + unit[0][1] * 0.5, dim=0)
    torch.testing.assert_close(head.student_memory[3], moved)
    assert torch.equal(head.student_memory[1], memories[0][1])


def test_crd_keeps_its_first_normaliser():
    head, inputs = contrast_head(), batch()
    head(*inputs)
    constants = head.constants.clone()
    head(*inputs)
    assert (constants > 0).all() and torch.equal(head.constants, constants)


def test_crd_draws_new_negatives_at_every_call():
    head, inputs = contrast_head(), batch()
    state = head.state_dict()
    state = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in state.items()}
    first = head(*inputs)
    head.load_state_dict({**state, "_extra_state": {"calls": 1}})
    assert head(*inputs) != first
    head.load_state_dict(state)
    assert head(*inputs) == first and head.calls == 1


def test_a_resumed_crd_head_continues_bit_equal():
    through, inputs = contrast_head(), batch()
    values = [through(*inputs) for _ in range(4)]
    first, second = contrast_head(), contrast_head()
    for _ in range(2):
        first(*inputs)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second(*inputs), values[2]) and torch.equal(second(*inputs), values[3])


def test_crd_needs_the_training_labels_and_two_classes():
    with pytest.raises(UsageError, match="crd keeps a memory"):
        losses.get("crd").make_head(features(1), features(2))
    with pytest.raises(UsageError, match="at least 2 classes, got 1"):
        ContrastHead(3, 4, torch.zeros(5, dtype=torch.long))
