"""The study: which architectures of a truth are its sample."""

from pathlib import Path

import pytest
from scoring_support import write_truth

from benchmarks import correlation
from benchmarks.scoring.resolve import split_at_hand
from benchmarks.scoring.study import SAMPLE, SMALL, load_truth, sample_of
from diswot_errors import UsageError
from nb201_data import files


def test_a_growing_truth_keeps_its_sample(tmp_path: Path) -> None:
    from nb201_data.ground_truth import load_ground_truth

    small = load_ground_truth(write_truth(tmp_path / "small.csv", n=100))
    large = load_ground_truth(write_truth(tmp_path / "large.csv", n=110))
    assert sample_of(small, 40, 0) == sample_of(small, 60, 0)[:40]
    assert sample_of(small, 40, 0) != sample_of(small, 40, 1)
    assert len(set(sample_of(small, 40, 0)) - set(sample_of(large, 40, 0))) <= 10
    assert set(sample_of(large, "all", 0)) == set(large.values)


def test_a_small_truth_is_scored_whole_and_a_large_one_in_part(tmp_path: Path) -> None:
    from nb201_data.ground_truth import load_ground_truth

    for n, usual in ((SAMPLE + 1, SAMPLE + 1), (SMALL, SMALL), (SMALL + 1, SAMPLE)):
        truth = load_ground_truth(write_truth(tmp_path / f"{n}.csv", n=n))
        assert len(sample_of(truth, None, 0)) == usual
        assert sample_of(truth, None, 0) == sample_of(truth, "all", 0)[:usual]


def only(folder: Path, split: str) -> None:
    """A data folder with one split of CIFAR-100, of the right size: what is read is not looked at here."""
    (there,) = files.select(f"cifar100/{split}")
    path = folder / there.path
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(there.size)


@pytest.mark.parametrize(("split", "more"), [("test", " --split test"), ("train", "")])
def test_a_note_says_which_real_images_are_on_disk(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], split: str, more: str
) -> None:
    only(folder, split)
    path = write_truth(tmp_path / "mine.csv")
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{head},images", *(f"{row},cifar100" for row in rows)]) + "\n")
    assert correlation.main(["--ground-truth", str(path), "--dry-run"]) == 0
    assert f"With real images, --images cifar100{more}, other numbers" in capsys.readouterr().out


def test_photographs_that_are_named_have_the_classes_of_the_networks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert correlation.main(["--ground-truth", str(write_truth(tmp_path / "mine.csv")), "--dry-run"]) == 0
    assert "With real images, --images cifar10" in (out := capsys.readouterr().out) and "cifar100" not in out


def test_the_space_that_is_asked_for_reads_a_file_that_names_none(tmp_path: Path) -> None:
    path = tmp_path / "s0.csv"
    path.write_text(
        "arch,accuracy\n" + "".join(f"{a}{b}{c},{50 + a + b + c}\n" for a in (1, 3) for b in (1, 3, 5) for c in (1, 7))
    )
    truth = load_truth("s0", str(path))
    assert (truth.space, len(truth), "111" in truth.values) == ("s0", 12, True)
    assert load_truth("s0", f"{path}:space=s0").values == truth.values
    assert load_truth(None, f"{path}:space=s0").values == truth.values
    with pytest.raises(UsageError, match="contradict"):
        load_truth("nb201", f"{path}:space=s0")


def test_real_images_are_those_of_the_split_that_is_on_disk(folder: Path) -> None:
    assert split_at_hand("cifar100", "train") == "train"  # neither is
    only(folder, "test")
    assert split_at_hand("cifar100", "train") == split_at_hand("cifar100", "test") == "test"
    assert split_at_hand("embedded", "train") == split_at_hand("no data set of ours", "train") == "train"
