"""The spaces of vision transformers: published counts, tables, moves, networks against a few lines, images."""

import json
import math
import random
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from files_support import rows_of
from scipy import stats
from torch import Tensor
from torch.nn import functional

from diswot_errors import UsageError
from nb201_data.counting import multiply_adds, parameters
from nb201_data.ground_truth import available, load_ground_truth
from nb201_data.images import load_images
from nb201_data.skeleton import Skeleton
from nb201_data.space import sample
from nb201_data.spaces import SearchSpace, get_space
from nb201_data.teachers import build_teacher, resolve_teacher
from nb201_data.transformers import AutoFormer, PiT
from proxies import initialise

DEIT = "c192h333333333333r888888888888"
PIT_TI = "b32m4d264h248"
NAMES = ("autoformer", "pit")


def few(space: SearchSpace) -> list[object]:
    return [space.draw(random.Random(seed)) for seed in range(3)]


@pytest.mark.parametrize(("name", "key", "count"), [("autoformer", DEIT, 5_717_416), ("pit", PIT_TI, 4_847_272)])
def test_published_numbers_of_parameters(name: str, key: str, count: int) -> None:
    """DeiT-Ti and PiT-Ti (4.85 million) with the 1,000 classes of ImageNet."""
    space = get_space(name).fitted(1_000, 224)
    arch = space.parse(key)
    assert space.params(arch) == parameters(space.build(arch)) == count


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("resolution", [32, 72])
def test_closed_forms_are_counted_in_the_network(name: str, resolution: int) -> None:
    space = get_space(name).fitted(7, resolution)
    for arch in few(space):
        network = space.build(arch)
        assert space.params(arch) == parameters(network)
        assert space.flops(arch) == space.flops_pruned(arch) == multiply_adds(network, resolution)


def test_flops_at_full_size() -> None:
    for name, key in (("autoformer", DEIT), ("pit", "b16m2d166h222")):
        space = get_space(name)
        arch = space.parse(key)
        assert space.flops(arch) == multiply_adds(space.build(arch), 224)


class TestTables:
    @pytest.mark.parametrize(
        ("file", "name", "first", "least", "most"),
        [
            ("autoformer", "autoformer", 5_321_956, 5_284_996, 9_746_260),
            ("pit", "pit", 893_828, 156_612, 29_472_420),
        ],
    )
    def test_sizes_in_the_tables(
        self, reference_data: Path, file: str, name: str, first: int, least: int, most: int
    ) -> None:
        space = get_space(name)
        rows = rows_of(reference_data / "distillation" / f"{file}.csv")
        sizes = [space.params(space.parse(row["arch"])) for row in rows]
        assert (sizes[0], min(sizes), max(sizes)) == (first, least, most)

    RANKED: ClassVar[dict[str, dict[str, float]]] = {  # Spearman; width: what Auto-DAS sees
        "vit:autoformer:cifar100:kd": {"width": 0.519, "params": 0.717, "depth": 0.793},
        "vit:autoformer:flowers:kd": {"width": 0.779, "params": 0.855},
        "vit:autoformer:chaoyang:kd": {"width": 0.460, "params": 0.447},
        "vit:autoformer2:cifar100:kd": {"width": 0.275, "params": 0.552, "depth": 0.883},
        "vit:autoformer2:flowers:kd": {"width": 0.837, "params": 0.903},
        "vit:autoformer2:chaoyang:kd": {"width": 0.489, "params": 0.520},
        "vit:pit:cifar100:kd": {"conv_log_width": 0.920, "params": 0.954},
        "vit:pit:flowers:kd": {"conv_log_width": 0.952, "params": 0.973},
        "vit:pit:chaoyang:kd": {"conv_log_width": 0.756, "params": 0.745},
        "vit:autoformer:cifar100:vanilla": {"params": -0.472},
        "vit:pit:cifar100:vanilla": {"params": 0.890},
    }

    @pytest.mark.parametrize("name", RANKED)
    def test_closed_forms_rank_as_known(self, reference_data: Path, name: str) -> None:
        truth = load_ground_truth(name)
        space = get_space(truth.space).with_skeleton(truth.skeleton)  # type: ignore[arg-type]
        forms = space.closed_forms()
        for form, known in self.RANKED[name].items():
            values = [forms[form](space.parse(arch)) for arch in truth.values]
            assert round(stats.spearmanr(values, list(truth.values.values())).statistic, 3) == known

    def test_the_failed_run_is_told_and_can_be_left_out(self, reference_data: Path) -> None:
        whole, finished = (load_ground_truth(f"vit:autoformer:flowers:kd{end}") for end in ("", "-finished"))
        (failed,) = whole.values.keys() - finished.values.keys()
        assert whole.values[failed] == 48.5607 == min(whole.values.values()) and min(finished.values.values()) > 65
        assert "one run failed" in whole.note and len(finished) == 99 and "left out" in finished.note

    def test_further_networks_are_a_table_of_their_own(self, reference_data: Path) -> None:
        one, other = (load_ground_truth(f"vit:{family}:cifar100:kd") for family in ("autoformer", "autoformer2"))
        assert not one.values.keys() & other.values.keys() and one.space == other.space == "autoformer"
        assert "vit:autoformer2:cifar100:vanilla" not in {each.name for each in available()}
        assert [load_ground_truth(f"vit:pit:{i}:kd").skeleton for i in ("cifar100", "flowers", "chaoyang")] == [
            Skeleton(16, 0, classes, 224) for classes in (100, 102, 4)
        ]


