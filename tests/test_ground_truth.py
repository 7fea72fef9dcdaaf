"""Ground truth: names, conditions, the table of our own measurements, and every way a CSV can be wrong."""

import csv
import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.harvesting.rows import PLAIN, TABLES
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import available, load_ground_truth, official_cell, official_index
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, all_cells, distinct_cells
from nb201_data.spaces import get_space
from nb201_data.truth import benchmark, measured, published

A, B, C = (str(cell) for cell in distinct_cells()[:3])


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def harvest(folder: Path, protocol: str, cells: int, seeds: int = 1, changes: dict[str, str] | None = None) -> Path:
    """A table as the harvest writes it; accuracies are 10 + cell + seed, and 5 less without a teacher."""
    path = folder / f"kd-nb201-{protocol}.csv"
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, measured.COLUMNS)
        table.writeheader()
        for i, cell in enumerate(distinct_cells()[:cells]):
            for seed in range(seeds):
                row = dict.fromkeys(measured.COLUMNS, "")
                row |= {"space": "nb201", "arch": str(cell), "skeleton": "c16n1k100r16", "images": "cifar100@16"}
                row |= {"protocol": protocol, "teacher": "resnet56", "seed": str(seed), "epochs": "3"}
                row |= {"distilled_top1": str(10 + i / 10 + seed), "vanilla_top1": str(5 + i / 10 + seed)}
                table.writerow(row | (changes or {}))
    return path


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(measured, "TABLES", tmp_path)
    return tmp_path


@pytest.fixture
def nothing_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "empty"))
    return tmp_path


