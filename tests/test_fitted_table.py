"""What labels buy: models see labels of one half alone, and what is said of them is what scipy says."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from files_support import rows_of
from scoring_support import TINY, write_truth
from test_released import QUESTION

from benchmarks import fitted_table as command
from benchmarks.scoring import labelled
from benchmarks.scoring.cases import CLOSED_FORMS
from benchmarks.scoring.halves import half_of
from benchmarks.scoring.question import Answer
from benchmarks.scoring.release import Book
from benchmarks.scoring.released import RELEASED
from benchmarks.scoring.store import Store
from benchmarks.statistics import forest
from benchmarks.statistics.paired import against
from benchmarks.statistics.repeated import Repeated, repeated
from benchmarks.statistics.resamples import Array
from benchmarks.tables import fitted
from benchmarks.tables.vkdnw import printed
from diswot_errors import DataError, UsageError
from nb201_data.graf import features
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.space import Cell, distinct_cells
from proxies.registry import get
from reports.schema import Estimate

N = 160


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> GroundTruth:
    """Cells, none with dead branches, whose accuracy is the number of 3x3 convolutions but for a little noise."""
    rng = random.Random(1)
    path = tmp_path_factory.mktemp("truth") / "truth.csv"
    rows = [f"{c},{TINY},{50 + 5 * c.count('nor_conv_3x3') + rng.random()}" for c in rng.sample(distinct_cells(), N)]
    path.write_text("\n".join(["arch,skeleton,accuracy", *rows]) + "\n")
    return load_ground_truth(str(path))


def book_of(truth: GroundTruth) -> Book:
    """Closed forms, `spread_size` and a huge `synflow` that know nothing, `meco` that knows the accuracy."""
    rng, book = random.Random(2), []
    for name in (*CLOSED_FORMS, "spread_size", "synflow", "meco"):
        info = get(name)
        asked = replace(QUESTION, proxy=name, version=info.version, origin=info.origin, skeleton=str(TINY))
        asked = replace(asked, teacher="", teacher_init="", teacher_seed=0)
        scale = 1e61 if name == "synflow" else 1.0
        values = truth.values if name == "meco" else {arch: scale * rng.uniform(0.1, 1) for arch in truth.values}
        book.append((asked, {arch: Answer(value, "ok") for arch, value in values.items()}))
    return book


def test_a_score_of_a_part_of_the_networks_stands_beside_nothing(truth: GroundTruth) -> None:
    """Here `spread_size` on one in ten: what it says of them is nothing that all networks could be ordered by."""
    book = [
        (asked, dict(list(found.items())[::10]) if asked.proxy == "spread_size" else found)
        for asked, found in book_of(truth)
    ]
    lines = {name for ground in labelled.grounds_of([book], truth)[0] for name in ground.confirmation.lines}
    assert "params" in lines and "spread_size" not in lines
    whole = {name for ground in labelled.grounds_of([book_of(truth)], truth)[0] for name in ground.confirmation.lines}
    assert whole == {*lines, "spread_size"}


def nearest(known: Array, accuracies: Array, unseen: Array, seed: int) -> Array:
    """In place of a forest: the accuracy of the known network that is most alike, and a trace of the seed."""
    scale = known.std(axis=0) + 1e-9
    gaps = (((unseen / scale)[:, None] - (known / scale)[None]) ** 2).sum(axis=-1)
    return np.asarray(accuracies[gaps.argmin(axis=1)] + 1e-3 * seed * gaps.min(axis=1))


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "predicted", nearest)
    monkeypatch.setattr(forest, "version", lambda: "none")


def test_labels_are_of_the_search_half_alone(truth: GroundTruth, simple: None) -> None:
    grounds, _ = labelled.grounds_of([book_of(truth)], truth)
    (ground,) = grounds
    assert ground.models == ("GRAF", "scores", "GRAF + scores") and set(ground.scores) >= {"meco", *CLOSED_FORMS}
    assert {half_of(arch) for arch in ground.search.archs} == {"search"}
    assert {half_of(arch) for arch in ground.confirmation.archs} == {"confirmation"}
    assert ground.networks == N
    before = {model: ground.foretold(model, 32, 2) for model in ground.models}
    records = [
        replace(one, accuracy=99 - one.accuracy) if half_of(one.arch) == "confirmation" else one
        for one in truth.records
    ]
    other, _ = labelled.grounds_of([book_of(truth)], replace(truth, records=tuple(records)))
    for model in ground.models:
        assert np.array_equal(other[0].foretold(model, 32, 2), before[model])


def test_what_a_model_sees_belongs_to_its_networks(truth: GroundTruth) -> None:
    grounds, _ = labelled.grounds_of([book_of(truth)], truth)
    for half in (grounds[0].search, grounds[0].confirmation):
        place = len(half.archs) // 2
        cell = Cell.parse(half.archs[place])
        assert half.seen["GRAF"][place].tolist() == list(features(cell))
        scores = dict(zip(grounds[0].scores, half.seen["scores"][place], strict=True))
        assert scores["meco"] == np.arcsinh(truth.values[half.archs[place]])
        assert np.isfinite(half.seen["scores"].astype(np.float32)).all() and scores["synflow"] > 100
        assert half.seen["GRAF + scores"].shape == (len(half.archs), 191 + len(grounds[0].scores))
        assert half.accuracies[place] == truth.values[half.archs[place]]
        assert half.lines["convolutions"][0, place] == cell.count("nor_conv_3x3") + cell.count("nor_conv_1x1")


def test_draws_are_nested_and_differ(truth: GroundTruth, simple: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[float]] = []
    monkeypatch.setattr(labelled, "predicted", lambda k, a, u, s: (seen.append({*a.tolist()}), np.arange(len(u)))[1])
    (ground,), _ = labelled.grounds_of([book_of(truth)], truth)
    ground.foretold("GRAF", 8, 2)
    ground.foretold("GRAF", 32, 2)
    assert seen[0] < seen[2] and seen[1] < seen[3] and seen[0] != seen[1] and len(seen[2]) == 32


def test_rows_are_those_of_scipy(truth: GroundTruth, simple: None) -> None:
    (ground,), _ = labelled.grounds_of([book_of(truth)], truth)
    found = fitted.fitted(ground, (8, 32, 10_000), draws=3)
    assert found.against == "spread_size" and {row.labels for row in found.rows} == {0, 8, 32}
    (row,) = [row for row in found.of("GRAF") if row.labels == 32]
    truths = ground.confirmation.accuracies
    taus = [scipy.stats.kendalltau(line, truths).statistic for line in ground.foretold("GRAF", 32, 3)]
    base = scipy.stats.kendalltau(ground.confirmation.lines["spread_size"][0], truths).statistic
    assert row.found.kendall.value == pytest.approx(np.mean(taus)) and row.found.draws == 3
    assert row.found.kendall.spread == pytest.approx(np.std(taus, ddof=1))
    assert row.found.difference.value == pytest.approx(np.mean(taus) - base)
    (section,) = [fitted.section(1, found)]
    assert section.table is not None and section.figures and len(section.table.rows) == len(found.rows)
    least = found.better_from("GRAF")
    assert f"GRAF better from {least} labels on" in fitted.sentence(found)


def test_repeated_is_what_the_paired_comparison_says() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=50)
    tables = {"own": truth + rng.normal(size=(2, 50)), "base": truth + 2 * rng.normal(size=(1, 50))}
    found = repeated(truth, {**tables, "flat": np.ones((1, 50))}, "base")
    assert found["own"].difference == against(truth.tolist(), tables["own"], {"b": tables["base"]}, "kendall")["b"]
    rhos = [scipy.stats.spearmanr(row, truth).statistic for row in tables["own"]]
    assert found["own"].spearman.value == pytest.approx(np.mean(rhos)) and found["own"].draws == 2
    kendall = found["own"].kendall
    assert kendall.low is not None and kendall.high is not None and kendall.value is not None
    assert kendall.low < kendall.value < kendall.high
    assert found["base"].difference == Estimate() == found["flat"].kendall


@pytest.mark.parametrize(
    ("better", "least"), [((1, 1, 1), 8), ((0, 1, 1), 16), ((1, 0, 1), 32), ((1, 1, 0), None), ((-1, 0, 0), None)]
)
def test_better_from_needs_all_larger_numbers(
    truth: GroundTruth, simple: None, better: tuple[int, ...], least: int | None
) -> None:
    (ground,), _ = labelled.grounds_of([book_of(truth)], truth)
    gaps = [Estimate(sign, sign - 0.5, sign + 0.5) for sign in better]
    rows = [
        fitted.Row("GRAF", labels, Repeated(1, Estimate(), Estimate(), gap))
        for labels, gap in zip((8, 16, 32), gaps, strict=True)
    ]
    assert fitted.Fitted(ground, "params", tuple(rows)).better_from("GRAF") == least


def test_the_forest_learns_and_repeats_itself() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install .[fitted]")
    rng = np.random.default_rng(0)
    known, unseen = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
    said = forest.predicted(known, known[:, 0], unseen, 0)
    assert scipy.stats.spearmanr(said, unseen[:, 0]).statistic > 0.95
    assert np.array_equal(said, forest.predicted(known, known[:, 0], unseen, 0))
    assert not np.array_equal(said, forest.predicted(known, known[:, 0], unseen, 1))
    assert np.allclose(forest.predicted(known, np.ones(200), unseen, 0), 1) and forest.version()


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble", None)
    with pytest.raises(UsageError, match=r"pip install 'diswot-bench\[fitted\]'"):
        command.main(["--dry-run"])


def test_another_space_is_refused(simple: None, reference_data: Path) -> None:
    with pytest.raises(UsageError, match="GRAF's features here are those of nb201's cells"):
        command.main(["--ground-truth", "s0:kd", "--dry-run"])


def test_the_command_looks_without_logging(
    truth: GroundTruth,
    simple: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tables").mkdir()
    with Store(tmp_path / "s.sqlite") as store:
        store.add([(question, arch, answer) for question, found in book_of(truth) for arch, answer in found.items()])
    asked = ["--ground-truth", truth.name, "--store", "s.sqlite", "--tables", "tables", "--labels", "16,8"]
    logs = {path: path.read_bytes() for path in RELEASED.parent.glob("*.csv")}
    assert command.main([*asked, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "GRAF, scores, GRAF + scores" in out and "30 forests: about" in out and not Path("runs").exists()
    assert command.main([*asked, "--draws", "2", "--out", "run"]) == 0
    assert "no row of a ranking of scores" in capsys.readouterr().out
    rows = rows_of(Path("run", "fitted-1.csv"))
    assert [(row["model"], row["labels"]) for row in rows if row["labels"]] == [
        (model, labels) for model in ("GRAF", "scores", "GRAF + scores") for labels in ("8", "16")
    ]
    assert logs == {path: path.read_bytes() for path in RELEASED.parent.glob("*.csv")}, "no look, no search is logged"


def test_too_few_networks_are_said(tmp_path: Path, simple: None) -> None:
    path = write_truth(tmp_path / "truth.csv", n=14)
    with pytest.raises(DataError, match=r"nothing to fit on: .*halves of"):
        command.main(["--ground-truth", str(path), "--dry-run"])


def test_printed_rows_are_in_no_ranking() -> None:
    assert printed("GRAF", "nb201:cifar10:test:200") == (0.820, 0.953, 0.935)
    assert printed("VKDNW+ZCS+GRAF_m", "nb201:imagenet16-120:test:200") == (0.842, 0.963, 0.867)


def test_printed_beside_measured(truth: GroundTruth, simple: None) -> None:
    (ground,), _ = labelled.grounds_of([book_of(truth)], truth)
    assert fitted.published_section([fitted.fitted(ground, (8,), 2)]) is None
    named = replace(ground, truth=replace(truth, name="nb201:cifar10:test:200"))
    found = fitted.fitted(named, (8, 16), 2)
    section = fitted.published_section([found])
    assert section is not None and section.table is not None
    rows = {(row[0], row[1]): row for row in section.table.rows}
    best = found.of("GRAF")[-1]
    networks = len(ground.confirmation.archs)
    expected = (0.820, 0.953, "GRAF", 16, networks, best.found.kendall, best.found.spearman)
    assert rows["nb201:cifar10:test:200", "GRAF"][2:] == expected
    assert rows["nb201:cifar10:test:200", "VKDNW_m"][4] is None and len(rows) == 4
