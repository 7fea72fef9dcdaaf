"""The two ablations: what they measure, how they compare, what they say when a ground truth is not at hand."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from files_support import rows_of
from scipy.stats import spearmanr
from scoring_support import write_truth

import diswot_ending
from benchmarks import init_ablation, metric_ablation
from benchmarks.command import options
from benchmarks.command.options import INITS
from benchmarks.scoring import measured as measuring
from benchmarks.scoring.measured import Ask
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from benchmarks.scoring.study import studies_at_hand, with_init
from benchmarks.tables import inits, metrics
from nb201_data.spaces import get_space
from nb201_data.truth import measured
from proxies import get
from reports import published
from reports.html import render

Result = tuple[int, str, str]
Command = Callable[..., Result]
MAINS = {"init": init_ablation.main, "metric": metric_ablation.main}


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def call(which: str, *arguments: str) -> Result:
        given = ["--store", str(tmp_path / "s.sqlite"), "--out", str(tmp_path / "run"), "--workers", "1", "--replace"]
        given += ["--batch-size", "16", "--seeds", "2", *arguments]
        with pytest.raises(SystemExit) as ended:
            diswot_ending.run(lambda _: MAINS[which](given))
        output = capsys.readouterr()
        return ended.value.code, output.out, output.err  # type: ignore[return-value]

    return call


def write_s0(path: Path) -> Path:
    lines = [f"{arch},s0,c16n0k10r8,{60 + i}" for i, arch in enumerate(get_space("s0").all()[:12])]
    path.write_text("arch,space,skeleton,accuracy\n" + "\n".join(lines) + "\n")
    return path


def test_initialisations_on_both_spaces(command: Command, tmp_path: Path) -> None:
    cells, s0 = write_truth(tmp_path / "cells.csv"), write_s0(tmp_path / "s0.csv")
    code, out, err = command("init", "--ground-truth", f"{cells},{s0}")
    assert code == 0, err
    assert f"On {cells}" in out and f"On {s0}" in out and "Published beside measured" in out
    folder = tmp_path / "run"
    scores = rows_of(folder / "scores.csv")
    assert len(scores) == len(inits.PROXIES) * len(INITS) * 2 * (14 + 12)
    assert {row["init"] for row in scores} == set(INITS) and {row["space"] for row in scores} == {"nb201", "s0"}
    accuracy = {row["arch"]: float(row["accuracy"]) for row in rows_of(folder / "truth.csv")}

    for place, space in ((1, "nb201"), (2, "s0")):
        table = {row["proxy"]: row for row in rows_of(folder / f"study-{place}.csv")}
        assert list(table) == list(inits.PROXIES)
        for init in ("kaiming", "default"):
            shown = [row for row in scores if (row["space"], row["init"], row["proxy"]) == (space, init, "m_r")]
            per_seed = []
            for seed in ("0", "1"):
                of = [(-float(row["value"]), accuracy[row["arch"]]) for row in shown if row["seed"] == seed]
                per_seed.append(spearmanr(*zip(*of, strict=True)).statistic)
            assert float(table["m_r"][init]) == pytest.approx(np.mean(per_seed), abs=1e-12)
            assert float(table["m_r"][f"{init}_spread"]) == pytest.approx(np.std(per_seed, ddof=1), abs=1e-12)
        gap = float(table["m_s"]["gaussian"]) - float(table["m_s"]["kaiming"])
        assert float(table["m_s"]["difference"]) == pytest.approx(gap, abs=1e-12)
        # behind batch norm the scale of a convolution's weights does not matter: one and the same M_r in ResNets
        agreement = float(table["m_r"]["agreement"])
        assert agreement > 0.999 if space == "s0" else agreement < 0.999

    verdicts = rows_of(folder / "published.csv")
    assert len(verdicts) == 2 * 2 * len(inits.PROXIES)
    assert all(row["verdict"] == "setting-unknown" for row in verdicts)
    assert {row["published"] for row in verdicts if row["metric"] == "DisWOT"} == {"36.55", "77.51"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["space"] == "nb201, s0" and manifest["seeds"] == [0, 1]
    teachers = {study["truth"]: study["teacher"] for study in manifest["config"]["studies"]}
    assert teachers[str(cells)].startswith("|") and teachers[str(s0)] == "resnet56"

    page = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    assert render(folder).read_bytes() == page
    again = command("init", "--ground-truth", f"{cells},{s0}")
    assert again == (0, out, "")


def test_metrics(command: Command, tmp_path: Path) -> None:
    cells = write_truth(tmp_path / "cells.csv")
    code, out, err = command("metric", "--ground-truth", str(cells), "--init", "kaiming")
    assert code == 0, err
    table = {row["proxy"]: row for row in rows_of(tmp_path / "run" / "study-1.csv")}
    assert set(table) == {*metrics.PROXIES, "params", "flops"}
    assert {row["init"] for row in rows_of(tmp_path / "run" / "scores.csv")} == {"kaiming"}
    verdicts = rows_of(tmp_path / "run" / "published.csv")
    assert [row["metric"] for row in verdicts[:3]] == ["FitNet", "FitNet", "M_s"]
    assert all(row["verdict"] == "setting-unknown" for row in verdicts)
    assert f"On {cells}" in out


def test_what_has_no_score_is_not_measured(command: Command, tmp_path: Path) -> None:
    cells = write_truth(tmp_path / "cells.csv")  # the last maps have 16 channels, those of the teacher 64
    code, _, err = command("metric", "--ground-truth", str(cells), "--teacher", "resnet20")
    assert code == 0, err
    verdicts = {row["proxy"]: row for row in rows_of(tmp_path / "run" / "published.csv")}
    assert verdicts["fitnet_released"]["verdict"] == "not-measured"
    assert verdicts["fitnet_released"]["verdict_detail"] == "no score: not-applicable 14"
    assert verdicts["m_r"]["verdict"] == "setting-unknown"


def test_a_published_number_decides_the_verdict(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = write_truth(tmp_path / "cells.csv")
    command("metric", "--ground-truth", str(cells))
    (first,) = (row for row in rows_of(tmp_path / "run" / "published.csv") if row["proxy"] == "m_s")
    low, high = float(first["measured_low"]), float(first["measured_high"])
    table = published.TABLES["metrics"]
    for value, unknown, expected in (
        ((low + high) / 2, "", ("within", "")),
        (high + 1, "", ("outside", "published 1.00 above")),
        (high + 1, "space", ("setting-unknown", "published 1.00 above; unknown: space")),
        ((low + high) / 2, "space", ("setting-unknown", "within the interval; unknown: space")),
    ):
        numbers = tuple(dataclasses.replace(n, value=value, step=1e-9, unknown=unknown) for n in table.numbers)
        monkeypatch.setitem(published.TABLES, "metrics", dataclasses.replace(table, numbers=numbers))
        command("metric", "--ground-truth", str(cells))
        (row,) = (row for row in rows_of(tmp_path / "run" / "published.csv") if row["proxy"] == "m_s")
        assert (row["verdict"], row["verdict_detail"]) == expected


def test_the_difference_is_paired(tmp_path: Path) -> None:
    import argparse

    cells = write_truth(tmp_path / "cells.csv", n=30)
    groups = [options.truth(several=True), options.study(), options.seeds(), options.machine()]
    parser = argparse.ArgumentParser(parents=groups)
    given = parser.parse_args(["--ground-truth", str(cells), "--batch-size", "16", "--seeds", "2", "--device", "cpu"])
    (study,), _ = studies_at_hand(given, (), "gaussian")
    infos = (get("m_s"), get("params"), get("diswot"))
    with Store(tmp_path / "s.sqlite") as store, Runner(store) as runner:
        first, second = (
            measuring.measure(runner, Ask(with_init(study, init), infos)) for init in ("gaussian", "kaiming")
        )
    for proxy, sign in (("m_s", -1), ("diswot", 1)):
        expected = [
            spearmanr(sign * a, study.accuracies).statistic - spearmanr(sign * b, study.accuracies).statistic
            for a, b in zip(*(one.values(proxy) for one in (first, second)), strict=True)
        ]
        found = measuring.difference(first, second, proxy)
        assert found.value == pytest.approx(np.mean(expected), abs=1e-12)
        assert found.low is not None and found.high is not None and found.low <= np.mean(expected) <= found.high
    same = measuring.difference(first, second, "params")  # needs no weights
    assert (same.value, same.low, same.high) == (0, 0, 0)
    wide = first.by_proxy["m_s"].spearman
    narrow = measuring.difference(first, second, "m_s")
    assert wide.high is not None and wide.low is not None and narrow.high is not None and narrow.low is not None
    assert narrow.high - narrow.low < wide.high - wide.low


def test_what_is_not_on_disk_is_told(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    truths = (str(write_truth(tmp_path / "cells.csv")), "s0:kd")
    monkeypatch.setattr(metric_ablation, "TRUTHS", truths)
    code, out, _ = command("metric")
    assert code == 0
    assert "Left out: s0:kd is not on disk" in out and "fetch distillation" in out
    code, _, err = command("metric", "--ground-truth", "s0:kd")  # asked for by name: must be there
    assert code == 1 and err.startswith("error: s0:kd is not on disk")


def test_nothing_on_disk_at_all(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.setattr(measured, "TABLES", tmp_path)
    code, out, err = command("init")
    assert (code, out) == (1, "") and err.startswith("error: ") and not (tmp_path / "run").exists()


@pytest.mark.parametrize("which", ["init", "metric"])
def test_wrong_use(command: Command, which: str, tmp_path: Path) -> None:
    cells = write_truth(tmp_path / "cells.csv")
    code, _, err = command(which, "--ground-truth", str(cells), "--images", "embedded:20")
    assert code == 2 and "embedded:20 has 20 classes" in err
    code, _, err = command(which, "--ground-truth", "kd-nb202")
    assert code == 2 and "Did you mean kd-nb201" in err
