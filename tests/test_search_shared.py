"""Weight sharing: the supernet contains every cell, and its three searches run to the end and resume."""

import io

import pytest
import torch
from torch import nn

from benchmarks.search import all_strategies, max_params
from benchmarks.search.supernet import Supernet, one_hot
from benchmarks.search.weight_sharing import SharedTask, search_shared
from diswot_errors import UsageError
from nb201_data.image_set import ImageSet
from nb201_data.networks import CellBlock, build_network
from nb201_data.sealed import read_sealed
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, sample_cells
from nb201_data.spaces import get_space
from proxies.inits import generator_for

NAMES = [info.name for info in all_strategies() if info.kind == "weight-sharing"]
SPACE = get_space("nb201").with_skeleton(Skeleton(4, 1, 3, 8))


class Blobs:
    """128 images of three classes that differ in brightness: learnt in a few steps."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.y = torch.arange(128) % 3
        noise = torch.randint(0, 60, (128, 3, 8, 8), generator=generator)
        self.x = (noise + 60 * self.y.view(-1, 1, 1, 1)).to(torch.uint8)

    def __len__(self) -> int:
        return 128

    def take(self, indices):
        return self.x[indices], self.y[indices]


class Sealed:
    """A test split that nobody may open."""

    def __getattr__(self, name):
        raise AssertionError(f"the search looked at the test split ({name})")


IMAGES = ImageSet("blobs", 3, 8, (0.4, 0.4, 0.4), (0.2, 0.2, 0.2), Blobs(), Sealed())


def task(**changes) -> SharedTask:
    return SharedTask(**{"space": SPACE, "images": IMAGES, "epochs": 6, "batch_size": 8, "seed": 0} | changes)


@pytest.mark.parametrize("cell", sample_cells(4, 1), ids=str)
def test_one_path_of_the_supernet_is_the_network_of_the_cell(cell):
    """With the same weights and norms without scale and shift, both compute the same logits."""
    skeleton = Skeleton(4, 2, 3, 8)
    supernet = Supernet(skeleton, seed=3)
    network = build_network(cell, 3, 4, 2)
    for ours, theirs in zip(network.cells, supernet.cells, strict=True):
        if not isinstance(ours, CellBlock):
            ours.load_state_dict(theirs.state_dict(), strict=False)
            continue
        for op, layer, edge in zip(cell.ops, ours.layers, theirs.edges, strict=True):
            if op.startswith("nor_conv"):
                layer.op[1].load_state_dict(
                    edge.operations[["nor_conv_1x1", "nor_conv_3x3"].index(op) + 1].op[1].state_dict()
                )
    for name in ("stem", "lastact", "classifier"):
        getattr(network, name).load_state_dict(getattr(supernet, name).state_dict(), strict=False)
    x = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(supernet(x, one_hot(cell, x.device)), network.train()(x))


def test_mixture_is_the_weighted_sum_of_the_operations():
    supernet = Supernet(Skeleton(4, 1, 3, 8), seed=0)
    edge = supernet.cells[0].edges[0]
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([0.5, 0.1, 0.2, 0.0, 0.2])
    expected = (
        0.1 * x + 0.2 * edge.operations[1](x) + 0.2 * nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    )
    torch.testing.assert_close(edge(x, weights, (weights != 0).tolist()), expected)


@torch.no_grad()
def shared_accuracy(file, cell: Cell) -> float:
    """Percent right of one path, with the weights in the file, on the half of the images that did not train them."""
    network = Supernet(SPACE.skeleton, 0)
    network.load_state_dict(torch.load(io.BytesIO(read_sealed(file) or b""), weights_only=True)["network"])
    half = torch.randperm(128, generator=generator_for(0, "halves"))[64:]
    x, y = IMAGES.train.take(half)
    logits = network((x / 255 - 0.4) / 0.2, one_hot(cell, x.device))
    return 100 * float((logits.argmax(1) == y).float().mean())


@pytest.mark.parametrize("name", NAMES)
def test_runs_to_the_end_and_resumes(name, tmp_path):
    settings = {"samples": 8} if name == "rsps" else {"architecture_rate": 0.1}
    whole = search_shared(name, task(folder=tmp_path / "whole"), settings)
    assert isinstance(whole.best, Cell) and len(whole.epochs) == 6
    assert whole.value == pytest.approx(shared_accuracy(tmp_path / "whole" / "supernet.pt", whole.best))
    assert whole.value > 50  # of three classes, which brightness tells apart
    assert whole.epochs[-1].loss < 0.8 * whole.epochs[0].loss

    def stop(epoch):
        if epoch.index == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search_shared(name, task(folder=tmp_path / "cut", watch=stop), settings)
    cut = search_shared(name, task(folder=tmp_path / "cut"), settings)
    assert (cut.best, cut.value) == (whole.best, whole.value)
    assert [(e.cell, e.loss, e.accuracy) for e in cut.epochs] == [(e.cell, e.loss, e.accuracy) for e in whole.epochs]
    with pytest.raises(UsageError, match="seed: 0 there, 1 now"):
        search_shared(name, task(folder=tmp_path / "cut", seed=1), settings)
    if name != "rsps":
        assert whole.epochs[0].cell != whole.epochs[-1].cell  # the architecture moved


@pytest.mark.parametrize("name", NAMES)
def test_constraints_and_refusals(name):
    limit = max_params(SPACE, SPACE.params(Cell(("skip_connect",) * 6)))
    assert limit.met(search_shared(name, task(epochs=1, constraints=[limit])).best)
    with pytest.raises(UsageError, match="no architecture of nb201"):
        search_shared(name, task(constraints=[max_params(SPACE, 10)]))
    with pytest.raises(UsageError, match="needs the cells of nb201"):
        search_shared(name, task(space=get_space("s0")))
    with pytest.raises(UsageError, match="10 classes, blobs has 3"):
        search_shared(name, task(space=get_space("nb201")))
    with pytest.raises(UsageError, match="asks for evaluations"):
        search_shared("evolution", task())
