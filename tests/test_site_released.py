"""One command makes the site of what is released: its numbers are those of the tables, and no network is asked."""

import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from files_support import rows_of
from scipy.stats import spearmanr
from scoring_support import write_truth
from test_released import QUESTION
from test_site import pages_of

from benchmarks import site as command
from benchmarks.scoring.population import fair
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.recorded import NOT_THERE, recorded
from benchmarks.scoring.release import release
from benchmarks.scoring.released import Released
from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.study import sample_of
from benchmarks.tables.released import of_setting
from nb201_data.datasets import NOISE
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from proxies.distillation.registry import DISTILLERS
from proxies.registry import PROXIES
from reports.tables import format_number

Book = list[tuple[Question, dict[str, Answer]]]


@pytest.fixture
def truth(tmp_path: Path) -> GroundTruth:
    return load_ground_truth(str(write_truth(tmp_path / "truth.csv")))


@pytest.fixture
def book(truth: GroundTruth) -> Book:
    """Two proxies without a teacher for two seeds, one with a teacher, which lacks one network, and a third seed."""
    rng = random.Random(0)

    def answers(archs: list[str]) -> dict[str, Answer]:
        return {arch: Answer(rng.random(), "ok", "", 0.5) for arch in archs}

    archs = list(truth.values)
    teacher_seeds = {seed: 1000 + seed for seed in range(3)}
    pair = replace(QUESTION, skeleton=str(truth.skeleton), proxy="m_s")
    pair = replace(pair, teacher_init=pair.init, teacher_seed=teacher_seeds[pair.seed])
    alone = replace(pair, proxy="params", version=1, teacher="", teacher_init="", teacher_seed=0)
    found: Book = [(pair, answers(archs[1:]))]
    for seed in (0, 1):
        for proxy in ("te_nas_ntk", "te_nas_regions"):
            found.append((replace(alone, proxy=proxy, seed=seed, batch_seed=seed), answers(archs)))
    found.append((replace(alone, proxy="te_nas_ntk", seed=2, batch_seed=2), answers(archs[:5])))
    return found


def test_what_is_released_is_measured_as_it_lies(truth: GroundTruth, book: Book) -> None:
    (one,) = recorded(book, truth)
    assert one.study.archs == sample_of(truth, "all", 0) and one.study.seeds == (0, 1)  # the third has five networks
    assert {info.name for info in one.infos} == {"m_s", "te_nas_ntk", "te_nas_regions"}
    assert one.answers["m_s", 0][next(iter(truth.values))] == NOT_THERE == one.answers["m_s", 1][one.study.archs[5]]
    row, accuracies = one.by_proxy["te_nas_ntk"], list(truth.values.values())
    by_seed = [found for question, found in book if question.proxy == "te_nas_ntk" and len(found) == len(truth)]
    expected = fmean(
        spearmanr([-(found[arch].value or 0) for arch in truth.values], accuracies).statistic for found in by_seed
    )
    assert row.spearman.value == pytest.approx(expected) and row.scored == len(truth)
    assert one.by_proxy["m_s"].scored == len(truth) - 1 and one.by_proxy["m_s"].reasons == "not-released 1"


def test_a_proxy_that_went_further_than_the_others_does_not_decide(truth: GroundTruth, book: Book) -> None:
    order = sample_of(truth, "all", 0)
    own, *_ = book[1:]
    begun = [own]  # on all 14 networks
    for name in ("te_nas_regions", "nwot", "l2_norm"):
        asked = replace(own[0], proxy=name, version=PROXIES[name].version)
        begun.append((asked, {arch: own[1][arch] for arch in order[:12]}))
    (one,) = recorded(begun, truth)
    assert one.study.archs == order[:12] and len(one.infos) == 4
    (one,) = recorded(begun[:2], truth)
    assert one.study.archs == order[:12] and len(one.infos) == 2  # 24 answers of 24, for 14 of 14
    del begun[1][1][order[0]]
    (one,) = recorded(begun[:2], truth)
    assert one.study.archs == order[1:12] and len(one.infos) == 2
    (one,) = recorded(begun[:1], truth)
    assert one.study.archs == order


@pytest.mark.parametrize(
    "change",
    [{"skeleton": "c16n5k7r32"}, {"version": 99}, {"teacher_init": "sha256:0"}, {"batch_seed": 7}, {"recipe": 0}],
)
def test_what_is_about_something_else_is_left_out(truth: GroundTruth, book: Book, change: dict[str, object]) -> None:
    question, found = book[0]
    assert len(recorded([book[0]], truth)) == 1
    assert recorded([(replace(question, **change), found)], truth) == []  # type: ignore[arg-type]


def asked(place: Path) -> list[str]:
    return [str(place / "site"), "--ground-truth", str(place / "truth.csv"), "--tables", str(place / "tables")]


