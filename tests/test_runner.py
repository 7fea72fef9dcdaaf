"""Plan, score, store: the same question has the same answer, whoever asks, in which order, with whom."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scoring_support import QUICK, SETTING, cells

from benchmarks.engines.local import Local
from benchmarks.scoring import runner as runner_module
from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.runner import Answers, Found, Job, Runner, score_job
from benchmarks.scoring.scorer import Scorer
from benchmarks.scoring.setting import Setting
from benchmarks.scoring.store import Store
from diswot_errors import DataError, UsageError
from nb201_data.networks import Network
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from nb201_data.teachers import build_teacher
from proxies import initialise, score, select, teacher_evidence
from proxies import registry as proxy_registry
from proxies.evidence.attention import attention_by_formula
from proxies.guests.settings import SETTINGS

ARCHS = cells(8)
INFOS = select(QUICK)


def teacher_of(setting: Setting) -> Network:
    """The network that teaches, with its constructor's weights."""
    return build_teacher(setting.teacher, get_space(setting.space).with_skeleton(setting.skeleton))


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
    teacher = teacher_evidence(initialise(teacher_of(SETTING), "gaussian", 1003), batch, seed=3)
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


def test_threads_leave_the_process_as_it_was() -> None:
    """Each pass asks for attention by its formula; whoever leaves last puts back what the first has found."""

    def pass_of(number: int) -> tuple[bool, bool]:
        with attention_by_formula:
            all_inside.wait(10)
            inside = torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()
            if number:
                first_is_out.wait(10)
        if not number:
            first_is_out.set()
        return inside

    all_inside, first_is_out = threading.Barrier(3), threading.Event()
    before = [setting.value() for setting in SETTINGS]
    with ThreadPoolExecutor(3) as threads:
        inside = list(threads.map(pass_of, range(3)))
    assert inside == [(False, True)] * 3
    assert [setting.value() for setting in SETTINGS] == before
    Scorer(SETTING).scores(ARCHS, ["synflow", "vkdnw"], 0, together=len(ARCHS))
    assert [setting.value() for setting in SETTINGS] == before


def test_threads_take_turns_where_pytorch_has_one_of_a_kind() -> None:
    found = Scorer(SETTING).scores([ARCHS[0]] * 16, ["vkdnw_single"], 0, together=8)
    assert {(one["vkdnw_single"].status, one["vkdnw_single"].reason) for one in found} == {("ok", "")}


def test_processes_change_nothing(store: Store, tmp_path: Path) -> None:
    with Runner(store) as runner:
        alone = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
    with Store(tmp_path / "other.sqlite") as other, Runner(other, Local(2)) as runner:
        shared = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
        assert len(other) == len(store)
    assert numbers(alone) == numbers(shared)
    assert [list(found) for found in shared.values()] == [ARCHS] * len(shared)


def test_what_is_stored_is_not_scored_again(store: Store) -> None:
    with Runner(store) as runner:
        before = runner.scores(SETTING, INFOS[:2], ARCHS[:4], [0])
        _, jobs = runner.plan(SETTING, INFOS, ARCHS, [0])
        asked = {(arch, name) for job in jobs for arch in job.archs for name in job.proxies}
        known = {(arch, name) for arch in ARCHS[:4] for name in QUICK[:2]}
        assert asked == {(arch, name) for arch in ARCHS for name in QUICK} - known

    def refuse(job: Job) -> Found:
        raise AssertionError(f"scored again: {job}")

    with Runner(store, score=refuse) as runner:
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
    teacher = initialise(teacher_of(setting), setting.init, setting.teacher_seed(0))
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


