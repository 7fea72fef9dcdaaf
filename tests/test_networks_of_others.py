"""Networks that somebody else wrote: what is asked beside a score does not matter, nor how the network is written."""

import copy

import pytest
import torch
from others_support import LABELS, Around, block, images, stack, values
from torch import Tensor, nn
from torch.nn import functional

from proxies import score
from proxies.evidence import forward_features
from proxies.evidence.blocks import _jacobian


def test_a_block_that_begins_at_the_image_is_answered_alike_alone_and_beside_others() -> None:
    alone = values(stack(6, 8), "az_nas_trainability")["az_nas_trainability"]
    assert alone == values(stack(6, 8), "az_nas_trainability,jacob")["az_nas_trainability"] > -100


@pytest.mark.parametrize(("entering", "leaving"), [((6, 6), (3, 3)), ((7, 5), (4, 3))])
def test_the_jacobian_of_a_block_where_sizes_divide_and_where_they_do_not(
    entering: tuple[int, int], leaving: tuple[int, int]
) -> None:
    """For y = P x at the pixels of even places, (C_in x 4, C_out) has P^T in the first pixel of each window."""
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, *entering, requires_grad=True), torch.randn(5, 3)
    y = torch.einsum("oc,bchw->bohw", weight, x[:, :, ::2, ::2])
    assert y.shape[2:] == leaving
    signs = torch.randint(0, 2, (y.numel(),)).float() * 2 - 1
    above = signs.view(2, *leaving, 5).flatten(0, 2)
    below = above @ weight  # (positions, C_in)
    expected = torch.zeros(3, 4, 5)
    expected[:, 0] = below.T @ above / len(above)
    found = _jacobian(x, y, signs)
    assert found is not None
    torch.testing.assert_close(found, expected.flatten(0, 1))


def test_a_look_that_fails_fails_alone() -> None:
    class Growing(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return functional.interpolate(super().forward(x), scale_factor=2)

    torch.manual_seed(0)
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)
    model = nn.Sequential(block(3, 6, 2), Growing(*block(6, 6)), *head)
    beside = "spread_size,jacob,grasp,snip,nwot"
    found = score(model, f"az_nas_trainability,{beside}", (images(), LABELS))
    assert found["az_nas_trainability"].status == "not-applicable"
    assert "larger maps" in found["az_nas_trainability"].reason
    assert {name: one.value for name, one in found.items() if name in beside.split(",")} == values(model, beside)


class Windows(nn.Module):
    """Four windows an image, each by itself: what a layer sees first is (B * 4, ...)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.act, self.head = nn.Linear(48, 6), nn.ReLU(), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        cut = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).reshape(-1, 48)
        return self.head(self.act(self.one(cut)).view(len(x), 16, 6).mean(1))


def test_images_that_are_cut_up_are_told_apart_or_refused() -> None:
    found = score(Windows(), "nwot,snip,fisher,flops,wrcor", (images(), LABELS))
    assert found["flops"].value == 16 * 48 * 6 + 6 * 4 and found["snip"].status == "ok"
    assert "in parts" in found["nwot"].reason and "in 128 parts" in found["fisher"].reason
    assert {found[name].status for name in ("nwot", "fisher", "wrcor")} == {"not-applicable"}


def test_nobody_calls_a_method_that_is_not_asked_for() -> None:
    class Timm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = stack(6, 8)

        def forward_features(self, x: Tensor, mask: Tensor) -> Tensor:
            raise AssertionError("called")

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)

    assert values(Timm(), "snip,zen") == values(Around(stack(6, 8), lambda x: x), "snip,zen")


class Transformer(nn.Module):
    """Patches by a convolution, attention with norms of queries, a head on the mean of the tokens."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patch, self.qkv, self.q_norm = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 24), nn.Identity()
        self.proj, self.norm, self.head = nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patch(x).flatten(2).mT
        q, k, v = self.qkv(t).view(len(x), 16, 3, 2, 4).permute(2, 0, 3, 1, 4)
        mixed = functional.softmax(self.q_norm(q) @ k.mT, -1) @ v
        return self.head(self.norm(t + self.proj(mixed.transpose(1, 2).flatten(2))).mean(1))


