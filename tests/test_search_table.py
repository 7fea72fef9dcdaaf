"""Table 8: comparisons held against scipy and textbook values, the published arithmetic, the command on made data."""

import csv
import gzip
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from files_support import rows_of
from scipy import stats
from test_released import QUESTION

from benchmarks.scoring.lockstep import SIDE_BY_SIDE, lockstep
from benchmarks.scoring.question import Answer
from benchmarks.scoring.release import release
from benchmarks.scoring.released import Released
from benchmarks.scoring.runner import Found, Job, Runner
from benchmarks.scoring.store import Store
from benchmarks.search import run_search
from benchmarks.search.choices import setting_for
from benchmarks.search.scored import scored_objective
from benchmarks.search_table import main
from benchmarks.statistics.comparison import against, compare, holm
from benchmarks.tables import search_shared
from benchmarks.tables.search_entries import Entry
from benchmarks.tables.search_judged import held_against
from benchmarks.tables.search_rows import CONTENDERS, Terms
from benchmarks.tables.search_times import mean_course
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import load_ground_truth
from nb201_data.image_set import ImageSet
from nb201_data.images import load_images
from nb201_data.space import all_cells, sample_cells
from nb201_data.spaces import get_space
from nb201_data.truth.benchmark import COLUMNS
from proxies.registry import get
from reports import published as paper
from reports.published import published
from reports.records import read_run
from reports.schema import Verdict, VerdictKind


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
    assert found == Verdict(VerdictKind.SETTING_UNKNOWN, "within the interval")
    reach = stats.t.ppf(0.975, 4) * np.std(runs, ddof=1) * math.sqrt(1.2) + number.step
    shifted = [value - np.mean(runs) + number.value + reach for value in runs]
    assert held_against(number, [value - 1e-6 for value in shifted], RANDOM).detail.startswith("within")
    assert held_against(number, [value + 1e-6 for value in shifted], RANDOM).detail.startswith("published 0.")
    known = replace(number, unknown="")
    assert held_against(known, runs, RANDOM) == Verdict(VerdictKind.WITHIN)
    assert held_against(known, runs, DISWOT, DISWOT.differs).kind is VerdictKind.OTHER_SETTING
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


def run(folder, out, *more: str) -> list[dict[str, str]]:
    store = ["--store", str(folder / f"{out}.sqlite")]
    assert main(["--data", "cifar10", "--device", "cpu", *store, "--out", str(folder / out), *more]) == 0
    return rows_of(folder / out / "runs.csv")


@pytest.fixture
def tables(made_benchmark, monkeypatch):
    """Released scores of 300 cells: NWOT for 10 s each, which is right, and DisWOT for 30 s each, which is not."""
    archs = [str(cell) for cell in sample_cells(300, 3)]
    truth = load_ground_truth("nb201:cifar10:test:200").values
    values = {"nwot": truth.get, "diswot": lambda arch: -truth[arch]}
    asked = replace(QUESTION, skeleton=str(get_space("nb201").skeleton), teacher="resnet56", teacher_init="kaiming")
    books = []
    for (name, value), cost in zip(values.items(), (10.0, 30.0), strict=True):
        question = replace(asked, proxy=name, version=get(name).version)
        if not get(name).teacher:
            question = replace(question, teacher="", teacher_init="", teacher_seed=0)
        books.append((question, {arch: Answer(value(arch), "ok", "", cost) for arch in archs}))
    release(books, made_benchmark / "tables")
    monkeypatch.setattr("benchmarks.command.opened.Released", lambda: Released(made_benchmark / "tables"))
    return archs


