"""Table 8: comparisons held against scipy and textbook values, the published arithmetic, the command on made data."""

import csv
import gzip
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmarks.scoring.lockstep import SIDE_BY_SIDE, lockstep
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from benchmarks.search import run_search
from benchmarks.search.choices import setting_for
from benchmarks.search.scored import scored_objective
from benchmarks.search_table import main
from benchmarks.statistics.comparison import against, compare, holm
from benchmarks.tables.search_page import held_against
from benchmarks.tables.search_rows import CONTENDERS
from benchmarks.tables.search_times import mean_course
from diswot_errors import UsageError
from nb201_data.space import all_cells
from nb201_data.spaces import get_space
from nb201_data.truth.benchmark import COLUMNS
from reports import published as paper
from reports.published import published
from reports.schema import Verdict, VerdictKind

RANDOM, LARGEST, DISWOT = (CONTENDERS[key] for key in ("random", "largest", "diswot"))


def test_comparison_against_scipy():
    rng = np.random.default_rng(0)
    regrets = {
        name: (rng.normal(size=25) + shift).round(1).tolist()
        for name, shift in zip("abcd", (0, 0.3, 1, 2), strict=True)
    }
    found = compare(regrets)
    assert found.p == pytest.approx(stats.friedmanchisquare(*regrets.values()).pvalue)
    ranks = stats.rankdata(np.array(list(regrets.values())), axis=0).mean(axis=1)
    assert list(found.mean_ranks.values()) == pytest.approx(ranks.tolist())
    # Demsar (JMLR 2006), table 5: q_0.05 is 2.569 for four methods
    assert found.critical_difference == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 25)), rel=1e-3)
    p = {name: stats.wilcoxon(np.subtract(regrets[name], regrets["a"])).pvalue for name in "bcd"}
    assert against(regrets, "a") == pytest.approx(holm(p))


def test_comparison_without_differences():
    same = {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0], "c": [1.0, 2.0, 3.0]}
    assert compare(same).p is None and set(compare(same).mean_ranks.values()) == {2.0}
    assert against(same, "a") == {"b": 1.0, "c": 1.0}


def test_holm_by_hand():
    assert holm({"x": 0.01, "y": 0.04, "z": 0.03}) == pytest.approx({"x": 0.03, "y": 0.06, "z": 0.06})
    assert holm({"x": 0.6, "y": 0.7}) == {"x": 1.0, "y": 1.0}


def test_a_published_accuracy_is_held_against_one_more_search():
    number = published("search").number("random", "cifar100")
    runs = [71.0, 71.5, 72.0, 70.9, 71.4]
    found = held_against(number, runs, RANDOM)
    assert found.kind is VerdictKind.SETTING_UNKNOWN and found.detail.startswith("within the interval; unknown: ")
    reach = stats.t.ppf(0.975, 4) * np.std(runs, ddof=1) * math.sqrt(1.2) + number.step
    shifted = [value - np.mean(runs) + number.value + reach for value in runs]
    assert held_against(number, [value - 1e-6 for value in shifted], RANDOM).detail.startswith("within")
    assert held_against(number, [value + 1e-6 for value in shifted], RANDOM).detail.startswith("published 0.")
    known = replace(number, unknown="")
    assert held_against(known, runs, RANDOM) == Verdict(VerdictKind.WITHIN)
    assert held_against(known, runs, DISWOT).kind is VerdictKind.OTHER_SETTING
    assert held_against(None, runs, LARGEST) is None
    assert {held_against(number, few, RANDOM).kind for few in (runs[:1], [])} == {"not-measured"}


def test_mean_course():
    truth = {"a": 1.0, "b": 2.0, "c": 4.0}
    courses = [((1.0, "a"), (5.0, "c")), ((2.0, "b"), (3.0, "a"))]
    assert mean_course(courses, truth) == [(2.0, 1.5), (3.0, 1.0), (5.0, 2.5)]
    assert mean_course([(), courses[0]], truth) == []