class TestMeasured:
    def test_mean_over_seeds_and_one_record_per_number(self, tables: Path) -> None:
        harvest(tables, "lite", 5, seeds=2)
        truth = load_ground_truth("kd-nb201:lite")
        assert truth.name == "kd-nb201:lite:distilled"
        assert truth.values[A] == pytest.approx(10.5)
        assert truth.seeds[A] == (0, 1)
        assert len(truth) == 5 and len(truth.records) == 10
        assert truth.skeleton == Skeleton(16, 1, 100, 16)
        assert (truth.kind, truth.space, truth.images) == ("measured", "nb201", "cifar100@16")
        assert truth.records[0].teacher == "resnet56" and truth.records[0].epochs == 3
        assert "5 cells" in truth.note and "10 runs" in truth.note and "resnet56" in truth.note

    def test_vanilla_has_no_teacher(self, tables: Path) -> None:
        harvest(tables, "lite", 3)
        truth = load_ground_truth("kd-nb201:lite:vanilla")
        assert truth.teacher == "" and truth.values[B] == pytest.approx(5.1)

    @pytest.mark.parametrize(("full", "lite", "expected"), [(99, 1, "lite"), (100, 1, "full12"), (3, 0, "full12")])
    def test_default_is_full12_from_a_hundred_cells_on(self, tables: Path, full: int, lite: int, expected: str) -> None:
        for protocol, cells in (("full12", full), ("lite", lite)):
            if cells:
                harvest(tables, protocol, cells)
        assert load_ground_truth("kd-nb201").protocol == expected

    def test_conditions(self, tables: Path) -> None:
        harvest(tables, "lite", 3, seeds=2)
        assert load_ground_truth("kd-nb201:lite:distilled:seed=1").values[A] == pytest.approx(11)
        assert load_ground_truth("kd-nb201", seed=0).values[A] == pytest.approx(10)
        with pytest.raises(UsageError, match="nothing has seed '7'; there is '0', '1'"):
            load_ground_truth("kd-nb201:lite:distilled:seed=7")

    def test_unknown_protocol_lists_what_there_is(self, tables: Path) -> None:
        harvest(tables, "lite", 1)
        for name in ("kd-nb201:full12", "kd-nb201:lite:both", "kd-nb201:lite:vanilla:x"):
            with pytest.raises(UsageError, match="kd-nb201:lite:distilled, kd-nb201:lite:vanilla"):
                load_ground_truth(name)

    def test_no_table_says_how_to_measure_one(self, tables: Path) -> None:
        with pytest.raises(DataError, match=r"benchmarks\.harvest"):
            load_ground_truth("kd-nb201")

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("arch", "|none~0|"),
            ("distilled_top1", "nan"),
            ("distilled_top1", "101"),
            ("seed", "one"),
            ("epochs", "1.5"),
            ("skeleton", "c16"),
            ("protocol", "full12"),
            ("teacher", ""),
        ],
    )
    def test_malformed_row_names_file_line_and_column(self, tables: Path, column: str, value: str) -> None:
        path = harvest(tables, "lite", 1, changes={column: value})
        with pytest.raises(DataError) as caught:
            load_ground_truth("kd-nb201:lite")
        assert str(caught.value).startswith(f"{path}, line 2, column '{column}': ")

    def test_a_row_done_twice_counts_once_and_is_refused_where_the_results_differ(self, tables: Path) -> None:
        path = harvest(tables, "lite", 2)
        whole, row = path.read_text(), path.read_text().splitlines()[1]
        path.write_text(f"{whole}{row}2026-01-02\n")
        assert len(load_ground_truth("kd-nb201").records) == 2
        path.write_text(f"{whole}{row.replace(',10.0,', ',10.5,')}\n")
        with pytest.raises(DataError, match=r"line 4, column 'arch': .* seed 0 is in line 2 already, with another"):
            load_ground_truth("kd-nb201")

    @pytest.mark.parametrize("length", [0, 1, 60, 170])
    def test_a_header_cut_off_is_an_empty_table(self, tables: Path, length: int) -> None:
        path = harvest(tables, "lite", 2)
        path.write_text(path.read_text()[:length])
        with pytest.raises(DataError, match="holds no row: delete it, or harvest"):
            load_ground_truth("kd-nb201:lite")

    def test_a_table_of_another_teacher_or_distiller_has_a_name_of_its_own(self, tables: Path) -> None:
        harvest(tables, "lite", 2)
        taught = harvest(tables, "lite", 3, changes={"teacher": "resnet20"}).rename(
            tables / "kd-nb201-lite-resnet20.csv"
        )
        harvest(tables, "lite", 2)
        assert len(load_ground_truth("kd-nb201:lite-resnet20")) == 3
        assert "kd-nb201:lite-resnet20:vanilla" in [each.name for each in available()]
        taught.rename(tables / "kd-nb201-lite-resnet32.csv")
        with pytest.raises(DataError, match="line 2, column 'protocol': 'lite', expected 'lite-resnet32'"):
            load_ground_truth("kd-nb201:lite-resnet32")

    def test_a_cut_row_is_refused_but_for_one_that_is_being_written(self, tables: Path) -> None:
        path = harvest(tables, "lite", 2)
        path.write_text(path.read_text()[:-20])
        assert list(load_ground_truth("kd-nb201:lite").values) == [A]
        path.write_text(path.read_text() + "\n")
        with pytest.raises(DataError, match=r"line 3: expected 19 values .* found 8"):
            load_ground_truth("kd-nb201:lite")

    def test_columns_are_those_that_the_harvest_writes(self) -> None:
        assert measured.COLUMNS == PLAIN and measured.TABLES == TABLES

    def test_two_skeletons_are_two_numbers(self, tables: Path) -> None:
        path = harvest(tables, "lite", 2)
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:2], lines[2].replace("c16n1", "c16n2"), ""]))
        with pytest.raises(UsageError, match=r"skeleton: c16n1k100r16, c16n2k100r16.*:skeleton=c16n1k100r16"):
            load_ground_truth("kd-nb201:lite")
        assert list(load_ground_truth("kd-nb201:lite:distilled:skeleton=c16n2k100r16").values) == [B]


class TestNames:
    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("kd-nb202", "Did you mean kd-nb201"),
            ("nb201:cifar100:test:100", "Did you mean nb201:cifar100:test:200"),
            ("nb201:imagenet16:test:200", "Did you mean nb201:imagenet16-120:test:200"),
            ("nb201", "There is nb201:cifar10:test:12"),
            ("s0:distilled", "there is s0:kd, s0:vanilla"),
            ("vit:deit:cifar100:kd", "vit:pit:chaoyang:vanilla"),
            ("", "There is kd-nb201"),
            ("kd-nb201:seed=1:seed=2", "given twice"),
        ],
    )
    def test_unknown_names_get_the_near_ones(self, name: str, hint: str) -> None:
        with pytest.raises(UsageError, match=hint):
            load_ground_truth(name)

    @pytest.mark.parametrize(
        ("name", "command"),
        [("nb201:cifar10:test:200", "fetch nb201"), ("s0:kd", "fetch distillation"), ("vit:pit:flowers:kd", "fetch")],
    )
    def test_what_is_not_on_disk_says_how_to_fetch_it(self, nothing_on_disk: Path, name: str, command: str) -> None:
        with pytest.raises(DataError, match=f"not on disk .*{command}"):
            load_ground_truth(name)

    def test_a_number_is_no_cell_without_the_benchmark(self, nothing_on_disk: Path) -> None:
        with pytest.raises(DataError, match=r"not on disk .* convert"):
            get_space("nb201").parse("12")

    def test_available_tells_what_is_on_disk(self, tables: Path, nothing_on_disk: Path) -> None:
        harvest(tables, "lite", 4)
        found = {entry.name: entry for entry in available()}
        assert found["kd-nb201"].n == 4 and found["kd-nb201:lite:vanilla"].on_disk
        assert found["nb201:cifar10:valid:12"].n == 15_625 and not found["nb201:cifar10:valid:12"].on_disk
        assert found["s0:kd"].n == 64 and not found["s0:kd"].on_disk


