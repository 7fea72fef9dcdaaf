"""Under what a question is asked where nobody says: what the released scores answer. No init: the usual one."""

import argparse
from dataclasses import replace

import pytest

from benchmarks.scoring.order import space_order
from benchmarks.scoring.released import Card, Column, Released
from benchmarks.scoring.usual import said, usual
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.truth.records import Record
from proxies.registry import all_proxies

COLUMN = Column(1, "diswot-bench", 100, 0.1, (("ok", ""),))
SMALL, LARGE = "c16n1k100r16", "c16n5k100r32"


def card(skeleton: str, images: str, init: str, networks: int, space: str = "nb201") -> Card:
    setting = {"space": space, "skeleton": skeleton, "images": images, "init": init}
    return Card(1, setting, "", networks, (), {}, "", {"snip": replace(COLUMN, networks=networks)})


CARDS = [
    card(SMALL, "embedded:100@16", "gaussian", 300),
    card(SMALL, "cifar100@16", "kaiming", 900),
    card(SMALL, "cifar100@16", "gaussian", 100),
    card(LARGE, "cifar100", "kaiming", 2000),
    card(LARGE, "cifar100", "gaussian", 400),
    card(LARGE, "noise:100", "gaussian", 9000),
    card(LARGE, "cifar100", "default", 500, space="other"),
]


def truth(skeleton: str, images: str = "cifar100") -> GroundTruth:
    record = Record("nb201", "a", skeleton, images, "test", 200, "", "", None, 50.0)
    return GroundTruth("mine", "user", (record,), "")


def options(images: str | None = None, init: str | None = None, setting: str = "common") -> argparse.Namespace:
    return argparse.Namespace(images=images, init=init, setting=setting, space=None, proxies="all")


@pytest.mark.parametrize(
    ("skeleton", "images", "init", "expected"),
    [
        (SMALL, None, None, ("embedded", None)),  # though more is released under others
        (SMALL, "cifar100", None, ("cifar100", None)),
        (SMALL, None, "kaiming", ("embedded", "kaiming")),
        (LARGE, None, None, ("cifar100", "kaiming")),  # nothing on painted images; noise is no choice
        (LARGE, "real", None, ("real", None)),
        (LARGE, "embedded", None, ("embedded", None)),
        (LARGE, None, "xavier", ("embedded", "xavier")),
        ("c16n5k10r32", None, None, ("embedded", None)),  # nothing is released
    ],
)
def test_where_nothing_is_said_it_is_what_is_released(
    skeleton: str, images: str | None, init: str | None, expected: tuple[str, str | None]
) -> None:
    found = usual(options(images, init), truth(skeleton), CARDS)
    assert (found.images, found.init) == expected
    assert found.proxies == "all"


def test_under_the_settings_of_the_authors_only_the_images_are_chosen() -> None:
    found = usual(options(setting="authors"), truth(SMALL), CARDS)
    assert (found.images, found.init) == ("cifar100", None)
    assert usual(options(setting="authors"), truth(SMALL), CARDS[:1]).images == "embedded"
    assert usual(options("embedded", setting="authors"), truth(SMALL), CARDS).images == "embedded"


def test_the_reader_is_told_where_the_released_scores_decided() -> None:
    before = options()
    [note] = said(before, usual(before, truth(LARGE), CARDS))
    assert "cifar100, kaiming weights" in note.text
    assert said(before, usual(before, truth(SMALL), CARDS)) == []
    for spelt in (options("cifar100", "kaiming"), options("embedded", "gaussian")):
        assert said(spelt, usual(spelt, truth(LARGE), CARDS)) == []


def test_without_released_scores_images_are_painted() -> None:
    found = usual(options(), truth(LARGE), [])
    assert (found.images, found.init) == ("embedded", None)


def test_the_usual_ground_truth_is_looked_at_without_any_download() -> None:
    found = usual(options(), load_ground_truth("kd-nb201"), (table.card for table in Released().tables))
    assert (found.images, found.init) == ("embedded", None)


def test_all_cells_of_the_benchmark_are_looked_at_as_they_were_released() -> None:
    found = usual(options(), truth(LARGE), (table.card for table in Released().tables))
    assert (found.images, found.init) == ("cifar100", "kaiming")


def test_every_score_of_the_first_2000_cells_of_the_benchmark_is_released_as_they_are_looked_at() -> None:
    asked = {"space": "nb201", "skeleton": LARGE, "images": "cifar100", "init": "kaiming", "batch_size": 64, "seed": 0}
    tables = [table for table in Released().tables if asked.items() <= table.card.setting.items()]
    first = space_order("nb201")[:2000]
    held = {name for table in tables for name in table.card.columns if len(table.answers(name, first)) == len(first)}
    assert held == {info.name for info in all_proxies() if info.ours}
