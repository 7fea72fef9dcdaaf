"""Table 8: the verdict on a published accuracy, the course of searches, the command on made data."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from files_support import rows_of
from scipy import stats
from tables_support import table_8
from test_released import QUESTION

from benchmarks.scoring.question import Answer
from benchmarks.scoring.release import release
from benchmarks.scoring.released import Released
from benchmarks.scoring.runner import Found, Job
from benchmarks.search_table import main
from benchmarks.tables.search_judged import held_against
from benchmarks.tables.search_rows import CONTENDERS
from benchmarks.tables.search_times import mean_course
from diswot_errors import UsageError
from nb201_data.ground_truth import load_ground_truth
from nb201_data.space import sample_cells
from nb201_data.spaces import get_space
from proxies.registry import get
from reports import published as paper
from reports.published import published
from reports.records import read_run
from reports.schema import Verdict, VerdictKind

RANDOM, LARGEST, DISWOT = (CONTENDERS[key] for key in ("random", "largest", "diswot"))


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
    monkeypatch.setattr("benchmarks.command.opened.Released", lambda *_: Released(made_benchmark / "tables"))
    return archs


def test_searches_by_scores_that_are_there_get_what_their_seconds_pay_for(made_benchmark, tables):
    rows = ["--rows", "random,evolution-aging,rsps,nwot,te-nas,diswot,draw,largest", "--workers", "1"]
    runs = table_8(made_benchmark, "out", *rows, "--seeds", "2")
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
    more = table_8(made_benchmark, "out", *rows, "--seeds", "3")  # more of the same goes on
    assert [row for row in more if row["seed"] != "2"] == runs
    assert {row["evaluations"] for row in more if row["strategy"] == "diswot"} == {"40"}


def test_without_any_scores_the_rows_say_which_command_computes_them(made_benchmark):
    table_8(made_benchmark, "bare", "--rows", "nwot,draw", "--workers", "1", "--seeds", "1", "--no-tables")
    row = rows_of(made_benchmark / "bare" / "cifar10.csv")[0]
    assert row["verdict"] == "not-measured" and row["verdict_detail"] == "not run: no cell is scored"
    assert "--data cifar10 --rows nwot --compute`" in read_run(made_benchmark / "bare").page.sections[0].note


def test_where_seconds_pay_for_all_networks_the_limit_is_reached(made_benchmark, tables, monkeypatch):
    monkeypatch.setattr("benchmarks.tables.search_rows.Contender.seconds", lambda row, data: 1e5)
    runs = table_8(made_benchmark, "all", "--rows", "nwot,diswot", "--workers", "1", "--seeds", "2")
    assert [(row["evaluations"], row["seconds"]) for row in runs] == [("300", "3000.0"), ("300", "9000.0")]
    for row in rows_of(made_benchmark / "all" / "cifar10-scored.csv"):
        assert row["strategy"].startswith(("NWOT", "DisWOT")) and row["measured"] == row["limit"]


def costly(job: Job) -> Found:
    """Scores that say to have taken 500 s each."""
    return job, [dict.fromkeys(job.proxies, Answer(float(len(set(arch))), "ok", "", 500.0)) for arch in job.archs]


def test_computed_searches_end_when_their_seconds_are_spent(made_benchmark, monkeypatch):
    monkeypatch.setattr("benchmarks.command.opened.score_job", costly)
    rows = ["--compute", "--rows", "nwot,diswot,draw", "--workers", "1"]
    runs = table_8(made_benchmark, "spent", *rows, "--seeds", "2")
    assert [(row["strategy"], row["evaluations"]) for row in runs] == [
        *[("nwot", "4")] * 2,  # of 2,200 s
        *[("diswot", "2")] * 2,  # of 1,200 s
        *[("draw", "0")] * 2,
    ]
    assert {row["among"] for row in runs} == {"all"}
    page = {row["strategy"]: row["conditions"] for row in rows_of(made_benchmark / "spent" / "cifar10.csv")}
    assert page["NWOT"] == "gaussian, 64 of embedded:10"
    assert page["DisWOT M_s & M_r"] == "gaussian, 64 of embedded:10, teacher resnet56"
    capped = table_8(made_benchmark, "capped", *rows, "--seeds", "1", "--budget", "3")
    assert [row["evaluations"] for row in capped] == ["3", "2", "0"]
    more = table_8(made_benchmark, "capped", *rows, "--seeds", "1")  # as many as are paid for: it goes on
    assert [row["evaluations"] for row in more] == ["4", "2", "0"]
    with pytest.raises(UsageError, match="batch_size: 64 there, 8 now"):
        table_8(made_benchmark, "capped", *rows, "--seeds", "1", "--batch-size", "8")


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
