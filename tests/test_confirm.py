"""The protocol against fooling oneself: halves, the search for candidates, looks at the other half and their log."""

import math
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from files_support import rows_of
from scoring_support import TINY, write_truth
from test_released import QUESTION

from benchmarks import candidates as candidates_command
from benchmarks import confirm as confirm_command
from benchmarks.command import looks
from benchmarks.scoring.cases import CLOSED_FORMS, Case, Lacking, cases_of, told
from benchmarks.scoring.columns import columns_of, known_scores, single
from benchmarks.scoring.exhaustive import TIE, searched, shrinkage
from benchmarks.scoring.halves import half_of, quarter_of
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.release import Book
from benchmarks.scoring.store import Store
from benchmarks.statistics.candidates import count
from benchmarks.statistics.formula import parse
from benchmarks.statistics.paired import against, paired, stretched
from benchmarks.tables import candidates, confirm
from diswot_errors import DataError
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.space import Cell, all_cells
from nb201_data.spaces import SPACES
from proxies.registry import all_proxies, get
from reports.schema import Estimate

NOISE = ("jacob", "nwot", "synflow", "l2_norm", "kd")
N = 400


def book_of(truth: GroundTruth, scores: dict[str, dict[str, float]], seeds: tuple[int, ...] = (0,)) -> Book:
    """Stored scores of the truth's networks; those that look at a teacher with one."""
    book = []
    for name, values in scores.items():
        info = get(name)
        for seed in seeds:
            asked = replace(QUESTION, proxy=name, version=info.version, origin=info.origin, skeleton=str(TINY))
            if not info.teacher:
                asked = replace(asked, teacher="", teacher_init="", teacher_seed=0)
            asked = replace(asked, seed=seed, batch_seed=seed)
            book.append((asked, {arch: Answer(value, "ok") for arch, value in values.items()}))
    return book


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GroundTruth, Book]:
    """Accuracies; closed forms that know little of them, five scores that know nothing, one that knows well."""
    path = write_truth(tmp_path_factory.mktemp("truth") / "truth.csv", n=N)
    truth, rng = load_ground_truth(str(path)), np.random.default_rng(8)

    def noisy(amount: float) -> dict[str, float]:
        return {arch: math.exp((value + amount * rng.normal()) / 30) for arch, value in truth.values.items()}

    scores = {name: noisy(40) for name in CLOSED_FORMS} | {"meco": noisy(15)}
    scores |= {name: {arch: float(rng.uniform(0.1, 1)) for arch in truth.values} for name in NOISE}
    return path, truth, book_of(truth, scores)


def only(book: Book, names: tuple[str, ...]) -> Book:
    return [(question, found) for question, found in book if question.proxy in names]


def test_halves_are_fixed_and_fair_samples_of_every_population() -> None:
    cells = [str(cell) for cell in all_cells()]
    halves = {cell: half_of(cell) for cell in cells}
    first = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    assert [halves[first], halves[cells[1]], halves[cells[78]]] == ["confirmation", "confirmation", "search"]
    live = [cell for cell in cells if str(Cell.parse(cell).pruned()) == cell]
    for part in (cells, live, [str(arch) for arch in SPACES["s0"].all()]):
        found = Counter((half_of(arch), quarter_of(arch)) for arch in part)
        spread = math.sqrt(len(part) * 0.25 * 0.75)
        assert all(abs(n - len(part) / 4) < 3.5 * spread for n in found.values()) and len(found) == 4, found


def test_a_case_holds_networks_of_one_half_that_have_all_scores(made: tuple[Path, GroundTruth, Book]) -> None:
    _, truth, book = made
    (missing_one, found), *rest = [(q, dict(a)) for q, a in only(book, (*CLOSED_FORMS, "meco"))]
    gone = next(arch for arch in truth.values if half_of(arch) == "search")
    found.pop(gone)
    whole, live = cases_of([[(missing_one, found), *rest]], truth, "search")[0]
    assert set(whole.archs) == {arch for arch in truth.values if half_of(arch) == "search"} - {gone}
    assert set(live.archs) == {arch for arch in whole.archs if str(Cell.parse(arch).pruned()) == arch}
    assert whole.names == tuple(sorted((*CLOSED_FORMS, "meco"))) and whole.digest != live.digest
    cases, why = cases_of([rest], truth, "search")
    assert not cases and [each.why for each in why] == [f"no {missing_one.proxy}"]


def test_what_is_no_case_for_one_reason_is_one_line() -> None:
    b, d = "no b", "no d"
    several = [Lacking("a", "x", b), Lacking("c", "y", d), Lacking("a", "z", b), Lacking("e", "x", b)]
    assert told(several) == ["a (2 settings), e: no b", "c, y: no d"]
    assert told([Lacking("a", "", "no score")]) == ["a: no score"] and told([]) == []


