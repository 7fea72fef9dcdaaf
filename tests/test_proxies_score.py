"""`score` on anyone's network: statuses instead of exceptions, reasons that help, wrong use refused."""

import math
import time
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable, UsageError
from nb201_data.networks import build_network, build_resnet
from proxies import Scores, all_proxies, initialise, proxy, score, teacher_evidence
from proxies.evidence import Evidence, forward_features
from proxies.registry import remove

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"

OF_TRANSFORMERS = {"dss", "tvt_teacher"}


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(8)


def cell_network(classes: int = 10) -> nn.Module:
    return initialise(build_network(CELL, classes, 4, 1), "kaiming", 0)


class Plain(nn.Module):
    """A small convolutional network of someone else's, without `forward_features`."""

    def __init__(self, norm: bool = True, limit: int = 1000) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6) if norm else nn.Identity()
        self.act = nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU())
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(8, 10)
        self.limit = limit

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.limit:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        x = self.down(self.act(self.norm(self.stem(x))))
        return self.head(self.drop(x.mean((2, 3))))


class Attention(nn.Module):
    """Patches, one transformer layer, a head on the mean: no convolution, no ReLU, no maps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Linear(48, 16)
        self.mix = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2))
        tokens = self.norm(tokens + self.mix(tokens, tokens, tokens, need_weights=False)[0])
        return self.head(tokens.mean(1))


def test_features_of_any_network_by_hooks(batch: tuple[Tensor, Tensor]) -> None:
    model = Plain().eval()
    shown = forward_features(model, batch[0])
    assert [tuple(s.shape[1:]) for s in shown.stages] == [(6, 16, 16), (8, 8, 8)]
    assert shown.last is not None and torch.equal(shown.last, shown.stages[-1])
    assert shown.pooled is not None and torch.allclose(shown.pooled, shown.last.mean((2, 3)))
    assert torch.equal(shown.logits, model(batch[0]))
    assert not any(m._forward_hooks for m in model.modules())


def test_a_network_of_ones_own(batch: tuple[Tensor, Tensor]) -> None:
    scores = score(Plain(), "all", batch, teacher=Plain())
    failed = {name: one.reason for name, one in scores.items() if one.status != "ok"}
    blocks = {"az_nas_expressivity", "az_nas_progressivity", "az_nas_trainability"}
    assert set(failed) == blocks | OF_TRANSFORMERS
    assert all("no blocks" in failed[name] for name in blocks)
    again = score(Plain(), "all", batch, teacher=Plain())
    assert {n: s.value for n, s in again.items()} == {n: s.value for n, s in scores.items()}  # dropout is seeded


def test_attention_only_is_refused_where_it_lacks_something(batch: tuple[Tensor, Tensor]) -> None:
    scores = score(Attention(), "all", batch, teacher=Attention())
    reasons = {name: one.reason for name, one in scores.items() if one.status == "not-applicable"}
    assert "ReLU" in reasons["nwot"] and "convolution" in reasons["meco"] and "maps" in reasons["m_s"]
    assert "maps" in reasons["zen"] and "maps" in reasons["nst"]
    assert "would miss mix.in_proj_weight" in reasons["snip"] and "in_proj_weight" in reasons["flops"]
    for name in ("jacob", "params", "kd", "rkd"):
        assert scores[name].status == "ok", (name, scores[name])
    assert not [one for one in scores.values() if one.status == "failed"]


def test_layers_that_nothing_reaches(batch: tuple[Tensor, Tensor]) -> None:
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.zeros(len(x), 10)

    scores = score(Constant(), "all", batch, teacher=Plain())
    assert [(n, one) for n, one in scores.items() if one.status in ("failed", "out-of-memory")] == []
    assert scores["params"].value == 0 and "no convolution" in scores["grad_norm"].reason


def test_a_network_that_fails_fails_only_there(batch: tuple[Tensor, Tensor]) -> None:
    class Picky(Plain):
        def forward(self, x: Tensor) -> Tensor:
            if len(x) == 4:
                raise ValueError("four images are not my thing")
            return super().forward(x)

    scores = score(Picky(), "zico,snip,params", batch)
    assert scores["zico"].status == "failed" and "four images are not my thing" in scores["zico"].reason
    assert scores["snip"].status == scores["params"].status == "ok"


def test_out_of_memory_is_split_where_that_is_exact(batch: tuple[Tensor, Tensor]) -> None:
    names = "grad_norm,snip,plain,fisher,jacob,flops,kd,nst,meco,nwot,grasp,l2_norm"
    for module in (whole := Plain(norm=False), parts := Plain(norm=False, limit=3)):
        module.drop.p = 0.0
    expected, got = (score(m, names, batch, teacher=whole) for m in (whole, parts))
    for name in ("grad_norm", "snip", "plain", "fisher", "jacob", "flops", "kd", "nst", "meco"):
        assert got[name].status == "ok", (name, got[name])
        assert got[name].value == pytest.approx(expected[name].value, rel=1e-3, abs=1e-6), name
        assert "4 parts" in got[name].reason and not expected[name].reason
    for name in ("nwot", "grasp"):
        assert got[name].status == "out-of-memory" and "smaller batch" in got[name].reason
    assert got["l2_norm"].value == expected["l2_norm"].value


def test_out_of_memory_with_batch_norm_is_a_status(batch: tuple[Tensor, Tensor]) -> None:
    scores = score(Plain(limit=4), "grad_norm,zico,l2_norm,te_nas_regions", batch)
    assert scores["grad_norm"].status == "out-of-memory" and scores["te_nas_regions"].status == "out-of-memory"
    assert scores["zico"].status == scores["l2_norm"].status == "ok"


@pytest.mark.parametrize("error", [MemoryError("no"), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")])
def test_every_kind_of_out_of_memory(batch: tuple[Tensor, Tensor], error: Exception) -> None:
    class Full(Plain):
        def forward(self, x: Tensor) -> Tensor:
            raise error

    assert score(Full(), "nwot", batch)["nwot"].status == "out-of-memory"


def test_teacher_evidence_serves_many_students(batch: tuple[Tensor, Tensor]) -> None:
    calls: list[int] = []

    class Counted(Plain):
        def forward(self, x: Tensor) -> Tensor:
            calls.append(len(x))
            return super().forward(x)

    shown = teacher_evidence(Counted(), batch)
    values = [score(cell_network(), "m_r,kd", batch, teacher=shown)["kd"].value for _ in range(3)]
    assert calls == [8] and len(set(values)) == 1
    assert score(cell_network(), "kd", batch, teacher=Counted())["kd"].value == values[0]
    score(cell_network(), "params", batch, teacher=Counted())
    assert calls == [8, 8]  # a teacher that no proxy asks for is not looked at


def test_one_process_one_answer_whatever_mode_or_grad_setting(batch: tuple[Tensor, Tensor]) -> None:
    expected = score(cell_network().train(), "snip,nwot,zen", batch)
    with torch.no_grad():
        inside = score(cell_network().eval(), "snip,nwot,zen", batch)
    assert {n: s.value for n, s in inside.items()} == {n: s.value for n, s in expected.items()}


def test_bf16_is_an_option_that_changes_values(batch: tuple[Tensor, Tensor]) -> None:
    names = "grad_norm,snip,fisher,nwot,grasp,m_r,kd,meco,jacob"
    full = score(cell_network(), names, batch, teacher=Plain())
    half = score(cell_network(), names, batch, teacher=Plain(), precision="bf16")
    for name in full:
        assert half[name].status == "ok", half[name]
        assert half[name].value != full[name].value
    assert half["grad_norm"].value == pytest.approx(full["grad_norm"].value, rel=0.1)


def wrong(match: str, *arguments: Any, **options: Any) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        score(*arguments, **options)
    assert caught.value.exit_code == 2


def test_wrong_use_is_refused(batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    model = cell_network()
    wrong("unknown proxy 'gradnorm'. Did you mean grad_norm", model, "gradnorm", batch)
    wrong("no proxy matches 'q", model, "q*", batch)
    wrong("no proxy was named", model, ",", batch)
    wrong("one class", model, "snip", (x, torch.zeros(8, dtype=torch.int64)))
    wrong("one class", model, "snip", (x[:1], y[:1]))
    wrong("as many integer labels", model, "snip", (x, y[:4]))
    wrong("as many integer labels", model, "snip", (x, y.float()))
    wrong("10 classes and the batch has label 17", model, "nwot", (x, y + 10))
    wrong("unknown precision 'fp8'", model, "snip", batch, precision="fp8")
    shown = teacher_evidence(model, (x, y))
    wrong("another batch", model, "kd", (x[:4], y[:4]), teacher=shown)
    wrong("the teacher has 20 classes, the network 10", model, "kd", batch, teacher=cell_network(20))


def test_a_failing_batch_leaves_the_network_as_it_was(batch: tuple[Tensor, Tensor]) -> None:
    model = cell_network().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(UsageError, match="label 17"):
        score(model, "all", (batch[0], batch[1] + 10), teacher=model)
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_statuses_of_a_proxy_of_ones_own(batch: tuple[Tensor, Tensor]) -> None:
    answers: dict[str, Any] = {"ok": 3, "nan": math.nan, "infinite": -math.inf, "failed": KeyError("lost")}
    answers["not-applicable"] = NotApplicable("only on Sundays")
    answers["out-of-memory"] = RuntimeError("out of memory")
    for status, answer in answers.items():

        @proxy("my_own", direction="higher", needs=["model"], paper="mine")
        def my_own(evidence: Evidence, answer: Any = answer) -> float:
            """A test of the statuses."""
            if isinstance(answer, Exception):
                raise answer
            assert evidence.model.training
            return answer

        try:
            got = score(cell_network(), "my_own,params", batch)["my_own"]
        finally:
            remove("my_own")
        assert got.status == status
        assert got.value == (3.0 if status == "ok" else None)


def test_waiting_is_no_cost_on_a_cpu(batch: tuple[Tensor, Tensor]) -> None:
    @proxy("my_own", direction="higher", needs=["model"], paper="mine")
    def my_own(evidence: Evidence) -> float:
        """Another process has the core."""
        time.sleep(0.5)
        return 1.0

    try:
        got = score(cell_network(), "my_own", batch)["my_own"]
    finally:
        remove("my_own")
    assert got.value == 1 and 0 <= got.seconds < 0.4


def test_a_residual_network_is_scored_by_every_proxy() -> None:
    x, y = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1)), torch.arange(8)
    model = initialise(build_resnet((1, 1, 1), 10), "gaussian", 0)
    scores = score(model, "all", (x, y), teacher=initialise(build_resnet((2, 1, 1), 10), "gaussian", 1))
    assert {name for name, one in scores.items() if one.status != "ok"} == OF_TRANSFORMERS
    assert list(scores) == [info.name for info in all_proxies()]


@pytest.mark.gpu
def test_gpu_ranks_as_the_cpu_does() -> None:
    x, y = torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(1)), torch.arange(16) % 10
    values: dict[str, list[dict[str, float | None]]] = {"cpu": [], "cuda": []}
    for device, found in values.items():
        for depths in ((1, 1, 1), (3, 1, 1), (1, 3, 3)):
            model = initialise(build_resnet(depths, 10), "gaussian", 0).to(device)
            teacher = initialise(build_resnet((5, 1, 1), 10), "gaussian", 1).to(device)
            scores = score(model, "all", (x.to(device), y.to(device)), teacher=teacher)
            found.append({n: s.value for n, s in scores.items()})
    for name in values["cpu"][0]:
        ours, theirs = ([one[name] for one in values[device]] for device in ("cpu", "cuda"))
        assert sorted(range(3), key=lambda i: ours[i]) == sorted(range(3), key=lambda i: theirs[i]), name


def test_the_answer_is_a_table_too(batch: tuple[Tensor, Tensor]) -> None:
    found = score(cell_network(), "params,m_s,nwot", batch)
    assert type(found).__mro__[1] is dict and list(found) == ["params", "m_s", "nwot"]
    table = found.frame()
    assert list(table.index) == list(found) and list(table.columns) == ["value", "status", "reason", "seconds"]
    assert table.value["params"] == found["params"].value and table.status["m_s"] == "not-applicable"
    assert math.isnan(table.value["m_s"]) and "teacher" in table.reason["m_s"] and table.value.dtype == float
    lacking = Scores({"m_s": found["m_s"]}).frame()
    assert lacking.value.dtype == float and Scores().frame().shape == (0, 4)
