"""The search spaces: both fulfil the protocol, and their closed forms are the published numbers."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from files_support import rows_of
from scipy import stats

from diswot_errors import UsageError
from diswot_plugins import restored
from nb201_data.counting import parameters
from nb201_data.ground_truth import load_ground_truth
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import DEPTHS, SPACES, ListSpace, SearchSpace, Space, get_space, register
from nb201_data.spaces.nb201 import BEST_CELLS
from nb201_data.teachers import build_teacher, resolve_teacher
from nb201_data.truth import benchmark


@pytest.fixture(params=sorted(SPACES))
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return get_space(request.param)


def spread(space: SearchSpace) -> Sequence[Any]:
    """About a hundred architectures from all over a space, however large."""
    return space.all()[:: max(1, len(space) // 100)]


class TestProtocol:
    def test_is_one(self, space: SearchSpace) -> None:
        assert isinstance(space, SearchSpace)
        assert get_space(space.name) is space

    def test_keys_parse_back(self, space: SearchSpace) -> None:
        for arch in spread(space):
            assert space.parse(str(arch)) == arch
            assert {arch: 1}[space.parse(str(arch))] == 1

    def test_all_and_distinct(self, space: SearchSpace) -> None:
        assert len(space) == len(space.all()) >= len(space.distinct())
        listed = space.all()[:20_000]
        assert len(set(listed)) == len(listed)
        assert all(arch in space.all() for arch in space.distinct()[:20_000:7])
        assert all(space.canonical(arch) in space.distinct() for arch in spread(space))
        assert all(space.canonical(arch) == arch for arch in space.distinct()[:20_000:97])

    def test_steps(self, space: SearchSpace) -> None:
        arch = space.draw(random.Random(0))
        assert arch in space.all() and arch == space.draw(random.Random(0))
        near = space.neighbours(arch)
        assert arch not in near and len(set(near)) == len(near)
        assert space.mutate(arch, random.Random(1)) in near
        assert all(arch in space.neighbours(other) for other in near)

    def test_nonsense_is_a_usage_error(self, space: SearchSpace) -> None:
        for text in ("", "x", "33 ", "|none~0|", "-1", "1.5", "٣", "²²²"):
            with pytest.raises(UsageError):
                space.parse(text)

    def test_unknown_space(self) -> None:
        with pytest.raises(UsageError, match=r"Did you mean nb201\? Expected one of .*nb201, .*s0, s0-plain"):
            get_space("nb101")

    def test_genes_tell_architectures_apart(self, space: SearchSpace) -> None:
        listed = space.all()[:20_000]
        genes = {space.genes(arch) for arch in listed}
        assert len(genes) == len(listed) and len({len(space.genes(arch)) for arch in spread(space)}) == 1

    def test_other_images_fit(self, space: SearchSpace) -> None:
        fitted = space.fitted(7, 16)
        assert (fitted.skeleton.classes, fitted.skeleton.resolution) == (7, 16)
        assert fitted.skeleton.channels == space.skeleton.channels and fitted.name == space.name

    def test_usual_truth_and_teacher(self, space: SearchSpace) -> None:
        assert space.truth.split(":")[space.truth.startswith("vit")].removeprefix("kd-") == space.truths_of in SPACES
        assert resolve_teacher(None, space) and space.batch_size > 1
        assert space.teacher_resolution <= space.skeleton.resolution
        arch = space.draw(random.Random(0))
        forms = {name: form(arch) for name, form in space.closed_forms().items()}
        assert forms["params"] == space.params(arch) and forms["flops"] == space.flops(arch)


class TestNasBench201:
    def test_closed_forms_of_all_rows(self, reference_data: Path) -> None:
        nb201 = get_space("nb201")
        rows = rows_of(reference_data / benchmark.FILE)
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


def perceptron(width: str, skeleton: Skeleton) -> Any:
    from torch import nn

    layers = nn.Linear(3 * skeleton.resolution**2, int(width)), nn.ReLU(), nn.Linear(int(width), skeleton.classes)
    return nn.Sequential(nn.Flatten(), *layers)


class TestListSpace:
    def test_a_list_of_networks_is_a_space(self) -> None:
        space = ListSpace("perceptrons", ("4", "8", "16"), perceptron, Skeleton(resolution=8), table="t.csv")
        assert isinstance(space, SearchSpace) and space.truth == "t.csv:space=perceptrons"
        assert space.parse("8") == "8" and space.neighbours("8") == ["4", "16"] and not space.scalable
        assert space.params("8") == 192 * 8 + 8 + 8 * 10 + 10  # weights and biases
        assert space.flops("8") == 192 * 8 + 8 * 10
        assert space.fitted(5, 4).params("8") == 48 * 8 + 8 + 8 * 5 + 5
        with pytest.raises(UsageError, match=r"no architecture '88'. Did you mean 8\?"):
            space.parse("88")

    def test_counts_are_those_of_the_closed_forms(self) -> None:
        nb201, s0 = get_space("nb201").fitted(10, 8), get_space("s0").fitted(10, 8)
        cell = nb201.best(10)
        assert Space.params(nb201, cell) == nb201.params(cell) and Space.flops(nb201, cell) == nb201.flops(cell)
        arch = s0.parse("313")
        assert Space.params(s0, arch) == s0.params(arch)
        assert Space.flops(s0, arch) < s0.flops(arch)  # the space counts batch norms and ReLUs too

    @pytest.mark.parametrize("archs", [(), ("a", "a"), ("a ",), ("",), (3,)])
    def test_names_that_cannot_be(self, archs: tuple[Any, ...]) -> None:
        with pytest.raises(UsageError, match="expected different names"):
            ListSpace("perceptrons", archs, perceptron)

    def test_it_is_found_by_name_and_no_other_can_have_it(self) -> None:
        with restored():
            space = register(ListSpace("perceptrons", ("4",), perceptron))
            assert get_space("perceptrons") is space and list(SPACES)[-1] == "perceptrons"
            with pytest.raises(UsageError, match="already registered"):
                register(space)
            with pytest.raises(UsageError, match=r"a search space is a SearchSpace, got object.*it lacks .*neighbours"):
                register(object())  # type: ignore[type-var]
        assert "perceptrons" not in SPACES


class TestTeachers:
    def test_names(self) -> None:
        nb201, s0, plain = map(get_space, ("nb201", "s0", "s0-plain"))
        assert resolve_teacher(None, nb201) == resolve_teacher("best-cell", s0.fitted(10, 32)) == BEST_CELLS[10]
        assert resolve_teacher(None, nb201.fitted(100, 32)) == BEST_CELLS[100]
        assert resolve_teacher(None, plain) == "resnet56" and resolve_teacher("777", nb201) == "777"
        assert resolve_teacher("s0-plain:777", s0) == "s0-plain:777" and resolve_teacher("s0:777", nb201) == "777"
        own = ListSpace("perceptrons", ("4",), perceptron, teacher="4")
        with restored():
            register(own)
            assert resolve_teacher(None, own) == "perceptrons:4" == resolve_teacher("perceptrons:4", s0)
        for wrong in ("resnet57", "778", "nobody", "|nor_conv_3x3~0|", "s0:9"):
            with pytest.raises(UsageError):
                resolve_teacher(wrong, s0)

    def test_networks_fit_the_images(self) -> None:
        nb201, small = get_space("nb201"), get_space("nb201").with_skeleton(Skeleton(8, 1, 7, 16))
        cell = str(nb201.best(10))
        sizes = {name: parameters(build_teacher(name, small)) for name in (cell, "111", "s0-plain:111", "resnet20")}
        assert sizes[cell] == small.params(small.parse(cell))  # students' own size
        s0 = get_space("s0").fitted(7, 16)
        assert sizes["111"] == s0.params(s0.parse("111")) > sizes["s0-plain:111"]
        beside = build_teacher(cell, s0)
        assert parameters(beside) == nb201.fitted(7, 16).params(nb201.parse(cell))


class TestSkeleton:
    def test_round_trip(self) -> None:
        assert str(Skeleton()) == "c16n5k10r32"
        assert Skeleton.parse("c8n1k100r16") == Skeleton(8, 1, 100, 16)

    @pytest.mark.parametrize("text", ["", "c16n5k10", "c16n5k10r32x", "c-1n5k10r32", "c0n5k10r32", "c16n5k1r32"])
    def test_nonsense(self, text: str) -> None:
        with pytest.raises(UsageError, match="skeleton"):
            Skeleton.parse(text)
