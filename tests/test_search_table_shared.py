"""The rows of Table 8 that share weights: as deep and trained as long as the minutes allow, and they say so."""

import pytest
from files_support import rows_of
from tables_support import table_8

from benchmarks.tables import search_shared
from benchmarks.tables.search_entries import Entry
from benchmarks.tables.search_rows import CONTENDERS, Terms
from diswot_errors import DataError
from nb201_data.image_set import ImageSet
from nb201_data.images import load_images
from reports.records import read_run


class First:
    """The first 128 images of the embedded ones."""

    def __init__(self, split):
        self.split = split

    def __len__(self) -> int:
        return 128

    def take(self, indices):
        return self.split.take(indices)


PAINTED = load_images("embedded:10")
FEW = ImageSet("cifar10", 10, 32, PAINTED.mean, PAINTED.std, First(PAINTED.train), PAINTED.test)


@pytest.mark.parametrize(("minutes", "plan"), [(1, (1, 6)), (2, (2, 6)), (5, (5, 6)), (60, (5, 72))])
def test_a_shared_network_is_as_deep_and_trained_as_long_as_the_minutes_allow(minutes, plan, monkeypatch):
    """On a machine where an epoch of n cells a stage takes 10 n seconds."""
    asked = []
    monkeypatch.setattr("nb201_data.images.load_images", lambda name, needs: FEW)
    monkeypatch.setattr(search_shared, "shared_seconds", lambda _, task, __: asked.append(task) or cost(task))
    found = search_shared.planned(shared_entry(minutes))
    assert (found.cells_per_stage, found.epochs) == plan and found.epochs >= search_shared.LEAST_EPOCHS
    assert {task.space.skeleton.channels for task in asked} == {16}  # that of the benchmark, whatever the minutes


def test_too_few_minutes_for_a_shared_network_are_said(monkeypatch):
    monkeypatch.setattr("nb201_data.images.load_images", lambda name, needs: FEW)
    monkeypatch.setattr(search_shared, "shared_seconds", lambda _, task, __: cost(task))
    with pytest.raises(DataError, match=r"take about 0\.833 minutes here.*--shared-minutes 2"):
        search_shared.planned(shared_entry(0.5))


def cost(task) -> float:
    return 10.0 * task.space.skeleton.cells_per_stage


def shared_entry(minutes: float) -> Entry:
    terms = Terms(False, None, "embedded", 64, "resnet56", None, "cpu", minutes)
    return Entry("cifar10", CONTENDERS["gdas"], 0, terms)


def test_shared_rows_train_at_the_width_of_the_benchmark_and_say_how_deep_and_how_long(made_benchmark, monkeypatch):
    monkeypatch.setattr("nb201_data.images.load_images", lambda name, needs=None: FEW)
    monkeypatch.setattr(search_shared, "shared_seconds", lambda _, task, __: cost(task))
    monkeypatch.setattr(search_shared, "LEAST_EPOCHS", 1)
    rows = ["--rows", "gdas", "--workers", "1", "--seeds", "1", "--shared-minutes", "0.2"]
    (found,) = table_8(made_benchmark, "shared", *rows)
    (row,) = rows_of(made_benchmark / "shared" / "cifar10.csv")
    assert row["conditions"] == "shared network of 16 channels, 1 of 5 cells a stage, 1 epochs of cifar10"
    assert row["verdict"] == "not-measured"  # one seed: no interval
    monkeypatch.setattr(search_shared, "shared_seconds", lambda *_: 1e9)  # what was planned is not planned again
    (again,) = table_8(made_benchmark, "shared", *rows)
    assert {**again, "seconds": ""} == {**found, "seconds": ""}


def test_shared_rows_without_images_are_not_run_and_say_what_they_need(made_benchmark):
    table_8(made_benchmark, "none", "--rows", "gdas,draw", "--workers", "1", "--seeds", "1", "--shared-minutes", "9")
    row = rows_of(made_benchmark / "none" / "cifar10.csv")[0]
    assert row["verdict"] == "not-measured" and row["verdict_detail"] == "not run: no images"
    assert "nb201_data fetch cifar10" in read_run(made_benchmark / "none").page.sections[0].note
