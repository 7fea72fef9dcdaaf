"""Scores made of scores: the grammar, its values against few-line references, and all that it makes of three scores."""

import itertools
from math import log

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics import candidates
from benchmarks.statistics.formula import parse
from diswot_errors import UsageError

KNOWN = ("jacob", "meco", "nst", "params", "rank", "te_nas_ntk")
COLUMNS = {
    "meco": np.array([2.0, 1.0, 5.0, 5.0, 3.0, np.nan]),
    "nst": np.array([0.1, 0.4, 0.2, 0.3, -0.5, 1.0]),
    "te_nas_ntk": np.array([10.0, 20.0, 5.0, 40.0, 7.0, 8.0]),
}
LOWER = {"te_nas_ntk"}


@pytest.mark.parametrize(
    ("text", "shown", "alone"),
    [
        ("nst", "nst", "nst"),
        (" nst + jacob+meco ", "jacob + meco + nst", "jacob*meco*nst"),
        ("rank(nst)+rank(jacob)", "rank(jacob) + rank(nst)", "jacob*nst"),
        ("nst*meco/params", "meco*nst/params", "meco*nst/params"),
        ("nst/params/jacob + meco", "meco + nst/jacob/params", "meco*nst/jacob/params"),
        ("rank(meco*nst)", "rank(meco*nst)", "meco*nst"),
        ("rank", "rank", "rank"),  # a score may have that name
    ],
)
def test_a_formula_is_read_and_written_in_one_form(text: str, shown: str, alone: str) -> None:
    formula = parse(text, KNOWN)
    assert (str(formula), str(formula.alone)) == (shown, alone)
    assert parse(shown, KNOWN) == formula and parse(alone, KNOWN) == formula.alone


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["ends too early", "name of a score"]),
        ("nst +", ["ends too early"]),
        ("nst meco", ["'meco' at character 5", "'+'"]),
        ("(nst)", ["'(' at character 1"]),
        ("nst - meco", ["'-' at character 5"]),
        ("nst + Meco", ["'M' at character 7"]),
        ("jacop", ["'jacop'", "Did you mean jacob?"]),
        ("rank(nst", ["expected ')'"]),
        ("rank(nst)*meco", ["multiplies ranks", "a + b"]),
        ("meco*rank(nst)", ["'('"]),
        ("rank(nst) + meco", ["rank(meco)"]),
        ("nst + " * 40 + "?", ["...", "'?'"]),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text, KNOWN)
    assert all(word in str(refused.value) for word in words), refused.value


@given(st.text(alphabet="abr nk()+*/-_1é", max_size=30))
def test_any_text_is_a_formula_or_a_message(text: str) -> None:
    try:
        found = parse(text, ("a", "b", "rank"))
    except UsageError as refused:
        assert "score" in str(refused)
    else:
        assert parse(str(found), ("a", "b", "rank")) == found


def naive(text: str) -> list[float]:
    """Network after network, with the formula written out."""
    meco, nst, ntk = (COLUMNS[name] for name in ("meco", "nst", "te_nas_ntk"))
    if text == "te_nas_ntk":
        return [-v for v in ntk]
    if text == "meco*te_nas_ntk":
        return [log(m / k) for m, k in zip(meco, ntk, strict=True)]
    if text == "meco/nst":
        return [log(m / n) if n > 0 else float("nan") for m, n in zip(meco, nst, strict=True)]
    whole = range(5)  # the last network has no meco
    ranks = [scipy.stats.rankdata([v[i] for i in whole]) for v in (meco, -ntk)]
    join = {"meco + te_nas_ntk": lambda a, b: log(a) + log(b), "rank(meco) + rank(te_nas_ntk)": lambda a, b: a + b}
    return [join[text](a, b) for a, b in zip(*ranks, strict=True)] + [float("nan")]


@pytest.mark.parametrize(
    "text", ["te_nas_ntk", "meco*te_nas_ntk", "meco/nst", "meco + te_nas_ntk", "rank(meco) + rank(te_nas_ntk)"]
)
def test_values_are_those_of_the_formula_written_out(text: str) -> None:
    np.testing.assert_allclose(parse(text, KNOWN).values(COLUMNS, LOWER), naive(text))


def test_a_product_with_zero_is_the_worst_and_by_zero_none() -> None:
    columns = {"meco": np.array([2.0, 0.0, 1.0]), "nst": np.array([0.0, 3.0, 1e-9]), "jacob": np.array([0.0, 1.0, 1.0])}
    assert np.argsort(parse("meco*nst", KNOWN).values(columns, ())).tolist() == [0, 1, 2]
    product = parse("meco*jacob", KNOWN).values(columns, ())
    assert product[0] == product[1] < product[2] and np.isfinite(product).all()
    assert np.isnan(parse("meco/nst", KNOWN).values(columns, ())).tolist() == [True, False, False]
    assert np.isnan(parse("jacob/nst", KNOWN).values(columns, ())).tolist() == [True, False, False]
    assert np.isnan(parse("meco*nst", KNOWN).values(columns, {"nst"})).tolist() == [True, False, False]


def test_equal_sums_of_logs_are_equal() -> None:
    """Ranks 1 and 6 join to as much as 2 and 3: rounding breaks no tie."""
    columns = {"meco": np.array([1.0, 2, 3, 4, 5, 6]), "nst": np.array([6.0, 3, 2, 1, 4, 5])}
    values = parse("meco + nst", KNOWN).values(columns, ())
    assert values[0] == values[1] == values[2]


@pytest.mark.parametrize("scores", [1, 2, 3, 4, 7, 12])
def test_the_enumeration_is_complete_and_holds_nothing_twice(scores: int) -> None:
    names = [f"s{i}" for i in range(scores)]
    made = [str(block.formula(row, names)) for block in candidates.blocks(scores) for row in range(len(block.members))]
    pairs, triples = (list(itertools.combinations(names, width)) for width in (2, 3))
    assert len(made) == len(set(made)) == candidates.count(scores)
    assert len(made) == scores + (1 + 1 + 3) * len(pairs) + (1 + 1 + 7) * len(triples)
    assert all(str(parse(text, names)) == text for text in made)


def test_every_candidate_is_ranked_as_its_formula() -> None:
    """Blocks of arrays against the grammar's own values and scipy, with ties, a score below zero and one turned."""
    rng = np.random.default_rng(3)
    names, lower = ["a", "b", "c", "d"], [False, True, False, False]
    values = np.stack(
        [rng.integers(0, 9, 40), rng.uniform(0, 1, 40), np.exp(9 * rng.normal(size=40)), rng.normal(size=40)]
    )
    accuracies = np.stack([rng.normal(size=40), rng.integers(0, 7, 40)])
    found = candidates.spearman(candidates.blocks(4), candidates.base_of(values, lower), accuracies)
    columns, row = dict(zip(names, values, strict=True)), 0
    for block in candidates.blocks(4):
        for member in range(len(block.members)):
            own = block.formula(member, names).values(columns, {"b"})
            if np.isnan(own).any():
                assert np.isnan(found[row]).all()
            else:
                expected = [scipy.stats.spearmanr(own, truth).statistic for truth in accuracies]
                np.testing.assert_allclose(found[row], expected, atol=1e-12)
            row += 1
    assert row == len(found) == candidates.count(4)
