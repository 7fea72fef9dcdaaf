"""The pipeline end to end on tiny networks: what is trained, what is resumed or refused, what the report concludes."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distill_support import TINY, by_hand
from scipy.stats import beta, ttest_ind

from benchmarks.distill import jobs, protocols
from benchmarks.pipeline import __main__ as command
from benchmarks.pipeline.plan import PipelinePlan, resolve
from benchmarks.pipeline.students import BEST, FOUND, LARGEST, choose
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from benchmarks.search import Trial
from benchmarks.statistics import noise
from diswot_errors import UsageError
from reports.records import read_run
from reports.schema import Verdict, VerdictKind

SCALE = ["--protocol", "quick", "--score", "nwot", "--strategy", "random", "--budget", "4", "--students", "2"]
SCALE += ["--device", "cpu", "--workers", "1"]
LIMIT = 12_000.0  # parameters


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    quick = replace(TINY, name="quick", epochs=1, per_class=16, channels=4)
    monkeypatch.setitem(protocols.PROTOCOLS, "quick", quick)


def plan(*options: str) -> PipelinePlan:
    return resolve(command.parser().parse_args([*SCALE, *options]))


def table(folder: Path, name: str) -> list[dict[str, object]]:
    page = read_run(folder).page
    assert page is not None
    (found,) = [section.table for section in page.sections if section.name == name and section.table]
    return [dict(zip((column.name for column in found.columns), row, strict=True)) for row in found.rows]


def test_from_nothing_to_a_report_that_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    arguments = [*SCALE, "--max-params", str(LIMIT), "--out", str(out)]
    assert command.main(arguments) == 0
    first = capsys.readouterr().out
    assert "teacher-resnet20: epoch 1/1" in first and "random 2, kd seed 1: epoch 1/1" in first
    assert "found, ce seed 0" in first

    rows = table(out, "students")
    assert [str(row["part"]) for row in rows] == ["found", "most params", "random 1", "random 2", "found, alone"]
    assert all(isinstance(row["params"], int) and row["params"] <= LIMIT for row in rows)
    trained = sorted(path.parent for path in (out / "students").rglob("student.pth"))
    assert len(trained) == 2 * len(rows)
    with (out / "search" / "trajectory.csv").open() as file:
        assert len(file.readlines()) == 1 + 4

    page = (out / "report.html").read_text()
    assert (
        "<script" not in page.partition("<main")[2].partition("</main>")[0] and "Does nwot find a good student?" in page
    )
    run = read_run(out)
    assert run.manifest.config["budget"] == 4 and run.manifest.skeleton == "c4n1k4r8"
    costs = table(out, "costs")
    total = sum(float(str(row["seconds"])) for row in costs[:-1])
    assert costs[-1]["seconds"] == pytest.approx(total) and total > 0

    before = {path: path.stat().st_mtime_ns for path in [*trained, out / "search" / "trajectory.csv"]}
    numbers = (out / "students.csv").read_text()
    assert command.main(arguments) == 0  # everything lies on disk
    assert ": epoch" not in capsys.readouterr().out
    assert (out / "students.csv").read_text() == numbers
    assert before == {path: path.stat().st_mtime_ns for path in before}

    for change in (["--budget", "5"], ["--seeds", "1"], ["--score", "params"], ["--max-params", "9e3"]):
        with pytest.raises(UsageError, match=change[0].strip("-").split("-")[-1]) as refused:
            command.main([*arguments, *change])
        assert refused.value.exit_code == 2
    assert command.main([*arguments, "--seeds", "3"]) == 0  # more of the same goes on
    after = capsys.readouterr().out
    assert "seed 2: epoch 1/1" in after and "seed 1: epoch" not in after and "teacher-resnet20: epoch" not in after


def test_a_student_with_two_parts_is_trained_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The score is the number of parameters and everything is scored: what is found is the params champion."""
    out = tmp_path / "run"
    options = ["--space", "s0", "--score", "params", "--strategy", "exhaustive", "--budget", "64", "--no-alone"]
    assert command.main([*SCALE, *options, "--max-params", "9e4", "--students", "1", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "found and most params" in said and "itself the student with most parameters" in said
    assert len(list((out / "students").iterdir())) == len(table(out, "students")) <= 2
    page = read_run(out).page
    assert page is not None
    assert page.sections[0].claims[1].verdict.kind is VerdictKind.OPEN


def test_the_table_knows_the_best_and_the_search_does_not_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = plan("--max-params", str(LIMIT), "--ground-truth", "none")
    cells = [cell for cell in bare.space.distinct() if bare.space.params(cell) <= LIMIT][:9]
    file = tmp_path / "mine.csv"
    lines = [f"nb201,c4n1k4r8,mine,test,{cell},{40 + place}" for place, cell in enumerate(cells)]
    file.write_text("\n".join(["space,skeleton,images,split,arch,accuracy", *lines]) + "\n")
    judged = plan("--max-params", str(LIMIT), "--ground-truth", str(file))
    choice = choose(judged, cells[0])
    assert choice.best == cells[8] and BEST in choice.roles[cells[8]]
    assert choose(bare, cells[0]).best is None and FOUND in choice.roles[cells[0]]
    assert choose(bare, cells[0]).random == choice.random
    for wrong, message in ((["--ground-truth", "s0:kd"], "s0"), (["--space", "s0", "--ground-truth", str(file)], "s0")):
        with pytest.raises((UsageError, RuntimeError), match=message):
            plan(*wrong)


def test_random_students_grow_and_meet_the_constraint() -> None:
    few, many = (choose(plan("--max-flops", "2e5", "--students", n), plan().space.all()[0]) for n in ("2", "6"))
    assert many.random[:2] == few.random and len(set(many.random)) == 6
    space = plan().space
    assert all(space.flops(cell) <= 2e5 and cell == cell.pruned() for cell in [*many.random, many.largest])
    others = choose(plan("--max-flops", "2e5", "--students", "6", "--seed", "1"), space.all()[0])
    assert set(others.random) != set(many.random)
    allowed = [cell for cell in space.distinct() if space.flops(cell) <= 2e5]
    assert space.params(many.largest) == max(map(space.params, allowed)) and many.pool == len(allowed)
    assert many.equals == sum(space.params(cell) == space.params(many.largest) for cell in allowed)
    assert LARGEST in many.roles[many.largest]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--score", "diswott"], "diswot"),
        (["--strategy", "evolutoin"], "Did you mean evolution"),
        (["--strategy", "darts"], "trains a shared network"),
        (["--distiller", "kdd"], "Did you mean kd"),
        (["--teacher", "resnet19"], "unknown teacher 'resnet19'"),
        (["--protocol", "quik"], "Did you mean quick"),
        (["--images", "cifar"], "cifar10"),
        (["--max-params", "10"], "no architecture of nb201"),
        (["--teacher-weights", "nowhere.pth"], "no weights at nowhere.pth"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_computed(change: list[str], message: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=re.escape(message)):
        command.main([*SCALE, *change])
    assert not Path("runs").exists()


def test_dry_run_says_the_stages_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*SCALE, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("train resnet20", "4 evaluations by random of nwot", "2 seeds each by kd"))
    assert not Path("runs").exists()


def test_a_trained_teacher_may_be_seen_by_the_score(tmp_path: Path) -> None:
    """From a file, tested once; the score of a network then depends on its weights."""
    import torch

    from benchmarks.pipeline.run import objective_of
    from benchmarks.pipeline.training import teach
    from nb201_data.images import load_images
    from nb201_data.networks import build_resnet
    from proxies import initialise

    file = tmp_path / "teacher.pth"
    images = load_images("embedded:4")
    network = initialise(build_resnet("resnet20", 4), "kaiming", 0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()(images.normalise(images.test_x))  # its batch norms know the images: not one answer to all
    torch.save(network.state_dict(), file)
    made = plan("--teacher-weights", str(file), "--score", "m_r")
    teacher = teach(made, tmp_path)
    top1, _, _ = by_hand(network, "embedded:4", (images.test_x, images.test_y))
    assert teacher.file == file and not teacher.history
    assert teacher.top1 == pytest.approx(top1) and top1 != 25
    assert teach(made, tmp_path) == teacher  # with the seconds of the first time: it is tested once
    cell = made.space.all()[-1]
    with Store(tmp_path / "scores.sqlite") as store, Runner(store) as runner:
        seen = [next(objective_of(made, runner, weights).values([Trial(cell)])).number for weights in (None, file)]
    assert None not in seen and seen[0] != seen[1]


def test_gaps_are_t_intervals() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 6), rng.normal(0, 1, 6)
    own = noise.pooled([a, b])
    found = noise.gap(list(a), list(b), own)
    reference = ttest_ind(a, b).confidence_interval()
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    drawn = rng.normal(0, 2, 5)
    found = noise.gap_to_draw(list(a), list(drawn), noise.pooled([a]))
    reference = ttest_ind(a, drawn, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    assert "nothing repeated" in noise.verdict(noise.gap([5.0], [1.0], noise.pooled([[5.0], [1.0]]))).detail
    clear = noise.gap([5.0, 5.1], [1.0, 1.1], noise.pooled([[5.0, 5.1], [1.0, 1.1]]))
    assert noise.verdict(clear) == Verdict(VerdictKind.BETTER)


def test_random_students_are_counted_whatever_their_distance() -> None:
    """Two-sided at 95 %, nine of nine or eight of nine beat chance, five of five do not."""
    share = noise.share(8, 1)
    assert (share.low, share.high) == pytest.approx((beta.ppf(0.025, 8, 2), beta.ppf(0.975, 9, 1)))
    found = [noise.verdict_of_share(noise.share(*counts)) for counts in ((9, 0), (8, 1), (5, 0), (0, 9), (0, 0))]
    assert [str(verdict.kind) for verdict in found] == ["better", "better", "open", "worse", "open"]


def test_progress_of_a_run_is_called_as_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = jobs.distillation("s0:111", "ce", 1, None, protocols.get_protocol("quick"), "cpu")
    jobs.train(jobs.Training(replace(made, out=tmp_path), "ce", 0), "mine")
    assert capsys.readouterr().out.startswith("mine: epoch 1/1")
    assert json.loads((tmp_path / "ce-seed0" / "settings.json").read_text())["distiller"] == "ce"


def test_help_is_quick_and_errors_are_one_line() -> None:
    root = Path(command.__file__).parents[2]
    call = [sys.executable, "-m", "benchmarks.pipeline", "--teacher", "resnet19", "--images", "embedded"]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(call, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: unknown teacher") and "Traceback" not in done.stderr
    code = "import sys; from benchmarks.pipeline import __main__ as c; c.parser().format_help(); "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True, env=env)
