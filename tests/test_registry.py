"""Registries: names, near matches, who brought what, and that a failure leaves no trace."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import diswot_registry
from diswot_errors import DataError, UsageError
from diswot_plugins import restored
from diswot_registry import Registry, did_you_mean, origin


@dataclass(frozen=True)
class Fruit:
    name: str
    origin: str = ""


class Point:
    """An entry point as `importlib.metadata` hands it out."""

    def __init__(self, package: str, thing: Any) -> None:
        self.name, self.value, self.thing = "point", "module:thing", thing
        self.dist = type("Distribution", (), {"name": package})()

    def load(self) -> Any:
        if isinstance(self.thing, BaseException):
            raise self.thing
        return self.thing


@pytest.fixture
def fruits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[Fruit]]:
    monkeypatch.setattr(diswot_registry, "entry_points", lambda group: ())
    with restored():
        yield Registry("fruit", Fruit, "test.fruits")


def test_what_was_added_is_found_and_listed_in_order(fruits: Registry[Fruit]) -> None:
    for name in ("pear", "apple"):
        fruits.add(Fruit(name))
    assert list(fruits) == ["pear", "apple"] and fruits.find("apple") is fruits["apple"] and "plum" not in fruits
    with pytest.raises(KeyError):
        fruits["plum"]


def test_near_names_are_offered(fruits: Registry[Fruit]) -> None:
    fruits.add(Fruit("pear"))
    with pytest.raises(UsageError, match=r"unknown fruit 'peer'. Did you mean pear\? Expected one of pear"):
        fruits.find("peer")
    assert did_you_mean("PEAR", ["pear"]) == " Did you mean pear?" and did_you_mean("x", ["pear"]) == ""


@pytest.mark.parametrize("name", ["", "Pear", "a pear", "pear:1", "pear@2", "../pear"])
def test_names_that_files_and_commands_cannot_hold(fruits: Registry[Fruit], name: str) -> None:
    with pytest.raises(UsageError, match="expected lower-case letters"):
        fruits.add(Fruit(name))


def test_a_name_is_taken_once(fruits: Registry[Fruit]) -> None:
    with origin("market"):
        fruits.add(Fruit("pear"))
    with (
        pytest.raises(UsageError, match="'pear' from garden is already registered by market: rename it"),
        origin("garden"),
    ):
        fruits.add(Fruit("pear"))
    with pytest.raises(UsageError, match="a fruit is a Fruit, got int: 3"):
        fruits.add(3)  # type: ignore[arg-type]


def test_who_brought_it(fruits: Registry[Fruit]) -> None:
    with origin("market") as brought:
        assert fruits.add(Fruit("pear", "claims another")).origin == "market"
    fruits.add(Fruit("apple"))
    assert brought == ["pear"] and fruits.origin("pear") == "market"
    assert fruits.origin("apple") not in ("market", diswot_registry.HOME)  # a script of the user's is not the project


def test_a_block_that_fails_leaves_nothing(fruits: Registry[Fruit]) -> None:
    with origin("market"):
        fruits.add(Fruit("pear"))
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), origin("market"):
            fruits.add(Fruit("plum"))
            raise error
        assert list(fruits) == ["pear"]


def test_entry_points_give_records_lists_functions_and_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fig(Fruit):
        def __init__(self) -> None:
            super().__init__("fig")

    things = [Fruit("pear"), [Fruit("plum")], lambda: Fruit("lime"), lambda: None, Fig]
    monkeypatch.setattr(diswot_registry, "entry_points", lambda group: [Point("market", thing) for thing in things])
    with restored():
        fruits = Registry("fruit", Fruit, "test.fruits")
        assert list(fruits) == ["pear", "plum", "lime", "fig"]
        assert {fruit.origin for fruit in fruits.values()} == {"market"}


@pytest.mark.parametrize("error", [ImportError("no magic"), SystemExit(0), GeneratorExit(), UsageError("no")])
def test_a_broken_package_is_named_and_stops_no_other(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    points = [Point("broken", error), Point("whole", Fruit("pear"))]
    monkeypatch.setattr(diswot_registry, "entry_points", lambda group: points)
    with restored():
        fruits = Registry("fruit", Fruit, "test.fruits")
        for _ in range(2):
            with pytest.raises(DataError, match=f"of broken .group test.fruits. failed with {type(error).__name__}"):
                len(fruits)
        assert fruits.known("pear")