def test_searches_by_scores_that_are_there_get_what_their_seconds_pay_for(made_benchmark, tables):
    rows = ["--rows", "random,evolution-aging,rsps,nwot,te-nas,diswot,draw,largest", "--workers", "1"]
    runs = run(made_benchmark, "out", *rows, "--seeds", "2")
    among = [(row["among"], row["strategy"], row["evaluations"]) for row in runs if row["seed"] == "0"]
    every = [
        ("all", "random", "1969"),
        ("all", "evolution-aging", "1969"),
        ("all", "draw", "0"),
        ("all", "largest", "0"),
    ]
    assert sorted(each for each in among if each[0] == "all") == sorted(every)
    # 2,200 s are 220 scores of 10 s, 1,200 s 40 of 30 s; those of RS pay for a training of each of the 300
    scored = {"random": "300", "nwot": "220", "diswot": "40", "draw": "0", "largest": "0"}
    assert {row: made for pool, row, made in among if pool == "scored"} == scored
    assert {row["seconds"] for row in runs if row["strategy"] == "diswot"} == {"1200.0"}  # none of them twice
    truth, space = load_ground_truth("nb201:cifar10:test:200").values, get_space("nb201")
    for row in runs:
        if row["strategy"] == "nwot":
            order = list(space.all())
            kept = [cell for cell in order if str(cell) in set(tables)]
            random.Random(int(row["seed"])).shuffle(kept)
            assert row["arch"] == max(map(str, kept[:220]), key=truth.get)
    page = {row["strategy"]: row for row in rows_of(made_benchmark / "out" / "cifar10-scored.csv")}
    assert float(page["NWOT"]["limit"]) == max(truth[arch] for arch in tables) == float(page["RS"]["measured"])
    assert float(page["DisWOT M_s & M_r"]["limit"]) == min(truth[arch] for arch in tables)
    assert page["DisWOT M_s & M_r"]["conditions"].endswith("teacher resnet56") and "REA (added)" not in page
    notes = {section.name: section.note for section in read_run(made_benchmark / "out").page.sections}
    assert "among 300 of the 15,625 cells" in notes["cifar10-scored"]
    # looked at whole: one result, however many seeds
    assert (page["RS"]["seeds"], page["NWOT"]["seeds"]) == ("1", "2") and page["RS"]["measured_low"] == ""
    assert page["TE-NAS"]["verdict_detail"] == "not run: no scores of these cells"
    sweep = "benchmarks.sweep --ground-truth nb201:cifar10:test:200 --proxies te_nas_ntk,te_nas_regions --cells 300`"
    assert sweep in notes["cifar10-scored"]
    whole = {row["strategy"]: row for row in rows_of(made_benchmark / "out" / "cifar10.csv")}
    assert whole["RSPS"]["verdict_detail"].startswith("not run: no minutes") and whole["RSPS"]["measured"] == ""
    assert "--rows rsps --shared-minutes" in notes["cifar10"]
    assert whole["RSPS"]["conditions"] == "not run" and "NWOT" not in whole
    assert (page["NWOT"]["paid"], page["DisWOT M_s & M_r"]["paid"], page["RS"]["paid"]) == ("220", "40", "1969")
    text = (made_benchmark / "out" / "report.html").read_text()
    assert "Do the speed-ups of Table 8 follow" in text and "by budget: nb201:cifar10:test:200" in text
    more = run(made_benchmark, "out", *rows, "--seeds", "3")  # more of the same goes on
    assert [row for row in more if row["seed"] != "2"] == runs
    assert {row["evaluations"] for row in more if row["strategy"] == "diswot"} == {"40"}


def test_without_any_scores_the_rows_say_which_command_computes_them(made_benchmark):
    run(made_benchmark, "bare", "--rows", "nwot,draw", "--workers", "1", "--seeds", "1", "--no-tables")
    row = rows_of(made_benchmark / "bare" / "cifar10.csv")[0]
    assert row["verdict"] == "not-measured" and row["verdict_detail"] == "not run: no cell is scored"
    assert "--data cifar10 --rows nwot --compute`" in read_run(made_benchmark / "bare").page.sections[0].note


def test_where_seconds_pay_for_all_networks_the_limit_is_reached(made_benchmark, tables, monkeypatch):
    monkeypatch.setattr("benchmarks.tables.search_rows.Contender.seconds", lambda row, data: 1e5)
    runs = run(made_benchmark, "all", "--rows", "nwot,diswot", "--workers", "1", "--seeds", "2")
    assert [(row["evaluations"], row["seconds"]) for row in runs] == [("300", "3000.0"), ("300", "9000.0")]
    for row in rows_of(made_benchmark / "all" / "cifar10-scored.csv"):
        assert row["strategy"].startswith(("NWOT", "DisWOT")) and row["measured"] == row["limit"]


def costly(job: Job) -> Found:
    """Scores that say to have taken 500 s each."""
    return job, [dict.fromkeys(job.proxies, Answer(float(len(set(arch))), "ok", "", 500.0)) for arch in job.archs]


