"""docs/trust.md says how much is tried: the numbers are those of the lists in this folder."""

from typing import Any

from faults import test_damage, test_disks, test_hostile, test_kills
from faults.driver import ROOT


def test_the_page_says_what_is_tried() -> None:
    text = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    table = "\n".join(f"| {what} | {some:,} | {every:,} |" for what, (some, every) in counts().items())
    assert table in text, f"docs/trust.md lacks:\n{table}"


def counts() -> dict[str, tuple[int, int]]:
    """How often each is tried: in every run of the tests, and in all."""
    kills, told, damage = test_kills.cases(), test_kills.TOLD, test_damage.parameters()
    deadly, table = test_hostile.DEADLY, test_damage.TABLES_DAMAGED
    failing = len(test_hostile.UNLOADABLE) + len(test_hostile.STRATEGIES) + len(test_hostile.AGGREGATES)
    misdeeds, disks, hit = len(test_hostile.MISDEEDS), test_disks.FULL, len(test_hostile.BESIDE) * 3
    return {
        "kills at random moments": (len(quick(kills)), len(quick(kills)) + test_kills.KILLS * slow(kills)),
        "Ctrl-C and SIGTERM": (2 * len(quick(told)), 2 * len(told)),
        "damaged files of a run": (lengths(quick(damage), 3), lengths(damage, 3)),
        "damaged tables of a harvest": (table[0], sum(table)),
        "damaged tables of accuracies": (test_hostile.TRUTHS,) * 2,
        "full disks": (lengths(quick(disks), 1), lengths(disks, 1)),
        "options that make no sense": (len(test_hostile.INPUTS),) * 2,
        "misdeeds of a guest": (misdeeds + len(quick(deadly)), misdeeds + len(deadly)),
        "plugins, strategies, aggregates that fail": (failing,) * 2,
        "folders that hold something else": (hit,) * 2,
    }


def quick(cases: list[Any]) -> list[Any]:
    """Those of every run of the tests."""
    return [case for case in cases if not case.marks]


def slow(cases: list[Any]) -> int:
    return len(cases) - len(quick(cases))


def lengths(cases: list[Any], place: int) -> int:
    return sum(len(case.values[place]) for case in cases)