class NextBlock(nn.Module):
    """A block of ConvNeXt: the pointwise layers as `nn.Linear` on (B, H, W, C), or as convolutions."""

    def __init__(self, linear: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.depth, self.act, self.linear = nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.GELU(), linear
        wide, back = nn.Linear(8, 16), nn.Linear(16, 8)
        self.wide, self.back = (wide, back) if linear else (pointwise(wide), pointwise(back))

    def forward(self, x: Tensor) -> Tensor:
        y = self.depth(x)
        if self.linear:
            return x + self.back(self.act(self.wide(y.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)
        return x + self.back(self.act(self.wide(y)))


def pointwise(layer: nn.Linear) -> nn.Conv2d:
    made = nn.Conv2d(layer.in_features, layer.out_features, 1)
    with torch.no_grad():
        made.weight.copy_(layer.weight[:, :, None, None])
        made.bias.copy_(layer.bias)  # type: ignore[union-attr]
    return made


def test_maps_are_those_with_channels_in_front() -> None:
    assert forward_features(Transformer(), images())[:2] == ((), None)

    def network(linear: bool) -> nn.Module:
        torch.manual_seed(0)
        ends = nn.Conv2d(3, 8, 4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
        return nn.Sequential(ends[0], NextBlock(linear), *ends[1:])

    of_linear, of_convolution = (forward_features(network(linear), images()) for linear in (True, False))
    torch.testing.assert_close(of_linear.logits, of_convolution.logits)
    assert [tuple(s.shape) for s in of_linear.stages] == [(8, 8, 4, 4)] and of_linear.averaged
    torch.testing.assert_close(of_linear.last, of_linear.stages[0])
    torch.testing.assert_close(of_linear.pooled, of_linear.stages[0].mean((2, 3)))


def test_m_s_is_of_heads_that_read_the_mean() -> None:
    mean = stack(6, 8, head=nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 4)))
    most = copy.deepcopy(mean)
    most[2] = nn.AdaptiveMaxPool2d(1)  # type: ignore[index]
    assert values(mean, "m_s", teacher=stack(6, 8)).keys() == {"m_s"}
    for pair in ((most, mean), (mean, most)):
        refused = score(pair[0], "m_s,m_r", (images(), LABELS), teacher=pair[1])
        assert refused["m_s"].status == "not-applicable" and "mean of the last map" in refused["m_s"].reason
        assert refused["m_r"].status == "ok"


def test_passes_do_not_see_what_others_left_in_buffers() -> None:
    class Drifting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = stack(6, 8)
            self.register_buffer("scale", torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            self.scale.mul_(1.5)  # type: ignore[operator]
            return self.inner(x * self.scale)

    names = ("jacob", "te_nas_ntk", "zico", "synflow", "dextr")
    together = values(Drifting(), ",".join(names))
    assert together == {name: values(Drifting(), name)[name] for name in names}


def test_images_may_be_overwritten_and_are_not() -> None:
    written, plain = (Around(stack(6, 8), f) for f in (lambda x: x.sub_(0.5).div_(0.25), lambda x: (x - 0.5) / 0.25))
    x = images()
    names = "snip,jacob,zico,te_nas_ntk,gradsign,nwot,synflow,near"
    assert values(written, names, x) == values(plain, names) and torch.equal(x, images())


class Residual(nn.Module):
    def __init__(self, inplace: bool, added: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.blocks = block(3, 6), nn.ModuleList(block(6, 6, inplace=inplace) for _ in range(2))
        self.act, self.head, self.added = nn.ReLU(inplace), nn.Linear(6, 4), added

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x) * 2
        for one in self.blocks:
            y = one(self.act(x.clone()))
            if self.added:
                x += y
            else:
                x = x + y
        return self.head(self.act(x).mean((2, 3)))


@pytest.mark.parametrize(("inplace", "added"), [(True, False), (False, True), (True, True)])
def test_how_a_network_is_written_in_place_changes_no_score(inplace: bool, added: bool) -> None:
    names = "nwot,fisher,snip,jacob,az_nas_expressivity,az_nas_trainability,wrcor,swap"
    assert values(Residual(inplace, added), names) == values(Residual(False, False), names)


def test_what_overwrites_what_a_score_keeps_is_named() -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 6, 3), nn.Conv2d(3, 6, 3)
            self.head = nn.Linear(6, 4)

        def forward(self, x: Tensor) -> Tensor:
            y = self.one(x)
            y += self.two(x)
            return self.head(y.mean((2, 3)))

    found = score(Layer(), "fisher,snip", (images(), LABELS))
    assert found["fisher"].status == "not-applicable" and "`x = x + y`" in found["fisher"].reason
    assert found["snip"].status == "ok"
