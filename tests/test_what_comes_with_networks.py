"""What comes with networks that somebody else wrote: labels, teachers, logits that are none, attributes."""

import copy
import warnings

import pytest
import torch
from others_support import LABELS, Around, block, images, stack, values
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies import score, teacher_evidence
from proxies.evidence import Evidence
from proxies.evidence.split import can_split
from proxies.inits import initialise
from proxies.registry import get, proxy


def test_the_classes_are_those_of_the_logits() -> None:
    class Squeezed(nn.Module):
        """A gate of 128 units that is registered behind the classifier, or before it."""

        def __init__(self, first: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            gate, head = nn.Linear(128, 128), nn.Linear(128, 4)
            self.body = block(3, 128)
            parts = {"head": head, "gate": gate} if first else {"gate": gate, "head": head}
            for name, part in parts.items():
                self.add_module(name, part)

        def forward(self, x: Tensor) -> Tensor:
            x = self.body(x).mean((2, 3))
            return self.head(x * self.gate(x).sigmoid())

    assert values(Squeezed(True), "epe_nas,spread_size") == values(Squeezed(False), "epe_nas,spread_size")


def test_images_that_change_nothing_are_alike() -> None:
    gradient = torch.randn(6, 12, generator=torch.Generator().manual_seed(0)).view(6, 3, 2, 2)
    gradient[2] = 0
    given = Evidence(stack(6, 8), torch.zeros(6, 3, 2, 2), LABELS[:6], found={"input_gradient": gradient})
    kept = [i for i in range(6) if i != 2]
    corr = torch.corrcoef(gradient[kept].flatten(1).double())
    logs = [-(corr[i, j].abs() + 1e-5).log() for i in range(5) for j in range(i)]
    assert float(get("gradient_spread").function(given)) == pytest.approx(float(sum(logs)) / 15, abs=1e-4)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32])
def test_labels_of_any_kind_of_integer(kind: torch.dtype) -> None:
    names, teacher = "snip,m_s,m_s_readme,zico,gradsign", stack(6, 8)
    found = score(stack(6, 8), names, (images(), LABELS.to(kind)), teacher=teacher)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {n: s.value for n, s in found.items()} == values(stack(6, 8), names, teacher=teacher)


@pytest.mark.parametrize("name", ["snip", "zico", "gradsign", "te_nas_ntk", "synflow", "near"])
def test_every_pass_looks_at_what_comes_out(name: str) -> None:
    with pytest.raises(UsageError, match="the network has 4 classes and the batch has label 7"):
        score(stack(6, 8), name, (images(), torch.arange(8)))

    class Pair(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x), None  # type: ignore[return-value]

    found = score(Pair(*stack(6, 8)), name, (images(), LABELS))[name]
    assert found.status == "failed" and "returned tuple: expected logits (B, K)" in found.reason


def test_teachers_that_are_none_fail_or_saw_something_else() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("boom")

    found = score(stack(6, 8), "snip,m_r", (images(), LABELS), teacher=Broken())
    assert found["snip"].status == "ok" and found["m_r"].reason == "the teacher: RuntimeError: boom"
    for wrong, said in (("resnet20", "str 'resnet20'"), (nn.Linear, "the class Linear")):
        with pytest.raises(UsageError, match=f"teacher: {said}.*expected a network"):
            score(stack(6, 8), "snip", (images(), LABELS), teacher=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="model: str 'resnet20'; expected a network"):
        score("resnet20", "snip", (images(), LABELS))  # type: ignore[arg-type]
    other = teacher_evidence(stack(6, 8), (images() + 1, LABELS))
    with pytest.raises(UsageError, match="another batch"):
        score(stack(6, 8), "m_r", (images(), LABELS), teacher=other)


def test_a_network_of_nan_has_no_number_of_regions_or_kernel() -> None:
    model = stack(6, 8)
    with torch.no_grad():
        model[0][0].weight[0] = torch.nan  # type: ignore[index]
    assert {one.status for one in score(model, "nwot,te_nas_regions,swap", (images(), LABELS)).values()} == {"nan"}


def test_a_forward_of_its_own_stays() -> None:
    model = stack(6, 8)
    convolution = model[0][0]  # type: ignore[index]
    own = convolution.forward
    convolution.forward = lambda x: 3 * own(x) + 1
    assert values(model, "snip,grasp")["snip"] == values(model, "snip")["snip"]


def test_small_images_are_refused_in_whatever_way() -> None:
    def check(x: Tensor) -> Tensor:
        assert x.shape[-1] == 16, "expected 16"
        return x

    found = score(Around(stack(6, 8), check), "te_nas_regions", (images(), LABELS))["te_nas_regions"]
    assert found.status == "not-applicable" and "does not take 4 x 4 inputs: expected 16" in found.reason


def test_dropout_is_not_scored_in_parts() -> None:
    def of(p: float) -> Evidence:
        return Evidence(nn.Sequential(nn.Dropout(p), nn.Linear(3, 4)), torch.zeros(8, 3), LABELS)

    assert can_split(of(0.0)) and not can_split(of(0.3))


def test_a_network_goes_back_with_its_own_attributes() -> None:
    class Remembers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.calls = stack(6, 8), 0
            self.inner[0][2].inplace = True  # type: ignore[index]

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.seen = x.mean()
            return self.inner(x)

    model = Remembers()
    values(model, "jacob,snip")
    assert model.calls == 0 and not hasattr(model, "seen")
    assert model.inner[0][2].inplace is True  # type: ignore[index]
    copy.deepcopy(model)


def test_attention_is_drawn_anew() -> None:
    def drawn() -> Tensor:
        return initialise(nn.MultiheadAttention(4, 2), "gaussian", 0).in_proj_weight  # type: ignore[return-value]

    assert torch.equal(drawn(), drawn())


def test_refusals_say_what_is_missing() -> None:
    found = score(stack(6, 8), "rbflex", (images()[:2], LABELS[:2]))["rbflex"]
    assert found.status == "not-applicable" and "needs 3 images" in found.reason
    up = nn.Sequential(nn.ConvTranspose2d(3, 6, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
    assert "would miss 0.weight" in score(up, "flops", (images(), LABELS))["flops"].reason
    with pytest.raises(UsageError, match=r"needs 'features': expected a list, \['features'\]"):
        proxy("mine", direction="higher", needs="features", paper="-")


def test_units_that_are_cut_at_six_count_as_others() -> None:
    six = stack(6, 8)
    for one in six[:2]:
        one[2] = nn.ReLU6()  # type: ignore[index,operator]
    assert values(six, "nwot,swap,wrcor,rbflex").keys() == {"nwot", "swap", "wrcor", "rbflex"}