@pytest.fixture
def made_benchmark(tmp_path, monkeypatch):
    """A table of the benchmark's shape: accuracy is the share of 3 x 3 convolutions, known exactly."""
    folder = tmp_path / "data" / "nb201"
    folder.mkdir(parents=True)
    with gzip.open(folder / "accuracies.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, cell in enumerate(all_cells()):
            accuracy = 40 + 8 * cell.count("nor_conv_3x3") + index / 1e5
            writer.writerow([index, cell, *[accuracy] * (len(COLUMNS) - 4), 1.0, 1.0])
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


SIZE = ["--budget", "2", "--ranked-budget", "3", "--batch-size", "4"]
SIZE += ["--shared-epochs", "1", "--shared-images", "128", "--shared-seeds", "1"]


def run(folder, out, *more: str) -> list[dict[str, str]]:
    store = ["--store", str(folder / f"{out}.sqlite")]
    assert main(["--data", "cifar10", "--device", "cpu", *SIZE, *store, "--out", str(folder / out), *more]) == 0
    return list(csv.DictReader((folder / out / "runs.csv").read_text().splitlines()))


def test_command(made_benchmark, capsys):
    rows = ["--rows", "evolution,gdas,te-nas,diswot,draw,largest", "--workers", "1"]
    runs = run(made_benchmark, "out", *rows, "--seeds", "2")
    names = ["evolution"] * 2 + ["gdas"] + ["te-nas"] * 2 + ["diswot"] * 2 + ["draw"] * 2 + ["largest"]
    assert [row["strategy"] for row in runs] == names
    assert [row["evaluations"] for row in runs] == ["1969"] * 2 + ["1", "3", "3", "2", "2", "0", "0", "0"]
    assert float(runs[0]["accuracy"]) > 88 and float(runs[-1]["accuracy"]) > 88
    assert "Do the speed-ups of Table 8 follow" in (made_benchmark / "out" / "report.html").read_text()
    more = run(made_benchmark, "out", *rows, "--seeds", "3")  # more of the same goes on
    assert [row for row in more if row["seed"] != "2" and row["strategy"] != "gdas"] == [
        row for row in runs if row["strategy"] != "gdas"
    ]
    with pytest.raises(UsageError, match="batch_size: 4 there, 8 now"):
        run(made_benchmark, "out", *rows, "--seeds", "3", "--batch-size", "8")


def test_side_by_side_a_search_finds_what_it_finds_alone(made_benchmark):
    """Searches of three seeds and two scores in lockstep, against each by itself through `run_search`."""
    runs = run(made_benchmark, "together", "--rows", "nwot,m_r", "--seeds", "3", "--budget", "5", "--workers", "2")
    space = get_space("nb201")
    found = {}
    with Store(made_benchmark / "alone.sqlite") as store, Runner(store) as runner:
        setting = setting_for(space, "embedded", batch_size=4)
        for row in runs:
            strategy = {"nwot": "random", "m_r": "evolution"}[row["strategy"]]
            objective = scored_objective(runner, setting, int(row["seed"]), [row["strategy"]])
            result = run_search(space, strategy, objective, 5, seed=int(row["seed"]))
            found[row["strategy"], row["seed"]] = str(result.best), str(result.evaluations)
    assert {(row["strategy"], row["seed"]): (row["arch"], row["evaluations"]) for row in runs} == found


def test_lockstep_asks_for_everything_at_once():
    """Three inquiries of different length: each step is one call, and each gets the answers to its own request."""
    asked = []

    class Echo:
        def answer(self, requests):
            asked.append(requests)
            return [request * 10 for request in requests]

    def inquiry(first: int, steps: int):
        total = 0
        for step in range(steps):
            total += yield first + step
        return total

    found = list(lockstep(Echo(), [inquiry(1, 1), inquiry(5, 3), inquiry(9, 0)]))
    assert sorted(found) == [0, 10, 180] and asked == [[1, 5], [6], [7]]
    many = [inquiry(i, 1 + i % 3) for i in range(40)]
    asked.clear()
    assert len(list(lockstep(Echo(), many))) == 40 and max(map(len, asked)) == SIDE_BY_SIDE
    assert sum(map(len, asked)) == sum(1 + i % 3 for i in range(40))


def test_dry_run(made_benchmark, capsys):
    out = made_benchmark / "dry"
    dry = ["--data", "cifar10", "--device", "cpu", *SIZE, "--rows", "nwot,draw", "--dry-run", "--out", str(out)]
    assert main([*dry, "--store", str(made_benchmark / "dry.sqlite")]) == 0
    said = capsys.readouterr().out
    assert "NWOT, cifar10: 20 searches of about" in said and not out.exists()


def test_refusals(made_benchmark):
    with pytest.raises(UsageError, match="expected some of random"):
        main(["--rows", "randon"])
    with pytest.raises(UsageError, match="expected some of cifar10"):
        main(["--data", "mnist"])
    assert {*CONTENDERS} >= set(paper.TABLES["search"].rows)
