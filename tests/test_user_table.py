"""A ground truth of one's own: what a CSV may hold, and every way it can be wrong."""

import gzip
from pathlib import Path

import pytest

from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import load_ground_truth
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, distinct_cells
from nb201_data.spaces import get_space

A, B, C = (str(cell) for cell in distinct_cells()[:3])


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


class TestUserTable:
    def test_needs_only_two_columns(self, tmp_path: Path) -> None:
        truth = load_ground_truth(write(tmp_path / "mine.csv", f"arch,accuracy\n{A},50\n{B},60.5\n"))
        assert truth.values == {A: 50, B: 60.5}
        assert (truth.kind, truth.space, truth.seeds[A]) == ("user", "nb201", (None,))
        assert truth.skeleton == get_space("nb201").skeleton

    def test_seeds_are_averaged_and_skeleton_follows_images(self, tmp_path: Path) -> None:
        text = f"seed,arch,accuracy,images,teacher\n1,{A},50,cifar100@16,r56\n0,{A},52,cifar100@16,r56\n"
        truth = load_ground_truth(str(write(tmp_path / "mine.csv", text)))
        assert truth.values == {A: 51} and truth.seeds == {A: (0, 1)} and truth.teacher == "r56"
        assert truth.skeleton == Skeleton(16, 5, 100, 16)

    def test_conditions_choose_and_are_part_of_what_is_said(self, tmp_path: Path) -> None:
        rows = "".join(f"{arch},{50 + place},resnet{20 if place < 2 else 56}\n" for place, arch in enumerate([A, B, C]))
        file = write(tmp_path / "two.csv", f"arch,accuracy,teacher\n{rows}")
        truth = load_ground_truth(f"{file}:teacher=resnet56")
        assert truth.values == {C: 52} and truth.name == f"{file}:teacher=resnet56"
        assert "teacher resnet56" in truth.note and "resnet20" not in truth.note
        mixed = f"space,skeleton,arch,accuracy\nnb201,,{A},50\ns0,c16n0k100r32,333,60\n"
        with pytest.raises(UsageError, match="one of each was meant") as wrong:
            load_ground_truth(write(tmp_path / "spaces.csv", mixed))
        suggested = str(wrong.value).rpartition("as in ")[2]
        assert load_ground_truth(suggested).values == {A: 50}

    def test_other_spaces(self, tmp_path: Path) -> None:
        truth = load_ground_truth(write(tmp_path / "mine.csv", "space,arch,accuracy\ns0,333,70\ns0,111,60\n"))
        assert truth.space == "s0" and truth.value("333") == 70

    def test_further_columns_are_left_alone(self, tmp_path: Path) -> None:
        text = f'rank,arch,accuracy,notes,params_m\n2,{A},50,"good, small",1.5\n1,{B},60.5,,\n'
        truth = load_ground_truth(write(tmp_path / "mine.csv", text))
        assert truth.values == {A: 50, B: 60.5} and len(truth.records) == 2

    @pytest.mark.parametrize("column", ["seeds", "Skeleton", "epoch", "image", "teachers"])
    def test_known_columns_misspelt_are_refused(self, tmp_path: Path, column: str) -> None:
        path = write(tmp_path / "mine.csv", f"arch,accuracy,{column}\n{A},50,1\n")
        with pytest.raises(DataError, match=f"unknown column '{column}'. Did you mean"):
            load_ground_truth(path)

    def test_known_further_columns_are_used(self, tmp_path: Path) -> None:
        text = f"arch,accuracy,skeleton,images,teacher,seed,who\n{A},50,c8n1k10r16,cifar10@16,resnet20,4,me\n"
        record = load_ground_truth(write(tmp_path / "mine.csv", text)).records[0]
        assert (record.skeleton, record.images, record.teacher, record.seed) == (
            "c8n1k10r16",
            "cifar10@16",
            "resnet20",
            4,
        )

    def test_the_space_of_a_table_that_does_not_say(self, tmp_path: Path) -> None:
        path = write(tmp_path / "mine.csv", "arch,accuracy\n333,70\n111,60\n")
        truth = load_ground_truth(f"{path}:space=s0")
        assert truth.space == "s0" and truth.skeleton == get_space("s0").skeleton and truth.value("333") == 70
        with pytest.raises(UsageError, match="unknown search space 's9'"):
            load_ground_truth(f"{path}:space=s9")

    def test_conditions_make_one_number_of_two(self, tmp_path: Path) -> None:
        path = write(tmp_path / "mine.csv", f"arch,accuracy,split,epochs\n{A},50,test,12\n{A},40,valid,12\n")
        with pytest.raises(UsageError, match="split: test, valid"):
            load_ground_truth(path)
        assert load_ground_truth(f"{path}:split=valid").values == {A: 40}
        assert load_ground_truth(path, split="test", epochs=12).values == {A: 50}
        with pytest.raises(UsageError, match="unknown condition 'splits'"):
            load_ground_truth(f"{path}:splits=valid")

    def test_a_value_that_is_not_there_names_its_size(self, tmp_path: Path) -> None:
        truth = load_ground_truth(write(tmp_path / "mine.csv", f"arch,accuracy\n{A},50\n"))
        with pytest.raises(UsageError, match="has no accuracy of"):
            truth.value(Cell.parse(B))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "line 1: column 'arch' is missing"),
            ("arch\n", "line 1: column 'accuracy' is missing"),
            (f"arch;accuracy\n{A};50\n", "line 1: column 'arch' is missing.* by commas, not by ';'"),
            ("arch,acuracy\n", "line 1: unknown column 'acuracy'. Did you mean 'accuracy'"),
            ("arch,accuracy,accuracy\n", "line 1: column 'accuracy' is there twice"),
            ("arch,accuracy\n", "holds no row"),
            (f"arch,accuracy\n{A},50\n\n{B}\n", "line 4: expected 2 values"),
            (f"arch,accuracy\n{A},50,1\n", "line 2: expected 2 values"),
            (f"arch,accuracy\n{A},\n", "line 2, column 'accuracy': empty"),
            (f"arch,accuracy\n{A},fifty\n", "line 2, column 'accuracy': 'fifty', expected an accuracy in percent"),
            (f"arch,accuracy\n{A},nan\n", "line 2, column 'accuracy': 'nan'"),
            (f"arch,accuracy\n{A},inf\n", "line 2, column 'accuracy': 'inf'"),
            (f"arch,accuracy\n{A},-1\n", "line 2, column 'accuracy': '-1'"),
            (f"arch,accuracy\n{A},100.1\n", "line 2, column 'accuracy': '100.1'"),
            (f"arch,accuracy\n{A},0.5\n{B},0.6\n", "every accuracy is at most 1, expected percent"),
            ("arch,accuracy\n|nor_conv_7x7~0|,50\n", "line 2, column 'arch': malformed cell at character 2"),
            (f"arch,accuracy,space\n{A},50,nb101\n", "line 2, column 'space': unknown search space 'nb101'"),
            (f"arch,accuracy,seed\n{A},50,x\n", "line 2, column 'seed': 'x', expected a whole number"),
            (
                f"arch,accuracy\n{A},50\n{B},1\n{A},51\n",
                "line 4, column 'arch': .* without a seed is in line 2 already",
            ),
            (f"arch,accuracy,seed\n{A},50,3\n{A},51,3\n", "line 3, column 'arch': .* with seed 3 is in line 2 already"),
            (f'arch,accuracy\n"{A}"x,50\n', "line 2: not a CSV table"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(DataError, match=message):
            load_ground_truth(write(tmp_path / "mine.csv", text))

    def test_files_that_are_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.csv"
        path.write_bytes(b"arch,accuracy\n\xff\xfe")
        with pytest.raises(DataError, match="byte 15 is not UTF-8"):
            load_ground_truth(path)
        path.write_bytes(gzip.compress(b"arch,accuracy\n" * 1000)[:-9])
        with pytest.raises(DataError, match="cannot be read"):
            load_ground_truth(path)
        with pytest.raises(UsageError, match="no file"):
            load_ground_truth(tmp_path / "nowhere.csv")
        with pytest.raises(UsageError, match="no file"):
            load_ground_truth(tmp_path)
