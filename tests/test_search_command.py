"""`python -m benchmarks.search`: what it writes, and that the truth plays no part in the search."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from files_support import rows_of

from benchmarks.search.__main__ import main
from diswot_errors import UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.space import sample_cells
from nb201_data.spaces import get_space
from nb201_data.truth.records import GroundTruth

SKELETON = "c4n1k4r8"


def write_truth(path: Path, accuracy) -> Path:
    cells = sample_cells(15_625, 0)
    lines = [f"nb201,{SKELETON},x,test,{cell},{accuracy(i, cell)}" for i, cell in enumerate(cells)]
    path.write_text("\n".join(["space,skeleton,images,split,arch,accuracy", *lines]) + "\n")
    return path


def trajectory(folder: Path) -> list[tuple[str, str]]:
    """Without the seconds."""
    return [(row["arch"], row["value"]) for row in rows_of(folder / "trajectory.csv")]


@pytest.fixture
def search(tmp_path):
    def run(name: str, *more: str) -> Path:
        out = tmp_path / name
        scored = ["--score", "nwot", "--budget", "45", "--batch-size", "8"]
        other = "gdas" in more or any(word.startswith("trained:") for word in more)
        common = ["--batch-size", "8"] if "gdas" in more else []
        common += ["--workers", "1", "--device", "cpu", "--store", str(tmp_path / f"{name}.sqlite")]
        assert main([*common, *(() if other else scored), "--out", str(out), *more]) == 0
        return out

    return run


def test_a_poisoned_truth_changes_the_verdict_and_nothing_else(search, tmp_path, capsys):
    honest = write_truth(tmp_path / "honest.csv", lambda i, cell: cell.count("nor_conv_3x3") + i / 1e6)
    poisoned = write_truth(tmp_path / "poisoned.csv", lambda i, cell: 90 - cell.count("nor_conv_3x3") - i / 1e6)
    outs = [search(truth.stem, "--ground-truth", str(truth)) for truth in (honest, poisoned)]
    assert trajectory(outs[0]) == trajectory(outs[1])
    results = [(out / "result.csv").read_text() for out in outs]
    assert results[0].splitlines()[1:4] == results[1].splitlines()[1:4]
    assert "regret" in results[0] and results[0] != results[1]


def test_the_truth_is_read_after_the_search(search, tmp_path, monkeypatch):
    """Its values are out of reach until the last evaluation is on disk."""
    truth = write_truth(tmp_path / "truth.csv", lambda i, cell: i / 200)
    values = GroundTruth.values.func

    def guarded(self):
        assert len(trajectory(tmp_path / "guarded")) == 45
        return values(self)

    monkeypatch.setattr(GroundTruth, "values", property(guarded))
    out = search("guarded", "--ground-truth", str(truth))
    assert "percentile" in (out / "result.csv").read_text()


def test_constraints_resume_and_files(search, tmp_path, capsys):
    common = ("--ground-truth", "none", "--skeleton", SKELETON, "--images", "embedded", "--strategy", "evolution")
    out = search("first", *common, "--max-params", "9e3")
    trajectory_45 = trajectory(out)
    assert len(trajectory_45) == 45
    assert trajectory(search("first", *common, "--max-params", "9e3", "--budget", "60"))[:45] == trajectory_45
    whole = search("whole", *common, "--max-params", "9e3", "--budget", "60")
    assert trajectory(out) == trajectory(whole)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["config"]["max_params"] == 9000 and manifest["skeleton"] == SKELETON
    page = (out / "report.html").read_text()
    assert "The course of the search" in page and "no ground truth judges it" in page
    with pytest.raises(UsageError, match=r"seed: 0 there, 1 now.*raise only budget.*--replace"):
        search("first", *common, "--max-params", "9e3", "--budget", "60", "--seed", "1")
    other = search("first", *common, "--max-params", "9e3", "--seed", "1", "--replace")
    assert trajectory(other) != trajectory_45 and len(trajectory(other)) == 45
    with pytest.raises(UsageError, match="no architecture of nb201"):
        search("never", *common, "--max-flops", "10")
    with pytest.raises(UsageError, match="go together"):
        search("never", *common, "--max-latency", "3")


def test_weight_sharing_from_the_command(search):
    out = search(
        "gdas",
        "--strategy",
        "gdas",
        "--skeleton",
        "c4n1k2r8",
        "--ground-truth",
        "none",
        "--epochs",
        "2",
        "--max-images",
        "64",
    )
    rows = rows_of(out / "course.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"] and rows[0]["cell"].startswith("|")


def test_the_default_folder_is_named_by_the_settings(search, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    common = ["--ground-truth", "none", "--skeleton", SKELETON, "--score", "params", "--budget", "3"]
    common += ["--store", str(tmp_path / "s.sqlite"), "--workers", "1", "--strategy", "random"]
    for seed in ("0", "1", "0"):
        assert main([*common, "--seed", seed]) == 0
    folders = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(folders) == 2 and all(name.startswith("search-random-params-") for name in folders)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--strategy", "random"], "45 evaluations by random"),
        (["--strategy", "gdas", "--epochs", "2", "--max-images", "64"], "2 epochs of gdas"),
        (["--score", "trained:glance"], "trained by glance"),
    ],
)
def test_dry_run(search, tmp_path, capsys, words, said):
    search("dry", "--skeleton", "c4n1k2r8", "--ground-truth", "none", "--dry-run", *words)
    out = capsys.readouterr().out
    assert said in out and "about" in out and not (tmp_path / "dry").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strategy", "gdas", "--score", "nwot"], "--score nwot is for searches by evaluations, and gdas trains one"),
        (["--strategy", "rsps", "--max-seconds", "1"], "--max-seconds 1.0 is for searches by evaluations"),
        (["--epochs", "3"], "--epochs 3 is of the network that rsps, darts and gdas share, and evolution has none"),
        (["--score", "nb201:cifar10:valid", "--init", "xavier"], "--init xavier is for scores of untrained networks"),
        (["--score", "nb201:cifar10:valid", "--teacher", "resnet20"], "--teacher resnet20 is for scores of untrained"),
        (["--score", "trained:glance", "--batch-size", "8"], "--batch-size 8 is for scores of untrained networks"),
        (["--score", "trained:glance:eskd"], "learn from one trained teacher, and eskd has another one \\(early\\)"),
        (["--score", "trained:glimpse"], "unknown protocol 'glimpse'"),
        (["--score", "trained:glance:kdd"], "unknown distiller 'kdd'"),
        (["--score", "trained:glance:kd", "--teacher", "777"], "unknown teacher '777'"),
    ],
)
def test_what_a_search_does_not_read_is_refused(words, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        main([*words, "--ground-truth", "none", "--device", "cpu", "--workers", "1", "--out", str(tmp_path / "o")])
    assert not (tmp_path / "o").exists()


def test_an_exhaustive_search_looks_at_every_network_unless_told_otherwise(search, tmp_path):
    common = ["--strategy", "exhaustive", "--score", "params", "--ground-truth", "none", "--skeleton", "c4n1k2r8"]
    common += ["--max-params", "4800", "--device", "cpu", "--workers", "1", "--store", str(tmp_path / "s.sqlite")]
    assert main([*common, "--out", str(tmp_path / "all")]) == 0
    assert main([*common, "--out", str(tmp_path / "some"), "--budget", "7"]) == 0
    space = get_space("nb201").with_skeleton(Skeleton.parse("c4n1k2r8"))
    allowed = [cell for cell in space.distinct() if space.params(cell) <= 4800]
    found = [len(rows_of(tmp_path / name / "trajectory.csv")) for name in ("all", "some")]
    assert found == [len(allowed), 7] and len(allowed) > 7


def test_a_table_that_changed_is_another_search(tmp_path):
    table = write_truth(tmp_path / "mine.csv", lambda i, cell: i / 1e3)
    table.write_text(table.read_text().replace(",test,", ",valid,"))
    common = ["--strategy", "random", "--score", str(table), "--ground-truth", "none", "--budget", "5"]
    assert main([*common, "--out", str(tmp_path / "o")]) == 0
    table.write_text(table.read_text().replace(",0.001", ",0.002"))
    with pytest.raises(UsageError, match=r"holds another run .*objective"):
        main([*common, "--out", str(tmp_path / "o")])


def test_import_and_help_without_torch():
    code = "import sys, benchmarks.search, benchmarks.search.options as o; o.parser().format_help()"
    code += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_list(capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("evolution", "gdas"))
