"""The numbers that nobody published: pairs of like FLOPs, the grid, the command."""

from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from files_support import rows_of
from scipy.stats import rankdata, spearmanr
from tables_support import made_up_work, one_process, write_own_truth

from benchmarks import proxy_facts
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.question import Answer
from benchmarks.statistics.like_pairs import LikePairs
from benchmarks.tables import with_params
from diswot_errors import UsageError
from nb201_data.space import distinct_cells

rng = np.random.default_rng(2)


def test_pairs_of_like_cost_are_counted_one_by_one() -> None:
    truth, scores = rng.normal(size=25), rng.integers(0, 9, 25).astype(float)
    cost = rng.uniform(1, 2, 25)
    scores[3] = np.nan
    total = right = pairs = 0
    for i, j in combinations(range(25), 2):
        if max(cost[i], cost[j]) / min(cost[i], cost[j]) < 1.1:
            pairs += 1
            if 3 not in (i, j):
                total += 1
                right += int(np.sign((truth[i] - truth[j]) * (scores[i] - scores[j])))
    like = LikePairs(truth, cost, within=0.1, resamples=50)
    assert like.pairs == pairs
    assert like.agreement(scores).value == pytest.approx(right / total)


def test_size_explains_nothing_among_pairs_of_the_same_size() -> None:
    cost = np.repeat([1.0, 2.0, 3.0], 20)
    quality = rng.normal(size=60)
    truth = 10 * cost + quality
    like = LikePairs(truth, cost, resamples=200)
    assert like.agreement(cost).value == 0.0
    assert like.agreement(truth).value == 1.0
    reversed_order = like.agreement(10 * cost - quality)
    assert reversed_order.value == -1.0 and reversed_order.separated == -1


def test_too_few_pairs_have_no_agreement_and_bad_costs_are_refused() -> None:
    assert LikePairs([1.0, 2.0, 3.0], [1.0, 5.0, 25.0]).agreement([1.0, 2.0, 3.0]).value is None
    with pytest.raises(UsageError, match="positive cost"):
        LikePairs([1.0, 2.0, 3.0], [0.0, 1.0, 1.0])


def test_rank_and_params_together_against_scipy() -> None:
    """Two halves of the truth: each alone ranks worse than the mean of their ranks; a failed score stays out."""
    size, rest = rng.normal(size=80), rng.normal(size=80)
    scores = {"params": size, "complement": -rest, "noise": rng.normal(size=80)}
    scores["noise"][5] = np.nan
    base = measured(size + rest, scores, lower={"complement"})
    rows = {row.proxy: row for row in with_params.mean_ranks(base)}
    expected = spearmanr(rankdata(size) + rankdata(rest), size + rest).statistic
    assert rows["complement"].spearman.value == pytest.approx(expected)
    assert rows["complement"].spearman_minus_params.separated == 1
    kept = np.arange(80) != 5
    both = rankdata(size[kept]) + rankdata(scores["noise"][kept])
    assert rows["noise"].scored == 79
    assert rows["noise"].spearman.value == pytest.approx(spearmanr(both, (size + rest)[kept]).statistic)


def measured(truth: np.ndarray, scores: dict[str, np.ndarray], lower: set[str]) -> Measured:
    """A measurement whose scores are given."""
    archs = tuple(map(str, distinct_cells()[: len(truth)]))
    values = dict(zip(archs, truth.tolist(), strict=True))
    study = SimpleNamespace(archs=archs, seeds=(0,), accuracies=list(values.values()), networks=archs)
    directions = {name: "lower" if name in lower else "higher" for name in scores}
    answers = {
        (name, 0): {
            arch: Answer(None if np.isnan(v) else v, "nan" if np.isnan(v) else "ok", "", 0.0)
            for arch, v in zip(archs, row.tolist(), strict=True)
        }
        for name, row in scores.items()
    }
    infos = tuple(SimpleNamespace(name=name, direction=direction) for name, direction in directions.items())
    return Measured(Ask(study, infos), answers)  # type: ignore[arg-type]


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("benchmarks.command.opened.score_job", made_up_work)
    monkeypatch.setattr("nb201_data.truth.measured.TABLES", tmp_path / "tables")
    monkeypatch.setattr("benchmarks.scoring.measured.RESAMPLES", 100)
    monkeypatch.setattr("benchmarks.tables.grid.BATCHES", (16, 64))
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    return [
        *one_process(tmp_path),
        *("--proxies", "nwot,diswot,l2_norm", "--grid", "nwot,diswot", "--seeds", "2", "--no-tables"),
    ]


def test_the_command_on_a_fresh_machine(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_own_truth(tmp_path / "tables")
    assert proxy_facts.main(arguments) == 0
    out = tmp_path / "out"
    facts = {row["proxy"]: row for row in rows_of(out / "from-params.csv")}
    assert set(facts) == {"params", "flops", "nwot", "diswot", "l2_norm"}
    assert float(facts["l2_norm"]["with_params"]) == pytest.approx(1.0)  # made-up l2_norm is params
    assert float(facts["nwot"]["with_params"]) < 1
    assert float(facts["l2_norm"]["explained"]) == pytest.approx(1.0)
    assert float(facts["nwot"]["explained"]) < 0.99
    stability = {row["proxy"]: row for row in rows_of(out / "stability.csv")}
    assert set(stability) == {"nwot", "diswot"} and float(stability["nwot"]["batch_range"]) > 0
    assert stability["nwot"]["images_range"] == ""  # one source: the other is not on disk, and the page says so
    assert len(list(out.glob("multiples.panel-*.svg"))) == 2
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Left out: stability over images cifar100" in page and "nb201_data fetch cifar100" in page
    sizes = rows_of(out / "sample-sizes.csv")
    assert ("nwot", "params") in {(row["first"], row["second"]) for row in sizes}
    assert capsys.readouterr().err == ""
    written = {path.name: path.read_bytes() for path in out.glob("*.csv")}
    assert proxy_facts.main(arguments) == 0
    assert {path.name: path.read_bytes() for path in out.glob("*.csv")} == written


def test_without_any_accuracies(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert proxy_facts.main(arguments) == 0
    assert "Nothing was measured: no table of kd-nb201" in capsys.readouterr().out
