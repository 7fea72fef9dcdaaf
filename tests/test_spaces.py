"""The search spaces: both fulfil the protocol, and their closed forms are the published numbers."""

import csv
import gzip
import random
from pathlib import Path

import pytest
from scipy import stats

from diswot_errors import UsageError
from nb201_data.ground_truth import load_ground_truth
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import DEPTHS, SPACES, SearchSpace, get_space
from nb201_data.truth import benchmark


@pytest.fixture(params=sorted(SPACES))
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return get_space(request.param)


class TestProtocol:
    def test_is_one(self, space: SearchSpace) -> None:
        assert isinstance(space, SearchSpace)
        assert get_space(space.name) is space

    def test_keys_parse_back(self, space: SearchSpace) -> None:
        for arch in space.all()[::97]:
            assert space.parse(str(arch)) == arch
            assert {arch: 1}[space.parse(str(arch))] == 1

    def test_all_and_distinct(self, space: SearchSpace) -> None:
        assert len(space) == len(space.all()) == len(set(space.all()))
        assert set(space.distinct()) <= set(space.all())
        assert all(space.canonical(arch) in set(space.distinct()) for arch in space.all()[::97])
        assert all(space.canonical(arch) == arch for arch in space.distinct()[::97])

    def test_steps(self, space: SearchSpace) -> None:
        arch = space.draw(random.Random(0))
        assert arch in set(space.all()) and arch == space.draw(random.Random(0))
        near = space.neighbours(arch)
        assert arch not in near and len(set(near)) == len(near)
        assert space.mutate(arch, random.Random(1)) in near
        assert all(arch in space.neighbours(other) for other in near)

    def test_nonsense_is_a_usage_error(self, space: SearchSpace) -> None:
        for text in ("", "x", "33 ", "|none~0|", "-1", "1.5", "٣", "²²²"):
            with pytest.raises(UsageError):
                space.parse(text)

    def test_unknown_space(self) -> None:
        with pytest.raises(UsageError, match="expected one of nb201, s0, s0-plain"):
            get_space("nb101")


class TestNasBench201:
    def test_closed_forms_of_all_rows(self, reference_data: Path) -> None:
        nb201 = get_space("nb201")
        with gzip.open(reference_data / benchmark.FILE, "rt", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == 15_625
        for row in rows:
            arch = nb201.parse(row["arch"])
            assert nb201.params(arch) == round(float(row["params_m_cifar10"]) * 1e6)
            assert nb201.flops(arch) == round(float(row["flops_m_cifar10"]) * 1e6)

    def test_closed_forms_in_millions(self) -> None:
        base = get_space("nb201")
        for arch in base.all()[::251]:
            threes, ones = arch.count("nor_conv_3x3"), arch.count("nor_conv_1x1")
            assert base.params(arch) == round((0.073306 + 0.24304 * threes + 0.028 * ones) * 1e6)
            assert base.flops(arch) == round((7.78304 + 35.38944 * threes + 3.93216 * ones) * 1e6)
        for classes, more in ((100, 5_850), (120, 7_150)):
            wider = base.with_skeleton(Skeleton(classes=classes))
            assert wider.params(base.all()[77]) == base.params(base.all()[77]) + more

    def test_skeletons_that_cannot_be_halved(self) -> None:
        with pytest.raises(UsageError, match="multiple of 4, got 30"):
            get_space("nb201").with_skeleton(Skeleton(resolution=30))


class TestS0:
    def test_names(self) -> None:
        assert [str(a) for a in get_space("s0").all()] == [f"{a}{b}{c}" for a in DEPTHS for b in DEPTHS for c in DEPTHS]
        assert len(get_space("s0").neighbours(get_space("s0").parse("333"))) == 9

    def test_parameters(self) -> None:
        s0 = get_space("s0")
        sizes = [s0.params(arch) for arch in s0.all()]
        assert (min(sizes), max(sizes)) == (83_892, 667_188)
        assert (s0.params(s0.parse("111")), s0.params(s0.parse("777"))) == (83_892, 667_188)

    def test_sizes_rank_the_distilled_accuracies_as_published(self, reference_data: Path) -> None:
        s0, truth = get_space("s0"), load_ground_truth("s0:kd").values
        for size, published in ((s0.flops, (51.62, 72.93, 76.41)), (s0.params, (87.29, 96.79, 88.63))):
            x, y = [size(arch) for arch in s0.all()], [truth[str(arch)] for arch in s0.all()]
            found = [test(x, y).statistic for test in (stats.kendalltau, stats.spearmanr, stats.pearsonr)]
            assert [round(100 * value, 2) for value in found] == list(published)

    def test_distilled_against_alone(self, reference_data: Path) -> None:
        kd, alone = load_ground_truth("s0:kd").values, load_ground_truth("s0:vanilla").values
        x, y = [kd[arch] for arch in kd], [alone[arch] for arch in kd]
        found = [test(x, y).statistic for test in (stats.kendalltau, stats.spearmanr, stats.pearsonr)]
        assert [round(value, 4) for value in found] == [0.8356, 0.9566, 0.9834]

    def test_the_widths_are_part_of_the_space(self) -> None:
        for text in ("3333", "222"):
            with pytest.raises(UsageError, match="three depths"):
                get_space("s0").parse(text)
        with pytest.raises(UsageError, match="widths"):
            get_space("s0").with_skeleton(Skeleton())
        ten = get_space("s0").with_skeleton(Skeleton(16, 0, 10, 32))
        arch = ten.parse("333")
        assert get_space("s0").params(arch) - ten.params(arch) == 65 * 90


class TestSkeleton:
    def test_round_trip(self) -> None:
        assert str(Skeleton()) == "c16n5k10r32"
        assert Skeleton.parse("c8n1k100r16") == Skeleton(8, 1, 100, 16)

    @pytest.mark.parametrize("text", ["", "c16n5k10", "c16n5k10r32x", "c-1n5k10r32", "c0n5k10r32", "c16n5k1r32"])
    def test_nonsense(self, text: str) -> None:
        with pytest.raises(UsageError, match="skeleton"):
            Skeleton.parse(text)
