"""What every proxy promises, by being in the registry: a new one is tested here without a line of test."""

import random
import time

import pytest
import torch
from torch import Tensor, nn
from transformer_support import Transformer

from nb201_data.networks import build_network
from nb201_data.space import distinct_cells, sample
from proxies import all_proxies, initialise, score, select, teacher_evidence
from proxies.registry import NEEDS, ProxyInfo
from proxies.scoring import Score

NAMES = [info.name for info in all_proxies()]
OF_CELLS = [name for name in NAMES if name != "tvt_teacher"]  # which looks at tokens: test_transformer_scores.py
CLASSES = 10
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
MIXED = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
DEGENERATE = {
    "all none": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "disconnected": "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|none~2|",
    "only skip": "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
    "only pooling": "|avg_pool_3x3~0|+|avg_pool_3x3~0|none~1|+|avg_pool_3x3~0|none~1|avg_pool_3x3~2|",
}


def batch(size: int = 16, classes: int = CLASSES, side: int = 16, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 3, side, side, generator=generator)
    return x, torch.arange(size) % classes


def network(cell: str, init: str = "gaussian", seed: int = 0) -> nn.Module:
    return initialise(build_network(cell, CLASSES, channels=8, cells_per_stage=1), init, seed)


TRANSFORMERS = {"dss", "tvt_teacher"}
"""What looks at tokens or attention, and at a cell network says so."""


def home(name: str, cell: str = MIXED, seed: int = 0) -> nn.Module:
    """A network that a proxy has something to say of."""
    if name not in TRANSFORMERS:
        return network(cell)
    torch.manual_seed(seed)
    return Transformer()


@pytest.fixture(scope="module")
def teacher() -> nn.Module:
    return network(BEST, seed=1)


@pytest.fixture(scope="module")
def everything(teacher: nn.Module) -> dict[str, Score]:
    return score(network(MIXED), "all", batch(), teacher=teacher)


@pytest.fixture(scope="module")
def twenty(teacher: nn.Module) -> list[dict[str, Score]]:
    shown = teacher_evidence(teacher, batch())
    found = []
    for seed, cell in enumerate(sample(distinct_cells(), 20, seed=3)):
        scores = score(network(str(cell)), "all", batch(), teacher=shown)
        assert {scores[name].status for name in TRANSFORMERS} == {"not-applicable"}
        found.append(scores | score(home("dss", seed=seed), [*TRANSFORMERS], batch(), teacher=shown))
    return found


@pytest.mark.parametrize("info", all_proxies(), ids=lambda info: info.name)
def test_record_says_what_the_proxy_is(info: ProxyInfo) -> None:
    assert info.direction in ("higher", "lower")
    assert info.needs <= NEEDS and info.version >= 1
    assert info.paper and info.origin == "diswot-bench"
    assert len(info.formula) > 20 and info.summary


COUNTS = {"conv_count", "conv_root_size", "conv_log_width", "trainable_layers"}


@pytest.mark.parametrize("name", OF_CELLS)
def test_number_or_reason_on_twenty_cells(name: str, twenty: list[dict[str, Score]]) -> None:
    for scores in twenty:
        one = scores[name]
        assert (one.value is not None) == (one.status == "ok")
        assert one.status in ("ok", "infinite", "nan", "not-applicable"), one
        assert one.status == "ok" or one.reason
    good = {scores[name].value for scores in twenty if scores[name].status == "ok"}
    convolutions = {scores["conv_count"].value for scores in twenty}
    least = len(convolutions) if name in COUNTS else 10  # a count knows as many cells as there are counts
    assert len(good) >= least > 2, f"{name} tells no cells apart: {good}"


@pytest.mark.parametrize("name", OF_CELLS)
def test_alone_or_among_others_the_same_bits(name: str, everything: dict[str, Score], teacher: nn.Module) -> None:
    model, shown = home(name), teacher_evidence(teacher, batch())
    begin = time.process_time()
    alone = score(model, name, batch(), teacher=shown)[name]
    assert alone.status == "ok", alone
    assert 0 < alone.seconds < time.process_time() - begin
    among = everything if name not in TRANSFORMERS else score(home(name), "all", batch(), teacher=shown)
    assert (alone.value, alone.status) == (among[name].value, among[name].status)


def test_any_order_the_same_bits(everything: dict[str, Score], teacher: nn.Module) -> None:
    names = [*NAMES]
    random.Random(0).shuffle(names)
    torch.manual_seed(99)
    model = network(MIXED)
    score(model, "grasp,zen,synflow", batch(seed=5))
    shuffled = score(model, names, batch(), teacher=teacher_evidence(teacher, batch()))
    assert list(shuffled) == names
    assert {n: s.value for n, s in shuffled.items()} == {n: s.value for n, s in everything.items()}


def state(model: nn.Module) -> list[object]:
    """Everything about a network that scoring could disturb."""
    tensors = [*model.parameters(), *model.buffers()]
    return [
        [id(t) for t in tensors],
        [(t.data_ptr(), t._version, t.dtype, t.requires_grad, t.is_contiguous()) for t in tensors],
        [t.clone() for t in tensors],
        [None if p.grad is None else (id(p.grad), p.grad.clone()) for p in model.parameters()],
        [(m.training, dict(m._forward_hooks), sorted(vars(m))) for m in model.modules()],
        torch.get_rng_state(),
    ]


def same(a: object, b: object) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a, b)  # type: ignore[arg-type]
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(p, q) for p, q in zip(a, b, strict=True))  # type: ignore[arg-type]
    return a == b


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_network_comes_back_as_it_was(name: str, teacher: nn.Module) -> None:
    model = network(MIXED)
    model.train()
    model.stem[1].eval()  # type: ignore[index,operator]
    model.classifier.bias.requires_grad_(False)  # type: ignore[union-attr,operator]
    model.classifier.weight.grad = torch.ones_like(model.classifier.weight)  # type: ignore[union-attr,arg-type]
    x, y = batch()
    before, teacher_before, x_before = state(model), state(teacher), (x.clone(), x.requires_grad)
    score(model, name, (x, y), teacher=teacher)
    assert same(before, state(model)) and same(teacher_before, state(teacher))
    assert same(x_before, (x, x.requires_grad))


@pytest.mark.parametrize("kind", DEGENERATE)
def test_degenerate_cells_get_a_status_or_a_value(kind: str, teacher: nn.Module) -> None:
    scores = score(network(DEGENERATE[kind]), "all", batch(), teacher=teacher)
    for name, one in scores.items():
        assert one.status in ("ok", "infinite", "nan", "not-applicable"), (name, one)
        assert one.status == "ok" or one.reason


def test_a_network_of_nan_gives_no_number_where_weights_matter(teacher: nn.Module) -> None:
    model = network(MIXED)
    with torch.no_grad():
        model.stem[0].weight.fill_(torch.nan)  # type: ignore[index,union-attr]
    scores = score(model, "all", batch(), teacher=teacher)
    sizes = {"params", "flops", "conv_count", "conv_root_size", "conv_log_width", "trainable_layers"}
    own = {"vkdnw", "vkdnw_single", "vkdnw_transposed"}
    blind = sizes | own | {"zen"}  # weights of their own
    for name, one in scores.items():
        if name in blind:
            assert one.status == "ok", (name, one)
        else:
            assert one.status in ("nan", "infinite", "not-applicable") and one.reason, (name, one)


def test_without_a_teacher_those_that_need_one_say_so() -> None:
    scores = score(network(MIXED), "all", batch())
    for info in select("all"):
        if info.teacher:
            assert scores[info.name].status == "not-applicable" and "teacher=" in scores[info.name].reason
