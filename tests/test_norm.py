"""Batch norm of the shared passes: PyTorch's function, with sums that are exact in every memory layout."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

from proxies.evidence.borrow import borrowed
from proxies.evidence.norm import exact_batch_norm

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def norm(channels: int) -> nn.BatchNorm2d:
    made = nn.BatchNorm2d(channels)
    generator = torch.Generator().manual_seed(0)
    made.weight.data.uniform_(0.5, 1.5, generator=generator)
    made.bias.data.normal_(generator=generator)
    return made


def maps(*shape: int, layout: torch.memory_format = torch.channels_last) -> Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3 + 2
    return x.contiguous(memory_format=layout)


def passes(model: nn.Module, x: Tensor, direction: Tensor, exact: bool) -> list[Tensor]:
    """y and the gradients of <y, direction> with respect to x, scale and shift."""
    x = x.clone().requires_grad_()
    with borrowed(model):
        if exact:
            with exact_batch_norm(model):
                y = model(x)
        else:
            y = model(x)
        return [y.detach(), *torch.autograd.grad((y * direction).sum(), [x, *model.parameters()])]


@pytest.mark.parametrize("layout", LAYOUTS, ids=["rows of channels", "planes"])
def test_against_float64(layout: torch.memory_format) -> None:
    model, x = norm(4), maps(64, 4, 32, 32, layout=layout)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(2)).contiguous(memory_format=layout)
    ours = passes(model, x, direction, exact=True)
    truth = passes(model.double(), x.double(), direction.double(), exact=False)
    summed = x.numel() // 4
    for a, b, scale in zip(ours, truth, (4, 4, summed, summed), strict=True):  # of y, of one gradient, of sums
        assert float((a - b).abs().max()) < 5e-7 * scale
    assert ours[0].is_contiguous(memory_format=layout)


def test_what_it_mends() -> None:
    """PyTorch's own sums over rows are further off; once they are not, there is nothing left to mend."""
    x = maps(64, 4, 32, 32)
    truth = passes(norm(4).double(), x.double(), x.double(), exact=True)[0]
    ours, theirs = (passes(norm(4), x, x, exact)[0] for exact in (True, False))
    assert float((ours - truth).abs().max()) < float((theirs - truth).abs().max())


@pytest.mark.parametrize("layout", LAYOUTS, ids=["planes", "rows of channels"])
def test_first_and_second_derivatives(layout: torch.memory_format) -> None:
    model = norm(3).double()
    x = maps(4, 3, 2, 3, layout=layout).double().requires_grad_()

    def function(x: Tensor) -> Tensor:
        return model(x)

    with borrowed(model), exact_batch_norm(model):
        assert gradcheck(function, (x,))
        assert gradgradcheck(function, (x,))


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 5)])
def test_other_shapes_are_pytorchs(shape: tuple[int, ...]) -> None:
    model, x = nn.BatchNorm1d(3), torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with borrowed(model), exact_batch_norm(model):
        torch.testing.assert_close(model(x), functional.batch_norm(x, None, None, training=True))


def test_what_it_leaves_alone() -> None:
    """Half precision, a single value, norms in evaluation mode, forwards of one's own; and all of them afterwards."""
    model, x = norm(3), maps(2, 3, 4, 4)
    with exact_batch_norm(model):
        half = model(x.bfloat16())
        assert half.dtype == torch.bfloat16
        with pytest.raises(ValueError, match="more than 1 value"):
            model(maps(1, 3, 1, 1))
        assert "forward" in vars(model)
    assert "forward" not in vars(model)
    with exact_batch_norm(model.eval()):
        assert "forward" not in vars(model)
    model.train().forward = lambda x: x  # type: ignore[method-assign]
    with exact_batch_norm(model):
        assert model(x) is x
