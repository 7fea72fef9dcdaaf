"""Plan, score, store: the same question has the same answer, whoever asks, in which order, with whom."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scoring_support import QUICK, SETTING, cells

from benchmarks import runner as runner_module
from benchmarks.runner import Answers, Runner
from benchmarks.scorer import Scorer, build_teacher
from benchmarks.settings import BEST_CELLS, resolve_images, resolve_teacher
from benchmarks.store import Store
from diswot_errors import DataError, UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from proxies import initialise, score, select, teacher_evidence
from proxies import registry as proxy_registry

ARCHS = cells(8)
INFOS = select(QUICK)


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Store(tmp_path / "scores.sqlite") as opened:
        yield opened


def numbers(answers: Answers) -> dict[tuple[str, int, str], tuple[float | None, str]]:
    """Answers without their cost."""
    return {
        (n, s, a): (answer.value, answer.status) for (n, s), found in answers.items() for a, answer in found.items()
    }


def test_answers_are_those_of_score(store: Store) -> None:
    with Runner(store) as runner:
        answers = runner.scores(SETTING, INFOS, ARCHS[:2], [3])
    space = get_space("nb201").with_skeleton(SETTING.skeleton)
    scorer = Scorer(SETTING)
    batch = scorer.scene(3, with_teacher=False).batch
    teacher = teacher_evidence(initialise(build_teacher(SETTING), "gaussian", 1003), batch, seed=3)
    for arch in ARCHS[:2]:
        network = initialise(space.build(space.parse(arch)), "gaussian", 3)
        expected = score(network, QUICK, batch, teacher=teacher, seed=3)
        assert {n: answers[n, 3][arch].value for n in QUICK} == {n: one.value for n, one in expected.items()}


def test_order_neighbours_and_threads_change_nothing(store: Store) -> None:
    with Runner(store) as runner:
        first = numbers(runner.scores(SETTING, INFOS, ARCHS, [0, 1]))
    other = Scorer(SETTING)
    for seed in (1, 0):
        backwards = list(reversed(ARCHS))
        together = dict(zip(backwards, other.scores(backwards, list(reversed(QUICK)), seed, together=4), strict=True))
        alone = {arch: other.scores([arch], ["m_s"], seed)[0] for arch in ARCHS[2:4]}
        for (name, of, arch), (value, _) in first.items():
            if of == seed:
                assert together[arch][name].value == value
        assert all(alone[arch]["m_s"].value == first["m_s", seed, arch][0] for arch in alone)


def test_processes_change_nothing(store: Store, tmp_path: Path) -> None:
    with Runner(store) as runner:
        alone = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
    with Store(tmp_path / "other.sqlite") as other, Runner(other, workers=2) as runner:
        shared = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
        assert len(other) == len(store)
    assert numbers(alone) == numbers(shared)
    assert [list(found) for found in shared.values()] == [ARCHS] * len(shared)


def test_what_is_stored_is_not_scored_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with Runner(store) as runner:
        before = runner.scores(SETTING, INFOS[:2], ARCHS[:4], [0])
        _, jobs = runner.plan(SETTING, INFOS, ARCHS, [0])
        asked = {(arch, name) for job in jobs for arch in job.archs for name in job.proxies}
        known = {(arch, name) for arch in ARCHS[:4] for name in QUICK[:2]}
        assert asked == {(arch, name) for arch in ARCHS for name in QUICK} - known

        def refuse(*_: object) -> None:
            raise AssertionError("scored again")

        monkeypatch.setattr(runner_module, "_work", refuse)
        assert runner.scores(SETTING, INFOS[:2], ARCHS[:4], [0]) == before


def test_a_proxy_without_teacher_does_not_care_which(store: Store) -> None:
    other = replace(SETTING, teacher="resnet32")
    plain, with_teacher = select("nwot,m_r")
    assert SETTING.question(plain, 0) == other.question(plain, 0)
    assert SETTING.question(with_teacher, 0) != other.question(with_teacher, 0)
    with Runner(store) as runner:
        first, second = (runner.scores(s, [with_teacher], ARCHS[:3], [0]) for s in (SETTING, other))
    assert numbers(first) != numbers(second)


def test_teacher_and_student_share_no_weights() -> None:
    setting = replace(SETTING, teacher=ARCHS[0])
    teacher = initialise(build_teacher(setting), setting.init, setting.teacher_seed(0))
    student = initialise(Scorer(setting).space.build(Scorer(setting).space.parse(ARCHS[0])), setting.init, 0)
    pairs = zip(teacher.named_parameters(), student.named_parameters(), strict=True)
    assert not any(torch.equal(a, b) for (name, a), (_, b) in pairs if a.dim() > 1)


def test_out_of_memory_is_a_status_and_the_rest_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = ARCHS[1]
    build = type(get_space("nb201")).build

    def short_of_memory(self: object, arch: object) -> object:
        if str(arch) == heavy:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return build(self, arch)  # type: ignore[arg-type]

    runner_module._scorer.cache_clear()
    monkeypatch.setattr(type(get_space("nb201")), "build", short_of_memory)
    with Runner(store) as runner:
        answers = runner.scores(SETTING, INFOS, ARCHS[:3], [0])
        assert {found[heavy].status for found in answers.values()} == {"out-of-memory"}
        assert {found[arch].status for found in answers.values() for arch in ARCHS[:3] if arch != heavy} == {"ok"}
        monkeypatch.undo()
        again = runner.scores(SETTING, INFOS, ARCHS[:3], [0])  # not kept: tried again, now with enough memory
        assert {found[heavy].status for found in again.values()} == {"ok"}


def test_a_failing_proxy_is_a_status(store: Store) -> None:
    @proxy_registry.proxy("breaks", direction="higher", needs=[], paper="-")
    def breaks(evidence: object) -> float:
        """1 / 0."""
        return 1 / 0

    try:
        with Runner(store) as runner:
            answers = runner.scores(SETTING, select("breaks,params"), ARCHS[:2], [0])
    finally:
        proxy_registry.remove("breaks")
    assert [answer.status for answer in answers["breaks", 0].values()] == ["failed", "failed"]
    assert "ZeroDivisionError" in answers["breaks", 0][ARCHS[0]].reason
    assert [answer.status for answer in answers["params", 0].values()] == ["ok", "ok"]
    assert len(store) == 2


def test_ctrl_c_keeps_what_was_finished(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work, calls = runner_module._work, []

    def interrupted(job: runner_module.Job) -> object:
        calls.append(job)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return work(job)

    monkeypatch.setattr(runner_module, "_work", interrupted)
    with Runner(store) as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.scores(SETTING, INFOS, ARCHS, [0])
        assert len(store) == 4 * len(QUICK)
        assert "4 of 8 networks were scored and are kept in" in capsys.readouterr().err
        monkeypatch.undo()
        _, jobs = runner.plan(SETTING, INFOS, ARCHS, [0])
        assert [arch for job in jobs for arch in job.archs] == ARCHS[4:]


def test_a_killed_run_resumes(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from scoring_support import SETTING, cells\n"
        "from benchmarks import runner, store\n"
        "from proxies import select\n"
        "runner.WRITE_EVERY = 0\n"
        f"with store.Store(Path({str(path)!r})) as s, runner.Runner(s) as r:\n"
        "    r.scores(SETTING, select('params,nwot,m_r'), cells(4000), [0])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[1], env=dict(os.environ))
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
        if path.is_file() and path.stat().st_size > 40_000:
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    infos = select("params,nwot,m_r")
    with Store(path) as store, Runner(store) as runner:
        kept = len(store)
        assert kept and kept % 3 == 0
        answers, jobs = runner.plan(SETTING, infos, cells(4000), [0])
        assert sum(len(job.archs) for job in jobs) == 4000 - kept // 3
        arch = next(iter(answers["m_r", 0]))
        assert Scorer(SETTING).scores([arch], ["m_r"], 0)[0]["m_r"].value == answers["m_r", 0][arch].value


def test_teacher_weights_of_a_file(tmp_path: Path) -> None:
    setting = replace(SETTING, teacher_weights=str(tmp_path / "teacher.pth"))
    torch.save(initialise(build_teacher(setting), "kaiming", 1).state_dict(), setting.teacher_weights)
    info = select("m_r")[0]
    question = setting.question(info, 0)
    assert question.teacher_init.startswith("sha256:") and question.teacher_seed == 0
    value = Scorer(setting).scores(ARCHS[:1], ["m_r"], 0)[0]["m_r"].value
    assert value != Scorer(SETTING).scores(ARCHS[:1], ["m_r"], 0)[0]["m_r"].value
    torch.save(initialise(build_teacher(setting), "kaiming", 2).state_dict(), setting.teacher_weights)
    assert setting.question(info, 0) != question
    with pytest.raises(DataError, match="no weights at"):
        _ = replace(setting, teacher_weights=str(tmp_path / "absent.pth")).teacher_init


def test_images_that_fit_a_skeleton(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_images("embedded", Skeleton(16, 1, 100, 16)) == "embedded:100@16"
    assert resolve_images("embedded", Skeleton(classes=10)) == "embedded:10"
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    assert resolve_images("real", Skeleton(16, 1, 100, 16), "cifar100") == "embedded:100@16"  # not on disk
    with pytest.raises(UsageError, match="does not say on which images"):
        resolve_images("real", Skeleton(classes=10))
    with pytest.raises(UsageError, match=r"embedded:20 has 20 classes.*have 100"):
        resolve_images("embedded:20", Skeleton(classes=100))
    with pytest.raises(UsageError, match="8 pixels, the networks of this ground truth take 16"):
        resolve_images("embedded:100@8", Skeleton(16, 1, 100, 16))
    with pytest.raises(UsageError, match="cannot be pooled to the 64 pixels"):
        resolve_images("embedded", Skeleton(16, 1, 100, 64))


def test_the_networks_own_images(reference_data: Path) -> None:
    assert resolve_images("real", Skeleton(16, 1, 100, 16), "cifar100") == "cifar100@16"


def test_teachers_by_name() -> None:
    assert resolve_teacher(None, "nb201", Skeleton(classes=100)) == BEST_CELLS[100]
    assert resolve_teacher(None, "s0", Skeleton(classes=100)) == "resnet56"
    assert resolve_teacher("777", "s0", Skeleton(classes=100)) == "777"
    assert resolve_teacher(ARCHS[0], "nb201", Skeleton()) == ARCHS[0]
    with pytest.raises(UsageError, match=r"unknown teacher 'resnet57'\. Did you mean resnet5"):
        resolve_teacher("resnet57", "nb201", Skeleton())
    with pytest.raises(UsageError, match="malformed cell"):
        resolve_teacher("|nor_conv_3x3~0|", "nb201", Skeleton())


def test_best_cells_are_the_benchmarks(reference_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nb201_data.ground_truth import load_ground_truth

    monkeypatch.setenv("NB201_DATA_DIR", str(reference_data))
    for classes, images in ((10, "cifar10"), (100, "cifar100"), (120, "imagenet16-120")):
        values = load_ground_truth(f"nb201:{images}:test:200").values
        assert values[BEST_CELLS[classes]] == max(values.values())


@pytest.mark.gpu
def test_streams_change_nothing() -> None:
    setting = replace(SETTING, device="cuda:0")
    archs = cells(32)
    alone, streams = (Scorer(setting).scores(archs, QUICK, 0, together=n) for n in (1, 8))
    assert [{n: a.value for n, a in one.items()} for one in alone] == [
        {n: a.value for n, a in one.items()} for one in streams
    ]
