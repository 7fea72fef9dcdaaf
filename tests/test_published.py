"""The published numbers, how they are read, and the verdicts on them."""

from dataclasses import replace

import pytest

from diswot_errors import UsageError
from nb201_data.space import Cell
from reports.consistency import checked_claims, checked_speed_ups, contradictions, quotient
from reports.printed import parse_printed, table
from reports.published import SEARCHED_CELLS, TABLES, published
from reports.schema import Estimate, Verdict, VerdictKind
from reports.verdicts import Counterpart, compare, comparison, comparison_table, hundredths, tally


@pytest.mark.parametrize(
    ("text", "value", "step", "spread"),
    [
        ("58.70±.11", 58.70, 0.01, 0.11),
        (".72K", 720.0, 10.0, None),
        ("2.2K", 2200.0, 100.0, None),
        ("216K", 216_000.0, 1000.0, None),
        ("1M", 1_000_000.0, 1_000_000.0, None),
        ("-5.3e-4", -0.00053, 0.00001, None),
        ("1", 1.0, 1.0, None),
        (".8168", 0.8168, 0.0001, None),
    ],
)
def test_a_printed_number_has_value_precision_and_spread(
    text: str, value: float, step: float, spread: float | None
) -> None:
    assert parse_printed(text) == (value, step, spread)


@pytest.mark.parametrize("text", ["", ".", "-", "12,3", "abc", "1.2G", "1±", "--1", "1e"])
def test_what_is_no_printed_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="printed number"):
        parse_printed(text)


def test_the_number_of_numbers() -> None:
    counts = {name: len(made.numbers) for name, made in TABLES.items()}
    assert counts == {
        **{"correlation": 18, "rank": 16, "metrics": 5, "init": 6, "search": 90},
        **{"distillers-resnet34": 18, "distillers-resnet50": 18, "vanilla-distilled": 8, "two-students": 8},
        **{"teachers": 12, "ten-runs": 3, "curves": 3, "zoo": 3},
    }


def test_every_number_says_where_it_stands_and_cells_parse() -> None:
    for made in TABLES.values():
        assert made.source and made.setting and made.title
        assert {number.row for number in made.numbers} == set(made.rows)
        assert len(made.by_place) == len(made.numbers)
    assert all(str(Cell.parse(text)) == text for text in SEARCHED_CELLS.values())


def test_unknown_settings_are_those_of_the_row_and_of_the_table() -> None:
    diswot, snip = (published("correlation").number(row, "kendall") for row in ("diswot", "snip"))
    assert diswot and "teacher" in diswot.unknown and snip and snip.unknown == ""
    assert all("space" in number.unknown for name in ("metrics", "init") for number in published(name).numbers)


def test_an_unknown_table_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="correlation, rank"):
        published("nothing")


def test_rows_and_columns_must_fit() -> None:
    with pytest.raises(ValueError, match="zip"):
        table("t", "t", "s", "s", "a b", {"row": "1"})


FLOPS = published("correlation").by_place["flops", "kendall"]


def exact(value: float) -> Counterpart:
    return Counterpart(Estimate(value, value, value), 64, 1, "S0")


@pytest.mark.parametrize(
    ("measured", "kind"), [(51.616, "within"), (51.6199, "within"), (51.62001, "outside"), (51.59999, "outside")]
)
def test_a_verdict_takes_all_digits_of_what_was_measured(measured: float, kind: str) -> None:
    """51.61 is printed; 51.62001 would be 51.62 when rounded to its digits, and so would 51.616."""
    assert compare(FLOPS, exact(measured)).kind == kind


def test_changing_a_published_number_changes_the_verdict() -> None:
    measured = {("flops", "kendall"): exact(51.616)}
    original = published("correlation")
    changed = replace(original, numbers=tuple(replace(n, value=51.71) if n == FLOPS else n for n in original.numbers))
    before, after = (comparison(each, measured)[0].verdict for each in (original, changed))
    assert before == Verdict(VerdictKind.WITHIN) and after and after.kind is VerdictKind.OUTSIDE