def test_computed_searches_end_when_their_seconds_are_spent(made_benchmark, monkeypatch):
    monkeypatch.setattr("benchmarks.command.opened.score_job", costly)
    rows = ["--compute", "--rows", "nwot,diswot,draw", "--workers", "1"]
    runs = run(made_benchmark, "spent", *rows, "--seeds", "2")
    assert [(row["strategy"], row["evaluations"]) for row in runs] == [
        *[("nwot", "4")] * 2,  # of 2,200 s
        *[("diswot", "2")] * 2,  # of 1,200 s
        *[("draw", "0")] * 2,
    ]
    assert {row["among"] for row in runs} == {"all"}
    page = {row["strategy"]: row["conditions"] for row in rows_of(made_benchmark / "spent" / "cifar10.csv")}
    assert page["NWOT"] == "gaussian, 64 of embedded:10"
    assert page["DisWOT M_s & M_r"] == "gaussian, 64 of embedded:10, teacher resnet56"
    capped = run(made_benchmark, "capped", *rows, "--seeds", "1", "--budget", "3")
    assert [row["evaluations"] for row in capped] == ["3", "2", "0"]
    more = run(made_benchmark, "capped", *rows, "--seeds", "1")  # as many as are paid for: it goes on
    assert [row["evaluations"] for row in more] == ["4", "2", "0"]
    with pytest.raises(UsageError, match="batch_size: 64 there, 8 now"):
        run(made_benchmark, "capped", *rows, "--seeds", "1", "--batch-size", "8")


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
    (found,) = run(made_benchmark, "shared", *rows)
    (row,) = rows_of(made_benchmark / "shared" / "cifar10.csv")
    assert row["conditions"] == "shared network of 16 channels, 1 of 5 cells a stage, 1 epochs of cifar10"
    assert row["conditions"] in row["verdict_detail"] or row["verdict"] == "not-measured"  # one seed: no interval
    monkeypatch.setattr(search_shared, "shared_seconds", lambda *_: 1e9)  # what was planned is not planned again
    (again,) = run(made_benchmark, "shared", *rows)
    assert {**again, "seconds": ""} == {**found, "seconds": ""}


def test_shared_rows_without_images_are_not_run_and_say_what_they_need(made_benchmark):
    run(made_benchmark, "none", "--rows", "gdas,draw", "--workers", "1", "--seeds", "1", "--shared-minutes", "9")
    row = rows_of(made_benchmark / "none" / "cifar10.csv")[0]
    assert row["verdict"] == "not-measured" and row["verdict_detail"] == "not run: no images"
    assert "nb201_data fetch cifar10" in read_run(made_benchmark / "none").page.sections[0].note


def test_side_by_side_a_search_finds_what_it_finds_alone(made_benchmark):
    """Searches of three seeds and two scores in lockstep, against each by itself through `run_search`."""
    asked = ["--compute", "--batch-size", "4", "--rows", "nwot,m_r"]
    runs = run(made_benchmark, "together", *asked, "--seeds", "3", "--budget", "5", "--workers", "2")
    space = get_space("nb201")
    found = {}
    with Store(made_benchmark / "alone.sqlite") as store, Runner(store) as runner:
        setting = setting_for(space, "embedded", batch_size=4)
        for row in runs:
            strategy = {"nwot": "random", "m_r": "evolution"}[row["strategy"]]
            objective = scored_objective(runner, setting, int(row["seed"]), [row["strategy"]])
            settings = dict(CONTENDERS[row["strategy"]].settings)
            result = run_search(space, strategy, objective, 5, seed=int(row["seed"]), settings=settings)
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


def test_dry_run(made_benchmark, tables, capsys):
    out = made_benchmark / "dry"
    dry = ["--data", "cifar10", "--device", "cpu", "--dry-run", "--out", str(out)]
    dry += ["--store", str(made_benchmark / "dry.sqlite")]
    assert main([*dry, "--rows", "nwot,gdas,draw"]) == 0
    said = capsys.readouterr().out
    assert "NWOT: 20 searches that look up" in said and "GDAS, cifar10: not run, no minutes" in said
    assert main([*dry, "--rows", "nwot,gdas", "--compute", "--batch-size", "4", "--shared-minutes", "60"]) == 0
    said = capsys.readouterr().out
    assert "NWOT, cifar10: 20 searches of about" in said and "GDAS, cifar10: 3 searches of about 60 min each" in said
    assert not out.exists()


def test_refusals(made_benchmark):
    with pytest.raises(UsageError, match="expected some of random"):
        main(["--rows", "randon"])
    with pytest.raises(UsageError, match="expected some of cifar10"):
        main(["--data", "mnist"])
    with pytest.raises(UsageError, match=r"--batch-size 8 is for scores that are computed.*add --compute"):
        main(["--batch-size", "8"])
    assert {*CONTENDERS} >= set(paper.TABLES["search"].rows)