def test_ctrl_c_keeps_what_was_finished(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    calls = []

    def interrupted(job: Job) -> Found:
        calls.append(job)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return score_job(job)

    with Runner(store, score=interrupted) as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.scores(SETTING, INFOS, ARCHS, [0])
        assert len(store) == 4 * len(QUICK)
        assert "4 of 8 networks were scored and are kept in" in capsys.readouterr().err
        _, jobs = runner.plan(SETTING, INFOS, ARCHS, [0])
        assert [arch for job in jobs for arch in job.archs] == ARCHS[4:]


def deadly(job: Job) -> Found:
    """Score, but one network kills the process that looks at it."""
    if ARCHS[1] in job.archs:
        os.kill(os.getpid(), signal.SIGKILL)
    return score_job(job)


def test_one_network_that_kills_its_worker_gets_a_status_and_the_rest_goes_on(store: Store) -> None:
    infos = select("params,l2_norm")
    with Runner(store, Local(2), score=deadly) as runner:
        answers = runner.scores(SETTING, infos, ARCHS[:4], [0])
    for found in answers.values():
        assert found[ARCHS[1]].status == "out-of-memory" and "signal 9" in found[ARCHS[1]].reason
        assert [found[arch].status for arch in ARCHS[:4] if arch != ARCHS[1]] == ["ok"] * 3
    with Runner(store) as runner:  # an accident is not kept: asked again, the network has its scores
        again = runner.scores(SETTING, infos, ARCHS[:4], [0])
    assert {answer.status for found in again.values() for answer in found.values()} == {"ok"}


def test_a_killed_run_resumes(tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from scoring_support import SETTING, cells\n"
        "from benchmarks.scoring import runner, store\n"
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
    torch.save(initialise(teacher_of(setting), "kaiming", 1).state_dict(), setting.teacher_weights)
    info = select("m_r")[0]
    question = setting.question(info, 0)
    assert question.teacher_init.startswith("sha256:") and question.teacher_seed == 0
    value = Scorer(setting).scores(ARCHS[:1], ["m_r"], 0)[0]["m_r"].value
    assert value != Scorer(SETTING).scores(ARCHS[:1], ["m_r"], 0)[0]["m_r"].value
    torch.save(initialise(teacher_of(setting), "kaiming", 2).state_dict(), setting.teacher_weights)
    assert setting.question(info, 0) != question
    with pytest.raises(DataError, match="no weights at"):
        _ = replace(setting, teacher_weights=str(tmp_path / "absent.pth")).teacher_init


def test_images_that_fit_a_skeleton(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_images("embedded", Skeleton(16, 1, 100, 16)) == "embedded:100@16"
    assert resolve_images("embedded", Skeleton(classes=10)) == "embedded:10"
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    assert resolve_images("real", Skeleton(16, 1, 100, 16), "cifar100") == "embedded:100@16"  # not on disk
    assert resolve_images("real", Skeleton(16, 0, 102, 224), "flowers") == "embedded:102@224"  # no data set here
    with pytest.raises(UsageError, match="does not say on which images"):
        resolve_images("real", Skeleton(classes=10))
    with pytest.raises(UsageError, match=r"embedded:20 has 20 classes.*have 100"):
        resolve_images("embedded:20", Skeleton(classes=100))
    with pytest.raises(UsageError, match="8 pixels, the networks of this ground truth take 16"):
        resolve_images("embedded:100@8", Skeleton(16, 1, 100, 16))
    assert resolve_images("embedded", Skeleton(16, 0, 100, 224)) == "embedded:100@224"
    with pytest.raises(UsageError, match="cannot be pooled or enlarged to the 48 pixels"):
        resolve_images("embedded", Skeleton(16, 1, 100, 48))


def test_the_networks_own_images(reference_data: Path) -> None:
    assert resolve_images("real", Skeleton(16, 1, 100, 16), "cifar100") == "cifar100@16"


@pytest.mark.gpu
def test_streams_change_nothing() -> None:
    setting = replace(SETTING, device="cuda:0")
    archs = cells(32)
    alone, streams = (Scorer(setting).scores(archs, QUICK, 0, together=n) for n in (1, 8))
    assert [{n: a.value for n, a in one.items()} for one in alone] == [
        {n: a.value for n, a in one.items()} for one in streams
    ]