def test_every_number_can_be_within_and_outside() -> None:
    """For each published number an interval around it agrees and one beside it does not."""
    for made in TABLES.values():
        for number in made.numbers:
            low, high = number.value - number.step / 2, number.value + number.step / 2
            near = compare(number, Counterpart(Estimate(number.value, low, high), 1, 1, ""))
            far = compare(
                number, Counterpart(Estimate(high + 9, high + 2 * number.step, high + 10 * number.step), 1, 1, "")
            )
            if number.unknown:
                assert near.kind is far.kind is VerdictKind.SETTING_UNKNOWN and number.unknown in near.detail
                assert near.detail.startswith("within the interval; ") and "below; " in far.detail
            else:
                assert near == Verdict(VerdictKind.WITHIN)
                assert far.kind is VerdictKind.OUTSIDE and "below" in far.detail


def test_the_expected_interval_decides_before_the_one_over_networks() -> None:
    wide = Counterpart(Estimate(60.0, 40.0, 80.0), 64, 3, "")
    assert compare(FLOPS, wide).kind is VerdictKind.WITHIN
    assert compare(FLOPS, replace(wide, expected=Estimate(60.0, 59.0, 61.0))).kind is VerdictKind.OUTSIDE


def test_other_settings_are_named_and_give_no_verdict_of_agreement() -> None:
    outcome = compare(FLOPS, replace(exact(60.0), differs=("embedded images", "60 networks")))
    assert outcome.kind is VerdictKind.OTHER_SETTING
    assert outcome.detail == "published 8.39 below; here: embedded images, 60 networks"


def test_what_was_not_measured_says_what_it_needs() -> None:
    assert compare(FLOPS, None, "needs data") == Verdict(VerdictKind.NOT_MEASURED, "needs data")
    assert compare(FLOPS, Counterpart(Estimate(), 0, 0, ""), "needs data").detail == "needs data"
    assert "--seeds" in compare(FLOPS, Counterpart(Estimate(51.6), 64, 1, "")).detail


def test_a_comparison_shows_every_number_and_what_the_paper_leaves_out() -> None:
    made = comparison(published("correlation"), {("params", "kendall"): exact(87.29)}, "needs data")
    assert len(made) == 19 and made[-1].number is None and made[-1].verdict is None
    assert comparison_table(made).rows[-1][:3] == ("params", "kendall", "not printed")
    assert tally(made) == "18 not measured"


def test_hundredths() -> None:
    assert hundredths(Estimate(0.5, 0.25, None, 0.125)) == Estimate(50.0, 25.0, None, 12.5)


def test_only_some_speed_ups_follow_from_the_seconds() -> None:
    verdicts = {(each.label, each.data): each.verdict for each in checked_speed_ups()}
    fails = {place for place, verdict in verdicts.items() if verdict.kind is VerdictKind.FAILS}
    assert ("DisWOT M_s & M_r", "cifar10") not in fails and ("DisWOT M_r", "cifar10") not in fails
    assert {("DisWOT M_s & M_r", "cifar100"), ("DisWOT M_r", "cifar100"), ("GDAS", "cifar10")} <= fails
    assert {("DisWOT M_s & M_r", "imagenet16-120"), ("DisWOT M_r", "imagenet16-120"), ("RSPS", "cifar100")} <= fails
    assert verdicts["NWOT", "cifar100"].kind is verdicts["RSPS", "cifar10"].kind is VerdictKind.HOLDS


def test_a_quotient_has_the_precision_of_its_parts() -> None:
    base, own = (published("search").by_place[row, "cifar100_seconds"] for row in ("random", "diswot"))
    assert quotient(base, own) == pytest.approx((459_000 / 9_300, 461_000 / 9_100))


def test_contradictions_follow_from_what_is_printed() -> None:
    made = contradictions().table
    assert made is not None and len(made.rows) == 5
    assert [each.verdict.kind for each in checked_claims()] == ["fails", "holds", "fails", "fails", "fails"]