class TestMoves:
    def test_a_key_is_short_and_the_tables_text_means_the_same(self) -> None:
        table = {"hidden_dim": 216, "mlp_ratio": [3.5, 4.0] * 6, "depth": 12, "num_heads": [3, 3, 4] * 4}
        assert str(get_space("autoformer").parse(json.dumps(table))) == "c216h334334334334r787878787878"
        table = {"base_dim": 32, "mlp_ratio": 4, "depth": [2, 6, 4], "num_heads": [2, 4, 8]}
        assert str(get_space("pit").parse(json.dumps(table))) == PIT_TI

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("autoformer", "c200h333333333333r888888888888"),
            ("autoformer", "c192h33333333333r88888888888"),
            ("autoformer", "c192h333333333333r8888888888888"),
            ("autoformer", '{"hidden_dim": 192}'),
            ("autoformer", '{"hidden_dim": 192, "mlp_ratio": [4.0], "depth": 12, "num_heads": [3]}'),
            ("autoformer", '{"hidden_dim": [], "mlp_ratio": 4, "depth": 12, "num_heads": 3}'),
            ("pit", "b32m4d264h842"),
            ("pit", "b32m4d333h248"),
            ("pit", '{"base_dim": 32, "mlp_ratio": 4, "depth": [[2], 6, 4], "num_heads": [2, 4, 8]}'),
            ("pit", '{"base_dim": 32'),
        ],
    )
    def test_what_is_none_is_refused(self, name: str, text: str) -> None:
        with pytest.raises(UsageError, match=f"unknown {name} architecture .* expected such as"):
            get_space(name).parse(text)

    def test_how_many_there_are(self) -> None:
        assert len(get_space("autoformer")) == 3 * sum(4**depth for depth in (12, 13, 14))
        assert len(get_space("pit")) == 4 * 4 * 10 * 10

    def test_numbers_of_autoformer_are_those_of_its_architectures(self) -> None:
        everything = get_space("autoformer").all()
        places = [0, 1, 3, 3 * 4**12 - 1, 3 * 4**12, 123_456_789, len(everything) - 1]
        assert [everything.index(everything[place]) for place in places] == places
        assert everything[-1] == everything[len(everything) - 1] and everything[0] in everything
        assert list(everything[5:11:2]) == [everything[5], everything[7], everything[9]]
        assert "x" not in everything and everything[0] not in everything[1:]
        with pytest.raises(IndexError):
            everything[len(everything)]
        with pytest.raises(ValueError, match="is not there"):
            everything.index(everything[0], 1)

    def test_a_sample_of_all_is_the_beginning_of_a_larger_one(self) -> None:
        drawn = sample(get_space("autoformer").all(), 50, 1)
        assert len(set(drawn)) == 50 and sample(get_space("autoformer").all(), 20, 1) == drawn[:20]
        assert {arch.width for arch in drawn} == {192, 216, 240} and {len(arch.layers) for arch in drawn} >= {13, 14}

    def test_neighbours_are_one_step_away(self) -> None:
        autoformer, pit = map(get_space, NAMES)
        sizes = {
            len(arch.layers): len(autoformer.neighbours(arch))
            for arch in (autoformer.draw(random.Random(i)) for i in range(40))
        }
        assert sizes.items() <= {12: 2 + 24 + 4, 13: 2 + 26 + 5, 14: 2 + 28 + 1}.items() and len(sizes) > 1
        assert {len(pit.neighbours(arch)) for arch in few(pit)} == {3 + 3 + 9 + 9}

    @pytest.mark.parametrize("name", NAMES)
    def test_skeletons_keep_their_widths(self, name: str) -> None:
        for skeleton, why in ((Skeleton(), "widths"), (Skeleton(16, 0, 10, 12), "16 x 16 pixels, got images of 12")):
            with pytest.raises(UsageError, match=why):
                get_space(name).with_skeleton(skeleton)


