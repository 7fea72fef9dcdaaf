"""Networks: sizes against closed forms, features without hooks, and outputs against independent re-implementations."""

import random
from pathlib import Path

import pytest
import torch
from benchmark_network import TinyNetwork
from torch import Tensor, nn

from diswot_errors import DataError, UsageError
from nb201_data.networks import RESNETS, Network, build_network, build_resnet
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, all_cells, distinct_cells, sample_cells
from nb201_data.spaces import get_space
from nb201_data.teachers import trained_teacher
from nb201_data.weights import load_weights

EMPTY = Cell(("none",) * 6)
FULL = Cell(("nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3", "skip_connect", "nor_conv_3x3", "nor_conv_1x1"))
CELLS = [EMPTY, FULL, *sample_cells(6, seed=11, among=distinct_cells())]
DEAD = [
    Cell.parse(text)
    for text in (
        "|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|",  # fed by zeros
        "|none~0|+|none~0|nor_conv_1x1~1|+|none~0|nor_conv_3x3~1|nor_conv_3x3~2|",  # only zeros get through
        "|none~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|none~0|skip_connect~1|nor_conv_3x3~2|",
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|none~2|",  # nobody uses the results
        "|skip_connect~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|",
    )
]
SKELETONS = [Skeleton(), Skeleton(16, 5, 120, 16), Skeleton(8, 1, 100, 16), Skeleton(4, 2, 10, 32)]


def images(batch: int, side: int, seed: int = 0) -> Tensor:
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(seed))


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def counted(network: nn.Module, side: int) -> dict[str, int]:
    """Multiply-adds of convolutions and linear layers, outputs of batch norms and of ReLU modules: by hooks."""
    found = {"mac": 0, "norm": 0, "relu": 0}

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d | nn.Linear):
            found["mac"] += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.BatchNorm2d):
            found["norm"] += output.numel()
        elif isinstance(module, nn.ReLU):
            found["relu"] += output.numel()

    handles = [module.register_forward_hook(count) for module in network.modules()]
    network.eval()(images(1, side))
    for handle in handles:
        handle.remove()
    return found