def test_seeds_that_have_only_begun_are_left_out_and_the_first_source_counts(
    made: tuple[Path, GroundTruth, Book],
) -> None:
    _, truth, _ = made
    archs = list(truth.values)
    full, some = dict.fromkeys(archs, 1.0), dict.fromkeys(archs[:50], 2.0)
    (one, (late, begun)) = book_of(truth, {"nwot": full}) + list(book_of(truth, {"nwot": some}, (1,)))[:1]
    (columns,) = columns_of([[one], [(late, begun)], [(one[0], {archs[0]: Answer(9.0, "ok")})]], truth)
    assert columns.seeds(("nwot",)) == (0,) and columns.column("nwot", 0, archs[:1])[0] == 1.0
    old = replace(one[0], version=one[0].version + 1)
    assert not columns_of([[(old, one[1])]], truth), "another version of a proxy is another score"


def test_scores_on_other_images_meet_a_truth_of_the_same_width_and_depth(made: tuple[Path, GroundTruth, Book]) -> None:
    _, truth, book = made
    question, found = next(iter(book))
    wide = replace(question, skeleton=str(replace(TINY, classes=100, resolution=16)))
    deep = replace(question, skeleton=str(replace(TINY, cells_per_stage=2)))
    (columns,) = columns_of([[(wide, found), (deep, found)]], truth)
    assert columns.scored_as == wide.skeleton and columns.conditions(()).endswith(f"in {wide.skeleton}")


def test_a_planted_score_is_found_and_confirmed(made: tuple[Path, GroundTruth, Book]) -> None:
    _, truth, book = made
    (case, _), _ = cases_of([book], truth, "search")
    found = searched([case])
    assert found.tried == count(len(CLOSED_FORMS) + 1 + len(NOISE)) and found.names == case.names
    best = found.formulas[found.jointly[0]]
    assert "meco" in best.names and not set(best.names) & set(NOISE)
    row = found.formulas.index(single("meco"))
    expected = scipy.stats.kendalltau(case.columns.column("meco", 0, case.archs), case.accuracies).statistic
    assert found.kendall[row, 0] == pytest.approx(expected)
    (unseen, _), _ = cases_of([book], truth, "confirmation", best.names)
    assert not set(unseen.archs) & set(case.archs)
    compared = confirm.compared(best, [unseen])
    assert all(gap.separated == 1 for gap in compared.differences[0].values()), "better than every closed form"
    shown = confirm.section(compared, look=1)
    assert all(row[-1].kind == "better" for row in shown.table.rows)  # type: ignore[union-attr]
    assert ">truth.csv, all: " in shown.figures[0].svg and "97.50%" in shown.figures[0].svg


def test_the_best_of_many_that_know_nothing_is_not_confirmed(made: tuple[Path, GroundTruth, Book]) -> None:
    """Nothing knows anything: on the search half the best of many thousands looks better, on the other it does not."""
    truth, rng = made[1], np.random.default_rng(5)
    names = [info.name for info in all_proxies() if info.ours and info.name not in CLOSED_FORMS][:20]
    size, *noise = [{arch: float(rng.uniform(0.1, 1)) for arch in truth.values} for _ in (0, *names)]
    blind = book_of(truth, dict.fromkeys(CLOSED_FORMS, size) | dict(zip(names, noise, strict=True)))
    (case, _), _ = cases_of([blind], truth, "search")
    found = searched([case])
    best = found.formulas[found.jointly[0]]
    (seeming,) = confirm.compared(best, [case]).differences
    assert all(gap.separated == 1 for gap in seeming.values()), "the choice itself looks like a finding"
    (unseen, _), _ = cases_of([blind], truth, "confirmation", best.names)
    assert any(gap.separated < 1 for gap in confirm.compared(best, [unseen]).differences[0].values())
    assert all((each.left < each.chosen).all() for each in shrinkage([case])), (
        "what a choice loses where it was not made"
    )


def test_jointly_the_worst_case_decides(made: tuple[Path, GroundTruth, Book]) -> None:
    """A score that is best in one truth and worthless in another loses to one that holds in both."""
    _, truth, book = made
    flipped = {arch: 100 - value for arch, value in truth.values.items()}
    records = tuple(replace(record, accuracy=flipped[record.arch]) for record in truth.records)
    other = replace(truth, records=records)
    (case, _), _ = cases_of([book], truth, "search")
    found = searched([case, replace(case, truth=other)])
    assert found.margins[found.jointly[0]].min() == found.margins.min(axis=1).max()
    assert found.formulas[found.by_case(0)[0]] != found.formulas[found.jointly[0]]
    means = found.margins.mean(axis=1)
    holding = [row for row in range(len(found.formulas)) if found.margins[row].min() >= -TIE]
    assert sorted(found.holding) == holding and (not holding or means[found.holding[0]] == means[holding].max())
    (table,) = [s.table for s in candidates.sections(found, [], 5) if s.name == "jointly"]
    assert table is not None and [row[2] for row in table.rows] == sorted((row[2] for row in table.rows), reverse=True)


def test_paired_differences_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=60)
    own, other = truth + rng.normal(size=(2, 60)), truth + 2 * rng.normal(size=(1, 60))
    (gap,) = against(truth.tolist(), own, {"other": other}, "kendall").values()
    taus = [scipy.stats.kendalltau(row, truth).statistic for row in (*own, *other)]
    assert gap.value == pytest.approx((taus[0] + taus[1]) / 2 - taus[2])
    assert gap.low is not None and gap.high is not None and gap.low < gap.value < gap.high
    assert paired(truth.tolist(), own, other, "kendall") == gap
    assert against(truth.tolist(), own, {"flat": np.ones((1, 60))})["flat"] == Estimate()


