"""The correlation command: what it shows, what it writes, how it is repeated."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from files_support import rows_of
from processes_support import HELP, in_fresh_python, numpy_seconds
from scoring_support import QUICK, SETTING, Command

from benchmarks.command import ahead, estimate
from benchmarks.command.opened import opened
from benchmarks.correlation import COMMAND, main
from benchmarks.engines import device
from benchmarks.harvesting.rows import PairRow, append
from benchmarks.scoring import runner
from benchmarks.scoring.runner import Job
from benchmarks.scoring.scorer import Scorer
from nb201_data.space import OPERATIONS, sample_cells
from nb201_data.spaces import get_space
from nb201_data.truth import measured

MINE = """
from proxies.registry import proxy

@proxy("mine", direction="higher", needs=["features"], paper="mine")
def mine(evidence):
    '''The mean of all logits.'''
    return evidence.features.logits.mean()
"""


def manifest(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return loaded


def test_a_run(correlation: Command, tmp_path: Path) -> None:
    code, out, err = correlation("--proxies", "m_s,nwot", "--seeds", "2")
    assert code == 0 and err == ""
    folder = tmp_path / "run"
    lines = out.splitlines()
    assert lines[0].startswith("The best proxy is ")
    assert any(line.startswith(f"Ground truth {tmp_path}/truth.csv: 14 architectures") for line in lines)
    assert any("painted by this program, not photographs" in line for line in lines)
    assert lines[-1] == str(folder / "report.html")
    begin = next(place for place, line in enumerate(lines) if line.startswith("------"))
    table = [line.split()[0] for line in lines[begin + 1 : -2]]
    assert sorted(table) == ["flops", "m_s", "nwot", "params"]
    page = (folder / "report.html").read_text()
    assert "painted by this program" in page and "http://" not in page.replace("http://www.w3.org", "")

    scores, truth = rows_of(folder / "scores.csv"), rows_of(folder / "truth.csv")
    assert len(scores) == 2 * 4 * 14 and len(truth) == 14
    assert {row["status"] for row in scores} == {"ok"}
    assert {row["teacher"] for row in scores if row["proxy"] == "m_s"} == {"resnet20"}
    assert {row["teacher"] for row in scores if row["proxy"] == "nwot"} == {""}
    statistics = {row["proxy"]: row for row in rows_of(folder / "correlations.csv")}
    assert statistics["m_s"]["seeds"] == "2" and statistics["m_s"]["spearman_spread"] != ""
    assert float(statistics["m_s"]["spearman_minus_params"]) == pytest.approx(
        float(statistics["m_s"]["spearman"]) - float(statistics["params"]["spearman"])
    )
    written = manifest(folder)
    assert written["command"][:3] == ["python", "-m", "benchmarks.correlation"]
    assert written["skeleton"] == "c4n1k10r8" and written["images"] == "embedded:10@8" and written["seeds"] == [0, 1]
    (study,) = written["config"]["studies"]
    assert study["teacher"] == "resnet20" and study["teacher_seeds"] == [1000, 1001]
    assert study["batch_size"] == 16 and study["sample"] == 14


def test_the_statistics_are_those_of_scipy(correlation: Command, tmp_path: Path) -> None:
    from scipy.stats import spearmanr

    correlation("--proxies", "l2_norm")
    folder = tmp_path / "run"
    accuracy = {row["arch"]: float(row["accuracy"]) for row in rows_of(folder / "truth.csv")}
    for name in ("l2_norm", "params"):
        found = [(float(r["value"]), accuracy[r["arch"]]) for r in rows_of(folder / "scores.csv") if r["proxy"] == name]
        expected = spearmanr(*zip(*found, strict=True)).statistic
        shown = next(row for row in rows_of(folder / "correlations.csv") if row["proxy"] == name)
        assert float(shown["spearman"]) == pytest.approx(expected, abs=1e-12)


def test_repeated_and_rebuilt(correlation: Command, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    names = ("scores.csv", "truth.csv", "correlations.csv", "report.html")
    _, first, _ = correlation("--proxies", "m_r")
    written = {name: (folder / name).read_bytes() for name in names[:3]}
    _, second, _ = correlation("--proxies", "m_r")
    assert second == first
    assert {name: (folder / name).read_bytes() for name in names[:3]} == written  # from the store, to the bit

    values = [(row["arch"], row["proxy"], row["value"]) for row in rows_of(folder / "scores.csv")]
    (tmp_path / "s.sqlite").unlink()
    correlation("--proxies", "m_r")
    again = [(row["arch"], row["proxy"], row["value"]) for row in rows_of(folder / "scores.csv")]
    assert again == values  # scored anew, to the bit

    page = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    done = subprocess.run([sys.executable, "-m", "reports", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "report.html").read_bytes() == page


def test_without_options_on_a_fresh_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        PairRow(
            *("nb201", str(cell), "c16n1k100r16", "cifar100@16", "lite", "resnet56", 0, 3),
            *(20.0 + i, 19.0 + i, 20.0 + i, 19.0 + i, 2.0, 2.0, 30.0, "CPU", "2.13.0", "0.1.0", "2025-01-02"),
        )
        for i, cell in enumerate(sample_cells(12, seed=0))
    ]
    append(tmp_path / "kd-nb201-lite.csv", made)
    monkeypatch.setattr(measured, "TABLES", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NB201_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(device, "default_workers", lambda device: 1)
    assert main(["--proxies", "m_s"]) == 0  # of the defaults, only that all proxies are scored is left out
    out = capsys.readouterr().out
    assert "Ground truth kd-nb201:lite:distilled: 12 cells distilled from resnet56 on cifar100@16" in out
    assert "Images: embedded:100@16, painted by this program" in out
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("correlation-kd-nb201-lite-distilled-")
    written = manifest(folder)
    (study,) = written["config"]["studies"]
    assert study["teacher"].startswith("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|")
    assert (written["skeleton"], study["init"]) == ("c16n1k100r16", "gaussian")


def test_s0_with_and_without_shortcuts(correlation: Command, tmp_path: Path) -> None:
    table = tmp_path / "s0.csv"
    lines = [f"{arch},s0,c16n0k10r8,{60 + i}" for i, arch in enumerate(get_space("s0").all()[:12])]
    table.write_text("arch,space,skeleton,accuracy\n" + "\n".join(lines) + "\n")
    found = {}
    for space in ("s0", "s0-plain"):
        code, out, err = correlation("--proxies", "m_r", "--space", space, ground_truth=str(table))
        assert code == 0, err
        found[space] = [r["value"] for r in rows_of(tmp_path / "run" / "scores.csv") if r["proxy"] == "m_r"]
    assert "Scored are networks of s0-plain; the accuracies are those of s0." in out
    assert found["s0"] != found["s0-plain"]


@pytest.mark.parametrize(("enough", "looked"), [(1e9, [[1], [0, 1, 2]]), (0.0, [[1]])])
def test_the_probe_of_a_dry_run_looks_at_light_and_heavy_or_where_that_takes_long_at_the_middle(
    monkeypatch: pytest.MonkeyPatch, enough: float, looked: list[list[int]]
) -> None:
    light, middle, heavy = (f"|{op}~0|+|{op}~0|{op}~1|+|{op}~0|{op}~1|{op}~2|" for op in OPERATIONS[1:4])
    seen: list[list[int]] = []
    monkeypatch.setattr(
        Scorer, "scores", lambda self, archs, *_: seen.append([[light, middle, heavy].index(a) for a in archs])
    )
    monkeypatch.setattr(estimate, "ENOUGH", enough)
    assert estimate.probe([Job(SETTING, 0, ("m_s",), (heavy, light)), Job(SETTING, 0, ("m_s",), (middle,))]) >= 0
    assert seen == looked


def test_dry_run(correlation: Command, tmp_path: Path) -> None:
    code, out, _ = correlation("--proxies", ",".join(QUICK), "--dry-run")
    assert code == 0
    assert "14 networks of nb201 (c4n1k10r8) x 6 proxies x 1 seed = 84 scores on 16 images of embedded:10@8" in out
    assert "0 of them are in" in out and "84 are to be computed" in out
    assert "14 networks to look at" in out and "by a probe of 1 to 3" in out
    assert not (tmp_path / "run").exists()
    correlation("--proxies", "params,flops,nwot")
    _, out, _ = correlation("--proxies", ",".join(QUICK), "--dry-run")
    assert "42 of them are in" in out and "42 are to be computed" in out


def test_stored_scores_alone(correlation: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = correlation("--proxies", "nwot", "--stored")
    assert code == 2 and "--stored: of flops, nwot, params (--stored:" in err and "leave --stored out" in err
    assert correlation("--proxies", "nwot,l2_norm")[0] == 0
    monkeypatch.setattr(runner.Runner, "_score", None)  # from here on nothing is computed
    made = ["--aggregate", "nwot+l2_norm", "--aggregate", "nwot+snip"]
    code, _, err = correlation("--proxies", "nwot,snip,l2_norm", "--stored", *made)
    assert code == 0, err
    shown = {row["proxy"] for row in rows_of(tmp_path / "run" / "correlations.csv")}
    assert {"nwot", "l2_norm", "params", "l2_norm + nwot"} <= shown and not any("snip" in name for name in shown)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Left out: snip (--stored: without a stored score" in page
    assert "Left out: nwot + snip (--stored: a part is not there)" in page


@pytest.mark.usefixtures("forgotten")
def test_a_long_run_says_what_is_there(correlation: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "LONG", 14)
    _, _, err = correlation("--proxies", "nwot,l2_norm")
    assert err == "14 networks to look at, for 4 of 4 proxies: --dry-run says how long that takes.\n"
    _, _, err = correlation("--proxies", "nwot,snip")
    assert "14 networks to look at, for 1 of 4 proxies" in err
    assert err.endswith("--stored shows at once what is there: 1 proxy.\n")
    assert correlation("--proxies", "nwot,l2_norm")[2] == ""
    _, _, err = correlation("--proxies", "nwot,snip,synflow", "--stored")
    assert err == ""
    (tmp_path / "mine.py").write_text(MINE)
    _, _, err = correlation("--proxies", "nwot,mine", "--plugin", str(tmp_path / "mine.py"))
    assert err == "14 networks to look at, for 1 of 4 proxies: --dry-run says how long that takes.\n"


def test_a_long_run_names_the_setting_that_is_released() -> None:
    options = COMMAND.parser().parse_args(["--ground-truth", "kd-nb201", "--init", "xavier", "--proxies", "nwot"])
    with opened(options) as runner:
        said = ahead.ahead(runner, COMMAND.ask(options).asks)
    assert "for 3 of 3 proxies" in said
    assert said.endswith("The released tables know these networks under --images embedded --init gaussian.")


def test_every_score_beside_one(correlation: Command, tmp_path: Path) -> None:
    code, _, err = correlation("--proxies", "nwot,l2_norm", "--against", "nwott")
    assert code == 2 and "--against nwott: not among the scores asked for. Did you mean nwot?" in err
    code, out, err = correlation("--proxies", "nwot,l2_norm", "--against", "nwot")
    assert code == 0 and "Every score beside nwot" in out, err
    shown = {row["proxy"]: row for row in rows_of(tmp_path / "run" / "against.csv")}
    rho = {row["proxy"]: float(row["spearman"]) for row in rows_of(tmp_path / "run" / "correlations.csv")}
    assert shown.keys() == {"l2_norm", "params", "flops"} and {row["networks"] for row in shown.values()} == {"14"}
    for name, row in shown.items():
        assert float(row["minus"]) == pytest.approx(rho[name] - rho["nwot"])
        assert float(row["minus_low"]) <= float(row["minus"]) <= float(row["minus_high"])


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        (["--proxies", "te_nas_*"], ["te_nas"]),
        (["--proxies", "te_nas_ntk,az_nas_*"], ["az_nas"]),  # FLOPs, its fourth part, is a row of every table
        (["--proxies", "te_nas_ntk"], []),
        (["--proxies", "nwot,te_nas"], ["te_nas"]),
        (["--proxies", "nwot", "--aggregate", "te_nas"], ["te_nas"]),
        (["--proxies", "all"], ["az_nas", "te_nas", "vkdnw_agg"]),
    ],
)
def test_published_aggregates_of_what_is_asked_are_rows(asked: list[str], rows: list[str]) -> None:
    (one,) = COMMAND.ask(COMMAND.parser().parse_args(asked)).asks
    assert list(map(str, one.formulas)) == rows


def test_lower_precision_is_measured(correlation: Command, tmp_path: Path) -> None:
    code, out, _ = correlation("--proxies", "nwot", "--precision", "bf16")
    assert code == 0 and "Scored in bf16" in out
    table = {row["proxy"]: row for row in rows_of(tmp_path / "run" / "precision.csv")}
    assert float(table["params"]["spearman"]) == 1.0
    assert table["nwot"]["networks"] == "14" and 0 < float(table["nwot"]["spearman"]) <= 1
    assert "What bf16 changes" in (tmp_path / "run" / "report.html").read_text()
    assert {row["precision"] for row in rows_of(tmp_path / "run" / "scores.csv")} == {"bf16"}


def test_help_is_quick() -> None:
    _, seconds = in_fresh_python("from benchmarks.correlation import main; main(['--help'])")
    assert seconds < HELP * numpy_seconds()


def test_list_shows_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    from proxies import all_proxies
    from proxies.registry import aggregates

    with pytest.raises(SystemExit) as ended:
        main(["--list"])
    assert ended.value.code == 0
    parts = capsys.readouterr().out.strip().split("\n\n")
    listed = [[line.split()[0] for line in part.splitlines()[2:]] for part in parts]
    assert listed == [[info.name for info in found()] for found in (all_proxies, aggregates)]