def shaken(network: nn.Module, seed: int) -> nn.Module:
    """Batch norms with statistics and weights that are not the initial ones."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
            for tensor in (module.bias.data, module.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) / 2)
    return network


def fed_by_zeros() -> list[Cell]:
    """The 2,290 cells in which a convolution is fed by zeros."""

    def waits(cell: Cell) -> bool:
        a, b, c, _, e, f = cell.ops
        one, two = a == "none", b == "none" and (a == "none" or c == "none")
        return any(zero and "conv" in op for zero, op in ((one, c), (one, e), (two, f)))

    return [cell for cell in all_cells() if waits(cell)]


class TestCellNetworks:
    @pytest.mark.parametrize("skeleton", SKELETONS, ids=str)
    def test_parameters_and_flops_equal_the_closed_forms(self, skeleton: Skeleton) -> None:
        space = get_space("nb201").with_skeleton(skeleton)
        for cell in CELLS[:4] if skeleton.channels == 16 else CELLS:
            network = space.build(cell)
            assert parameters(network) == space.params(cell)
            assert counted(network, skeleton.resolution)["mac"] == space.flops(cell)

    @pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])
    @pytest.mark.parametrize("cell", [*CELLS, *DEAD, *sample_cells(6, seed=5, among=fed_by_zeros())], ids=str)
    def test_computes_what_the_benchmark_computes(self, cell: Cell, training: bool) -> None:
        """Logits, gradients and running statistics, whatever scales, shifts and statistics the batch norms have."""
        ours = shaken(build_network(cell, 7, channels=4, cells_per_stage=2), seed=1).train(training).double()
        theirs = TinyNetwork(str(cell), 7, channels=4, cells_per_stage=2).train(training).double()
        theirs.load_state_dict(ours.state_dict())  # strict: every name and shape fits
        x = images(3, 16).double()
        logits = [network(x) for network in (ours, theirs)]
        torch.testing.assert_close(*logits)
        for y in logits:
            y.square().sum().backward()
        for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            p.grad, q.grad = (torch.zeros_like(r) if r.grad is None else r.grad for r in (p, q))
            torch.testing.assert_close(p.grad, q.grad, msg=name)
        for name, buffer in theirs.named_buffers():
            torch.testing.assert_close(ours.get_buffer(name), buffer, msg=name)

    @pytest.mark.parametrize("cell", [*DEAD, *sample_cells(6, seed=6, among=fed_by_zeros())], ids=str)
    def test_flops_of_dead_branches_count(self, cell: Cell) -> None:
        space = get_space("nb201").with_skeleton(SKELETONS[-1])
        assert counted(space.build(cell), 32)["mac"] == space.flops(cell)

    @pytest.mark.slow
    def test_flops_of_every_cell_are_the_closed_form(self) -> None:
        """Which is the benchmark's column: `test_closed_forms_of_all_rows`."""
        space = get_space("nb201").with_skeleton(Skeleton(2, 1, 10, 8))
        assert [str(c) for c in all_cells() if counted(space.build(c), 8)["mac"] != space.flops(c)] == []

    @torch.no_grad()
    def test_weights_of_the_benchmarks_own_code_load(self, reference_data: Path) -> None:
        x = torch.load(reference_data / "reference_scores" / "data.pt", weights_only=True)["x"][:4]
        for number in (0, 2, 4, 6):
            path = reference_data / "reference_scores" / f"arch{number}.pt"
            saved = torch.load(path, weights_only=True)
            network = load_weights(build_network(saved["arch"], 100), path).eval()  # strict: every name and shape fits
            theirs = TinyNetwork(saved["arch"], 100).eval()
            theirs.load_state_dict(saved["state_dict"])
            torch.testing.assert_close(network(x), theirs(x), rtol=1e-3, atol=1e-3)

    def test_features(self) -> None:
        network = build_network(FULL, 10, channels=4, cells_per_stage=1).eval()
        x = images(2, 16)
        features = network.forward_features(x)
        assert [tuple(stage.shape) for stage in features.stages] == [(2, 4, 16, 16), (2, 8, 8, 8), (2, 16, 4, 4)]
        assert features.last is features.stages[-1] and (features.last >= 0).all()
        torch.testing.assert_close(features.pooled, features.last.mean((2, 3)))
        torch.testing.assert_close(features.logits, network.classifier(features.pooled))
        torch.testing.assert_close(network(x), features.logits)

    def test_the_string_does_as_well_as_the_cell(self) -> None:
        assert build_network(str(FULL), 10, 4, 1).cells[0].cell == FULL
        with pytest.raises(UsageError, match="malformed cell"):
            build_network("|none~0|", 10)

    def test_a_cell_that_passes_nothing_on_still_trains(self) -> None:
        network = build_network(EMPTY, 10, channels=4, cells_per_stage=1)
        network(images(4, 16)).sum().backward()
        assert network.classifier.weight.grad is not None

    def test_how_many_cells_have_a_convolution_fed_by_zeros(self) -> None:
        assert len(fed_by_zeros()) == 2290


class TestResNets:
    @pytest.mark.parametrize("name", ["s0", "s0-plain"])
    @pytest.mark.parametrize("arch", ["111", "357", "777"])
    def test_parameters_and_flops_equal_the_closed_forms(self, name: str, arch: str) -> None:
        space = get_space(name)
        depths = space.parse(arch)
        network = space.build(depths)
        found = counted(network, 32)
        assert parameters(network) == space.params(depths)
        assert found["mac"] + 2 * found["norm"] + found["relu"] == space.flops(depths)

    def test_all_s0_parameters(self) -> None:
        s0 = get_space("s0")
        assert {parameters(s0.build(arch)) for arch in s0.all()} == {s0.params(arch) for arch in s0.all()}

    @pytest.mark.parametrize("name", sorted(RESNETS))
    def test_depth_is_in_the_name(self, name: str) -> None:
        network = build_resnet(name, 100)
        layers = [
            m for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and "downsample" not in n
        ]
        assert len(layers) == int(name.removeprefix("resnet"))
        assert network.classifier.out_features == 100

    def test_features(self) -> None:
        network = build_resnet((1, 1, 1), 10).eval()
        features = network.forward_features(images(2, 32))
        assert [tuple(stage.shape) for stage in features.stages] == [(2, 16, 32, 32), (2, 32, 16, 16), (2, 64, 8, 8)]
        torch.testing.assert_close(features.logits, network.fc(features.last.mean((2, 3))))

    @torch.no_grad()
    def test_the_shortcut_is_what_plain_networks_lack(self) -> None:
        """With the second batch norm of each block at zero, a residual block passes its input on, a plain one none."""
        for residual in (True, False):
            network = build_resnet((1, 1, 1), 10, residual).eval()
            for name, module in network.named_modules():
                if name.endswith("bn2"):
                    module.weight.zero_()
            assert bool(network.forward_features(images(2, 16)).stages[0].any()) is residual

    def test_unknown_names(self) -> None:
        with pytest.raises(UsageError, match="expected one of resnet20"):
            build_resnet("resnet18", 10)