def test_one_command_makes_the_site(
    truth: GroundTruth, book: Book, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release(book, tmp_path / "tables")
    given = asked(tmp_path)
    assert command.main([*given, "--dry-run"]) == 0 and not (tmp_path / "site").exists()
    assert command.main(given) == 0
    assert str(tmp_path / "site" / "index.html") in capsys.readouterr().out
    proxies = {path.stem for path in (tmp_path / "site" / "proxy").iterdir()}
    assert proxies == {"m_s", "te_nas", "te_nas_ntk", "te_nas_regions"}
    assert "made of te_nas_ntk, te_nas_regions" in (tmp_path / "site" / "proxy" / "te_nas.html").read_text()
    assert len(pages_of(tmp_path / "site")) == 1 + len(proxies) + 1 + 3  # truth, score, distillers
    (chosen,) = (tmp_path / "site" / "run").glob("*-the-score-of-this-bench/report.html")
    assert "spread_size" in chosen.read_text(encoding="utf-8")
    (page,) = (tmp_path / "site" / "truth").iterdir()
    value = recorded(book, truth)[0].by_proxy["te_nas_ntk"].spearman.value
    assert format_number(value or 0) in page.read_text() and "flops_pruned" in page.read_text()  # closed forms beside
    (folder,) = (tmp_path / "site" / "run").glob("*-distillers")
    assert {row["distiller"] for row in rows_of(folder / "distillers.csv")} == set(DISTILLERS)
    ours = next((tmp_path / "site" / "run").glob("1-*"))
    copy = tmp_path / "mine"
    ours.rename(copy)
    (copy / "scores.csv.gz").unlink()
    assert command.main([*given, "--runs", str(copy)]) == 0
    assert list((tmp_path / "site" / "run").glob("*-mine/report.html"))


def test_a_truth_without_scores_has_the_closed_forms(truth: GroundTruth, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    assert command.main(asked(tmp_path)) == 0
    (run,) = (tmp_path / "site" / "run").glob("1-*")
    assert "No score of these networks is released" in (run / "report.html").read_text()
    assert "flops_pruned" in (run / "truth-1.csv").read_text() and not list((tmp_path / "site").glob("truth/*"))


def test_scores_each_under_the_setting_of_its_authors_are_one_measurement(truth: GroundTruth) -> None:
    rng = random.Random(1)
    archs = list(truth.values)
    assert truth.skeleton is not None
    images, noise = (resolve_images(name, truth.skeleton) for name in ("embedded", NOISE.name))
    alone = replace(QUESTION, skeleton=str(truth.skeleton), images=images, init="gaussian", batch_size=64)
    alone = replace(alone, teacher="", teacher_init="", teacher_seed=0)

    def told(proxy: str, seen: list[str] = archs, **how: object) -> tuple[Question, dict[str, Answer]]:
        asked = replace(alone, proxy=proxy, version=PROXIES[proxy].version, **how)  # type: ignore[arg-type]
        return asked, {arch: Answer(rng.random(), "ok") for arch in seen}

    theirs = [
        told("params"),
        told("nwot", init="default", batch_size=128),
        told("zen", images=noise, batch_size=16),
        told("jacob", archs[: len(archs) // 2], init="default"),  # a part of the networks is no answer
    ]
    common = [told("nwot", init="kaiming"), told("jacob", init="kaiming")]
    (one,) = recorded(theirs, truth)
    assert one.study.kind == "authors" and {info.name for info in one.infos} == {"params", "nwot", "zen"}
    assert [one.settings[name].init for name in ("nwot", "zen", "params")] == ["default", "gaussian", "gaussian"]
    assert (one.settings["nwot"].batch_size, one.settings["zen"].images) == (128, noise)
    assert one.answers["nwot", 0] == theirs[1][1] and one.answers["zen", 0] == theirs[2][1]
    alike, own = recorded([*common, *theirs], truth)
    assert (alike.study.kind, alike.study.setting.init) == ("common", "kaiming") and own.rows == one.rows
    order, wide = sample_of(truth, "all", 0), [*theirs[:-1], *map(told, ("flops", "conv_count", "trainable_layers"))]
    first, second = recorded([*wide, told("jacob", order[:10], init="default")], truth)
    assert first.study.archs == order and second.study.archs == order[:10] and second.study.kind == "authors"
    assert {info.name for info in second.infos} == {info.name for info in first.infos} | {"jacob"}  # beside all others
    assert {info.name for info in alike.infos} == {"nwot", "jacob"} and alike.answers["nwot", 0] == common[0][1]
    page = "".join(section.title for section in of_setting(own, Released(Path("none"))).sections)
    assert page == "Under which setting each proxy was asked"


def test_a_part_of_a_space_is_no_fair_sample_of_it(truth: GroundTruth, book: Book) -> None:
    order = sample_of(truth, "all", 0)
    question, answers = book[1]
    for some, known in ((order[:10], 1), (order[-10:], 0)):
        assert len(recorded([(question, {arch: answers[arch] for arch in some})], truth)) == known
    assert fair(order, {*order[:9], order[-1]}) and not fair(order, {*order[:8], *order[-2:]})