def test_looks_share_one_in_twenty() -> None:
    shares = [1 - looks.confidence(k) for k in range(1, 20_000)]
    assert sum(shares) == pytest.approx(looks.LEVEL, abs=1e-5) and sum(shares) < looks.LEVEL
    assert looks.confidence(1) == pytest.approx(0.975)
    wide = stretched(Estimate(1.0, 0.5, 1.25), 0.975)
    factor = scipy.stats.norm.ppf(0.9875) / scipy.stats.norm.ppf(0.975)
    assert (wide.low, wide.high) == (pytest.approx(1 - 0.5 * factor), pytest.approx(1 + 0.25 * factor))
    assert (
        stretched(Estimate(1.0, 0.5, 1.25), 0.95) == Estimate(1.0, 0.5, 1.25)
        and stretched(Estimate(), 0.99) == Estimate()
    )


@pytest.fixture
def asked(made: tuple[Path, GroundTruth, Book], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options of both commands: the truth, a store with the scores, an empty folder of released tables, a log."""
    path, _, book = made
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").mkdir()
    with Store(tmp_path / "s.sqlite") as store:
        store.add([(question, arch, answer) for question, found in book for arch, answer in found.items()])
    places = {"--store": "s.sqlite", "--tables": "tables", "--log": "log", "--ground-truth": str(path)}
    return [text for pair in places.items() for text in pair]


def test_every_look_is_logged_once(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert candidates_command.main([*asked, "--proxies", "meco,jacob,kd"]) == 0
    assert "meco" in capsys.readouterr().out
    (search,) = rows_of(Path("log", "searches.csv"))
    assert int(search["tried"]) == count(len(CLOSED_FORMS) + 3) and "meco" in search["best"]
    assert confirm_command.main([*asked, "meco", "--half", "search"]) == 0, "a rehearsal is no look"
    assert confirm_command.main([*asked, "meco", "--dry-run"]) == 0
    assert "look 1 at meco" in capsys.readouterr().out and not Path("log/looks.csv").exists()
    for score, number in (("params*meco", 1), ("meco*params", 1), ("meco", 2), ("meco*params", 1)):
        assert confirm_command.main([*asked, score]) == 0
        out = capsys.readouterr().out
        assert f"Look {number} at" in out and f"after {search['tried']}" in out.replace(",", "")
    found = rows_of(Path("log", "looks.csv"))
    assert [(row["look"], row["score"]) for row in found] == [("1", "meco*params")] * 2 + [("2", "meco")] * 2
    assert {row["population"] for row in found} == {"all", "live"} and all(float(row["margin"]) > 0 for row in found)
    assert {row["tried"] for row in found} == {search["tried"]}
    assert len({row["definition"] for row in found}) == 2
    assert candidates_command.main([*asked, "--proxies", "meco,jacob,kd"]) == 0
    assert len(rows_of(Path("log", "searches.csv"))) == 1


def test_a_log_is_whole_or_as_before(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert confirm_command.main([*asked, "meco"]) == 0
    before, replaced = Path("log/looks.csv").read_bytes(), os.replace

    def full(source: str, target: str) -> None:
        if str(target).endswith("looks.csv"):
            raise OSError(28, "No space left on device")
        replaced(source, target)

    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"looks\.csv"):
        patch.setattr(os, "replace", full)
        confirm_command.main([*asked, "jacob"])
    assert Path("log/looks.csv").read_bytes() == before and not list(Path("log").glob(".looks.csv.*"))


def test_a_damaged_or_busy_log_is_told(asked: list[str]) -> None:
    with looks.opened(Path("log")), pytest.raises(DataError, match="another process"):
        confirm_command.main([*asked, "meco"])
    assert confirm_command.main([*asked, "meco"]) == 0
    Path("log/looks.csv").write_text(Path("log/looks.csv").read_text()[:-20])
    with pytest.raises(DataError, match=r"looks\.csv, line"):
        confirm_command.main([*asked, "meco"])


def test_what_cannot_be_looked_at_is_said(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="no zen") as refused:
        confirm_command.main([*asked, "zen+meco"])
    assert "--store" in str(refused.value)
    with pytest.raises(DataError, match="--init"):
        confirm_command.main([*asked, "meco", "--init", "xavier"])


def test_a_single_network_is_scored_by_the_product(made: tuple[Path, GroundTruth, Book]) -> None:
    _, truth, book = made
    formula = parse("meco + params", known_scores())
    (case, _), _ = cases_of([book], truth, "search", formula.names)
    assert "is scored by meco*params" in " ".join(confirm.lead(confirm.compared(formula, [case]), 0, 0))
    values = case.values(formula.alone)[0]
    by_hand = [math.log(case.columns.column(n, 0, case.archs)[0]) for n in ("meco", "params")]
    assert values[0] == pytest.approx(sum(by_hand)) and isinstance(case, Case) and isinstance(QUESTION, Question)