class TestEveryNetwork:
    @pytest.mark.parametrize("make", [lambda: build_network(FULL, 10, 4, 1), lambda: build_resnet((1, 1, 1), 10)])
    def test_channels_last_from_end_to_end(self, make: type[Network]) -> None:
        network = make()
        assert all(p.is_contiguous(memory_format=torch.channels_last) for p in network.parameters() if p.dim() == 4)
        x = images(4, 16).contiguous(memory_format=torch.channels_last)
        features = network.forward_features(x)
        assert all(stage.is_contiguous(memory_format=torch.channels_last) for stage in features.stages)

    @pytest.mark.parametrize("make", [lambda: build_network(FULL, 10, 4, 1), lambda: build_resnet((2, 1, 3), 10)])
    def test_maps_before_the_last_relu_of_a_stage(self, make: type[Network]) -> None:
        network = make()
        features = network.forward_features(images(4, 16))
        for before, after in zip(features.before, features.stages, strict=True):
            assert before is after or torch.equal(before.relu(), after)
        assert (features.before[-1] < 0).any()

    def test_only_the_last_stage_of_a_cell_network_ends_in_a_relu(self) -> None:
        """The cells before the reductions hand on sums, which may be negative."""
        features = build_network(FULL, 10, 4, 1).forward_features(images(4, 16))
        same = [before is after for before, after in zip(features.before, features.stages, strict=True)]
        assert same == [True, True, False] and (features.stages[0] < 0).any()

    @torch.no_grad()
    def test_the_norms_that_end_a_stage(self) -> None:
        """Without shortcuts the map before the last ReLU is what they normalised."""
        network = build_resnet((1, 2, 1), 10, residual=False).train()
        assert build_network(FULL, 10, 4, 1).norms == ()
        for place, norm in enumerate(network.norms):
            norm.weight.fill_(0.0)
            norm.bias.fill_(place - 3.0)
        features = network.forward_features(images(4, 16))
        assert [map.unique().tolist() for map in features.before] == [[-3.0], [-2.0], [-1.0]]

    def test_no_hooks_are_left(self) -> None:
        network = build_network(FULL, 10, 4, 1)
        network.forward_features(images(2, 16))
        assert not any(m._forward_hooks or m._backward_hooks or m._forward_pre_hooks for m in network.modules())

    def test_random_spaces_build(self) -> None:
        for name in ("nb201", "s0", "s0-plain"):
            space = get_space(name)
            assert space.build(space.draw(random.Random(1))).classifier.out_features == space.skeleton.classes


class TestWeights:
    def test_teacher_of_the_data_folder(self, reference_data: Path) -> None:
        teacher = trained_teacher("resnet56", "cifar100", 100)
        assert not teacher.training and parameters(teacher) == parameters(build_resnet("resnet56", 100))

    def test_absent_teacher_says_how_to_train_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
        with pytest.raises(DataError, match=r"benchmarks\.distill .*resnet20"):
            trained_teacher("resnet20", "cifar100", 100)

    def test_wrong_weights_are_refused(self, tmp_path: Path) -> None:
        network = build_resnet((1, 1, 1), 10)
        torch.save(build_resnet((1, 1, 3), 10).state_dict(), tmp_path / "other.pth")
        with pytest.raises(DataError, match="do not fit ResNet"):
            load_weights(network, tmp_path / "other.pth")
        (tmp_path / "cut.pth").write_bytes((tmp_path / "other.pth").read_bytes()[:5000])
        with pytest.raises(DataError, match="cannot read weights"):
            load_weights(network, tmp_path / "cut.pth")
        with pytest.raises(DataError, match="no weights at"):
            load_weights(network, tmp_path / "absent.pth")

    def test_weights_come_back(self, tmp_path: Path) -> None:
        a, b = build_resnet((1, 1, 1), 10), build_resnet((1, 1, 1), 10)
        torch.save({"state_dict": a.state_dict()}, tmp_path / "a.pth")
        load_weights(b, tmp_path / "a.pth")
        assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