class TestReferenceData:
    """Facts about the published tables."""

    @pytest.mark.parametrize(
        ("name", "best"),
        [
            ("nb201:cifar10:test:200", 94.373),
            ("nb201:cifar100:test:200", 73.513),
            ("nb201:imagenet16-120:test:200", 47.311),
            ("nb201:cifar10:valid:200", 91.607),
            ("nb201:cifar10:test:12", 89.16),
        ],
    )
    def test_best_accuracies_of_the_benchmark(self, reference_data: Path, name: str, best: float) -> None:
        truth = load_ground_truth(name)
        assert len(truth) == 15_625
        assert max(truth.values.values()) == pytest.approx(best, abs=1e-3)
        assert set(truth.values) == {str(cell) for cell in all_cells()}

    def test_skeleton_has_the_classes_of_its_images(self, reference_data: Path) -> None:
        assert load_ground_truth("nb201:imagenet16-120:valid:12").skeleton == Skeleton(16, 5, 120, 16)

    def test_official_numbers(self, reference_data: Path) -> None:
        second = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
        assert str(official_cell(1)) == second and official_index(second) == 1
        assert get_space("nb201").parse("1") == Cell.parse(second)
        assert all(official_index(official_cell(i)) == i for i in range(0, 15_625, 625))
        with pytest.raises(UsageError, match="from 0 to 15,624"):
            get_space("nb201").parse("15625")

    @pytest.mark.parametrize(
        ("name", "worst", "best", "at"), [("kd", 61.87, 74.86, "557"), ("vanilla", 60.2, 72.56, "777")]
    )
    def test_s0(self, reference_data: Path, name: str, worst: float, best: float, at: str) -> None:
        truth = load_ground_truth(f"s0:{name}")
        assert set(truth.values) == {str(arch) for arch in get_space("s0").all()}
        assert min(truth.values.values()) == worst and truth.value(at) == best == max(truth.values.values())
        assert "not recorded" in truth.note

    @pytest.mark.parametrize("name", [name for name in published.names() if name.startswith("vit:")])
    def test_transformers(self, reference_data: Path, name: str) -> None:
        truth = load_ground_truth(name)
        assert len(truth) == (99 if name.endswith("-finished") else 100)
        assert truth.skeleton == replace(
            get_space(truth.space).skeleton, classes={"cifar100": 100, "flowers": 102, "chaoyang": 4}[truth.images]
        )
        assert (truth.teacher == "resnet56") == (":kd" in name) and truth.protocol == "auto-prox"

    def test_a_broken_benchmark_table_is_refused(
        self, reference_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = gzip.decompress((reference_data / benchmark.FILE).read_bytes()).splitlines(keepends=True)
        monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
        target = tmp_path / benchmark.FILE
        target.parent.mkdir()
        target.write_bytes(b"".join(lines[:-1]))
        with pytest.raises(DataError, match="holds 15,624 cells"):
            load_ground_truth("nb201:cifar10:test:200")
        target.write_bytes(b"".join([lines[0], *reversed(lines[1:])]))
        with pytest.raises(DataError, match="line 2, column 'index': '15624', expected 0"):
            load_ground_truth("nb201:cifar10:test:200")
        first = b"0," + lines[2].split(b",", 1)[1]
        target.write_bytes(b"".join([lines[0], first, *lines[2:]]))
        with pytest.raises(DataError, match="15,624 different"):
            official_cell(0)