def attention(x: Tensor, qkv: torch.nn.Linear, proj: torch.nn.Linear, heads: int) -> Tensor:
    """One head after the other."""
    q, k, v = functional.linear(x, qkv.weight, qkv.bias).chunk(3, -1)
    width = x.shape[-1] // heads
    parts = []
    for h in range(heads):
        a, b, c = (t[..., h * width : (h + 1) * width] for t in (q, k, v))
        parts.append(torch.softmax(a @ b.mT / math.sqrt(width), -1) @ c)
    return functional.linear(torch.cat(parts, -1), proj.weight, proj.bias)


def through(block: torch.nn.Module, x: Tensor, heads: int) -> Tensor:
    """Pre-norm block with an exact GELU."""
    first, _, second = block.mlp
    x = x + attention(
        functional.layer_norm(x, x.shape[-1:], block.norm1.weight, block.norm1.bias, 1e-6),
        block.attn.qkv,
        block.attn.proj,
        heads,
    )
    hidden = first(functional.layer_norm(x, x.shape[-1:], block.norm2.weight, block.norm2.bias, 1e-6))
    return x + second(hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2))))


class TestNetworks:
    def test_autoformer_pools_its_patches(self) -> None:
        torch.manual_seed(0)
        network, x = AutoFormer(24, (3.5, 4.0) * 4, (3, 4) * 4, 5, 48), torch.randn(2, 3, 48, 48)
        tokens = network.patches(x).flatten(2).mT
        tokens = torch.cat([network.embedding.token.expand(2, 1, 24), tokens], 1) + network.embedding.positions
        for i, block in enumerate(network.blocks):
            tokens = through(block, tokens, (3, 4)[i % 2])
            if i in (0, 6):
                stage = tokens[:, 1:].mT.reshape(2, 24, 3, 3)
                torch.testing.assert_close(network.forward_features(x).stages[i // 6], stage)
        tokens = functional.layer_norm(tokens, (24,), network.norm.weight, network.norm.bias, 1e-6)
        shown = network.forward_features(x)
        torch.testing.assert_close(shown.pooled, tokens[:, 1:].mean(1))
        torch.testing.assert_close(shown.last.mean((2, 3)), shown.pooled)
        torch.testing.assert_close(network(x), shown.pooled @ network.head.weight.T + network.head.bias)
        assert [block.mlp[0].out_features for block in network.blocks][:2] == [84, 96]

    def test_pit_reads_its_class_token(self) -> None:
        torch.manual_seed(0)
        network, x = PiT((8, 16, 16), 2, (1, 2, 1), (2, 4, 4), 5, 48), torch.randn(2, 3, 48, 48)
        maps = network.patches(x)  # (2, 8, 5, 5)
        tokens = torch.cat(
            [network.embedding.token.expand(2, 1, 8), maps.flatten(2).mT + network.embedding.positions], 1
        )
        tokens = through(network.blocks[0], tokens, 2)
        ends = [tokens[:, 1:].mT.reshape(2, 8, 5, 5)]
        for pool, blocks, side in zip(network.pools, (network.blocks[1:3], network.blocks[3:]), (3, 2), strict=True):
            kernel = pool.conv
            maps = functional.conv2d(
                ends[-1], kernel.weight, kernel.bias, stride=2, padding=1, groups=ends[-1].shape[1]
            )
            tokens = torch.cat([pool.linear(tokens[:, :1]), maps.flatten(2).mT], 1)
            for block in blocks:
                tokens = through(block, tokens, 4)
            ends.append(tokens[:, 1:].mT.reshape(2, 16, side, side))
        shown = network.forward_features(x)
        for stage, end in zip(shown.stages, ends, strict=True):
            torch.testing.assert_close(stage, end)
        token = functional.layer_norm(tokens[:, 0], (16,), network.norm.weight, network.norm.bias, 1e-6)
        torch.testing.assert_close(shown.pooled, token)
        torch.testing.assert_close(shown.logits, token @ network.head.weight.T + network.head.bias)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_seed_decides_every_weight(self, name: str) -> None:
        """Tokens and positions are in no layer, and PyTorch draws them from a state that all share."""
        space = get_space(name).fitted(4, 32)
        arch = space.draw(random.Random(0))
        one, same, other = (initialise(space.build(arch), "gaussian", seed).state_dict() for seed in (0, 0, 1))
        assert all(torch.equal(one[key], same[key]) for key in one)
        learned = [key for key in one if key.startswith("embedding")]
        assert len(learned) == 2 and not any(torch.equal(one[key], other[key]) for key in learned)
        assert all(0.01 < float(one[key].std()) < 0.03 and one[key].abs().max() <= 2 for key in learned)


class TestImages:
    def test_enlarged_images_are_shrunk_to_what_they_were(self) -> None:
        """Bilinear, corners not aligned, factor 7: the middle of each block of 7 x 7 is the pixel itself."""
        small, large = load_images("embedded:4"), load_images("embedded:4@224")
        x, y = small.batch(3, 0)
        wide, labels = large.batch(3, 0)
        assert wide.shape == (3, 3, 224, 224) and torch.equal(y, labels)
        torch.testing.assert_close(wide[:, :, 3::7, 3::7], x)
        torch.testing.assert_close(functional.interpolate(wide, (32, 32), mode="bilinear"), x)
        exact = functional.interpolate(small.train.take([5])[0].double(), scale_factor=7.0, mode="bilinear")
        assert (large.train.take([5])[0] - exact).abs().max() <= 0.5

    def test_the_teacher_sees_what_a_teacher_of_small_images_sees(self) -> None:
        space = get_space("pit").fitted(4, 224)
        assert space.batch_size == 8 and get_space("nb201").batch_size == 64
        teacher = build_teacher(resolve_teacher(None, space), space)
        plain = build_teacher("resnet56", get_space("s0").fitted(4, 32))
        plain.load_state_dict(teacher.state_dict())
        shown = teacher.eval().forward_features(load_images("embedded:4@224").batch(2, 0)[0])
        beside = plain.eval().forward_features(load_images("embedded:4").batch(2, 0)[0])
        assert teacher.side == 32 and plain.side is None
        for stage, other in zip(shown.stages, beside.stages, strict=True):
            torch.testing.assert_close(stage, other, rtol=1e-3, atol=1e-3)

    def test_a_teacher_of_the_space_itself_sees_all(self) -> None:
        space = get_space("pit").fitted(4, 64)
        assert build_teacher(resolve_teacher("pit:b16m2d166h222", space), space).side is None
        cell = build_teacher(str(get_space("nb201").best(10)), space)
        assert cell.side == 32 and cell.forward_features(torch.randn(2, 3, 64, 64)).last.shape[2:] == (8, 8)
        assert build_teacher("resnet20", space.fitted(4, 16)).side is None
