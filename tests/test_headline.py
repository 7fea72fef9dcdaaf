"""The answer of a run: it follows the intervals, and says so where there is none."""

from dataclasses import replace

import pytest
from reports_support import MANIFEST

from reports.headline import headline
from reports.records import Run
from reports.schema import Correlation, Estimate, ScoreRow, VerdictKind
from reports.tables import correlation_table, places


def estimate(value: float, margin: float) -> Estimate:
    return Estimate(value, value - margin, value + margin)


@pytest.mark.parametrize(
    ("difference", "words", "verdict"),
    [
        (estimate(0.2, 0.1), "better than params and not told apart from FLOPs", VerdictKind.BETTER),
        (estimate(0.05, 0.1), "not told apart from params and FLOPs", VerdictKind.NOT_TOLD_APART),
        (estimate(-0.2, 0.1), "not told apart from FLOPs and worse than params", VerdictKind.WORSE),
        (Estimate(0.2), "not told apart from params and FLOPs", VerdictKind.NOT_TOLD_APART),
    ],
)
def test_the_answer_follows_the_interval_of_the_paired_difference(
    difference: Estimate, words: str, verdict: VerdictKind
) -> None:
    best = Correlation("nwot", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.7, 0.1))
    best = replace(best, spearman_minus_params=difference, spearman_minus_flops=estimate(0.01, 0.1))
    worse = replace(best, proxy="diswot", spearman=estimate(0.1, 0.1), spearman_minus_params=estimate(-0.6, 0.1))
    params = Correlation("params", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.65, 0.1))
    rows = (worse, params, best, replace(params, proxy="flops"))
    first, subject, sure = headline(Run(MANIFEST, correlations=rows))
    assert (
        first == f"The best proxy is nwot: its Spearman correlation with the accuracy is 0.700 [0.600, 0.800], {words}."
    )
    assert subject.startswith("DisWOT is number 4 of 4 rows (FLOPs and params among them), with 0.100 [0.000, 0.200], ")
    assert f"Of 2 proxies {'1 is' if difference.separated > 0 else 'none is'} better than params" in sure
    assert f"{2 if difference.separated < 0 else 1} {'are' if difference.separated < 0 else 'is'} worse" in sure
    kinds = {row[0]: row[1].kind for row in correlation_table(rows).rows if row[1]}
    assert kinds == {"nwot": verdict, "diswot": VerdictKind.WORSE}


def test_the_answer_says_why_the_paper_s_score_has_no_rank() -> None:
    best = Correlation("nwot", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.7, 0.1))
    none = Correlation("diswot", "higher", "too-few", 0, 60, "not-applicable 60", 1, 1000)
    asked = ScoreRow("s", "a", "diswot", 1, "gaussian", 0, "i", 64, "t", "cpu", "fp32", None, "not-applicable", "", 0.0)
    scores = tuple(replace(asked, arch=arch, reason=f"widths differ: {arch}") for arch in ("b", "a", "b"))
    said = headline(Run(MANIFEST, correlations=(best, none), scores=(*scores, replace(asked, proxy="x", reason="no"))))
    why = "most often because of 'widths differ: b'"
    assert f"DisWOT ranks nothing here: it has no score for 60 networks, {why}." in said
    assert not any("DisWOT" in each for each in headline(Run(MANIFEST, correlations=(best,))))


def test_the_answer_of_a_run_without_numbers_says_so() -> None:
    flat = Correlation("a", "higher", "constant", 60, 0, "", 1, 1000)
    none = "None of 1 proxy gave a ranking to compare."
    same = "a ranks nothing here: it gives all 60 networks the same score."
    assert headline(Run(MANIFEST, correlations=(flat,))) == (none, same)
    params = Correlation("params", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.65, 0.1))
    sizes = "The counts of size alone: Spearman params 0.650 [0.550, 0.750]."
    assert headline(Run(MANIFEST, correlations=(params,))) == (sizes,)
    assert headline(Run(MANIFEST, correlations=(params, flat))) == (none, same, sizes)
    lonely = replace(flat, status="ok", spearman=Estimate(0.5))
    (only,) = headline(Run(MANIFEST, correlations=(lonely,)))
    assert "no params or FLOPs row" in only
    itself = headline(Run(MANIFEST, correlations=(replace(lonely, proxy="diswot"),)))
    assert (
        itself[0].startswith("The best proxy is DisWOT") and itself[1] == "That is DisWOT itself, number 1 of 1 rows."
    )


def test_equal_numbers_share_a_place_and_the_first_one_too() -> None:
    best = Correlation("b", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.7, 0.1))
    params = replace(best, proxy="params", spearman=estimate(0.6, 0.1))
    rows = [best, replace(best, proxy="a"), params, replace(params, proxy="flops"), replace(params, proxy="diswot")]
    last = replace(best, proxy="c", spearman=estimate(0.1, 0.1))
    silent = Correlation("d", "higher", "constant", 60, 0, "", 1, 1000)
    assert places([last, silent, *rows]) == {"a": 1, "b": 1, "params": 3, "flops": 3, "diswot": 3, "c": 6}
    first, subject, *_ = headline(Run(MANIFEST, correlations=(last, silent, *rows)))
    assert first.startswith("The best proxies are a and b: their Spearman correlation with the accuracy is 0.700 ")
    assert subject.startswith("DisWOT is number 3 of 6 rows ")
    ranks = [row[2] for row in correlation_table([last, silent, *rows]).rows]
    assert ranks == [1, 1, 3, 3, 3, 6, None]


def test_what_rests_on_fewer_networks_or_on_some_draws_is_said() -> None:
    row = Correlation("a", "higher", "ok", 100, 0, "", 5, 1000, spearman=estimate(0.7, 0.1))
    row = replace(row, spearman_minus_params=estimate(0.3, 0.1))
    few = replace(row, proxy="b", scored=40, left_out=60)
    said = headline(Run(MANIFEST, correlations=(row, few, replace(few, proxy="c", scored=60, left_out=40))))[-1]
    assert "by 100 networks (1 of them by fewer than half) and these 5 draws of weights." in said
    one = replace(row, seeds=1)
    assert "by 100 networks." in headline(Run(MANIFEST, correlations=(one, replace(one, proxy="b"))))[-1]


def test_a_score_that_is_constant_where_it_has_a_value_has_that_reason() -> None:
    flat = Correlation("diswot", "higher", "constant", 11, 1, "nan 1", 1, 1000)
    assert headline(Run(MANIFEST, correlations=(flat,)))[1] == (
        "DisWOT ranks nothing here: it gives all 11 networks that it scores the same score."
    )
    none = Correlation("diswot", "higher", "too-few", 0, 1, "nan 1", 1, 1000)
    assert "no score for 1 network." in headline(Run(MANIFEST, correlations=(none,)))[1]
