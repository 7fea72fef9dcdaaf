"""A teacher of one's own by file: part of every question that looks at it, and no two versions share a score."""

import pickle
from pathlib import Path

import pytest
import torch
from files_support import rows_of
from own_support import NETWORK, SHIFTED, WRONG, named, write
from scoring_support import SETTING, cells, write_truth
from test_doors import PLUGIN

import diswot_ending
from benchmarks import correlation
from benchmarks.scoring import setting
from benchmarks.scoring.release import brought, releasable
from benchmarks.scoring.scorer import Scorer, trained_teacher
from benchmarks.scoring.setting import Setting
from diswot_errors import DataError, UsageError
from diswot_plugins import load_plugin, restored
from nb201_data.own import own_network
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from nb201_data.teachers import build_teacher, full_name, resolve_teacher
from proxies import get

pytestmark = pytest.mark.usefixtures("forgotten")


def with_teacher(reference: str, **more: object) -> Setting:
    space = get_space("nb201").with_skeleton(SETTING.skeleton)
    return Setting(**{**vars(SETTING), "teacher": resolve_teacher(reference, space), **more})  # type: ignore[arg-type]


class TestTheTeacher:
    def test_is_part_of_the_question_of_scores_that_look_at_it(self, tmp_path: Path) -> None:
        setting = with_teacher(f"{write(tmp_path)}:build")
        question = setting.question(get("m_s"), 0)
        assert question.teacher == named(tmp_path / "my.py") and not setting.question(get("snip"), 0).teacher
        assert brought(question) and not releasable(question)

    def test_of_a_plugins_space_is_known_with_its_file(self, tmp_path: Path) -> None:
        (tmp_path / "thin.csv").write_text("arch,accuracy\n1-1-1,70\n")
        load_plugin(write(tmp_path, PLUGIN, "mine.py"))
        question = with_teacher("thin:1-1-1").question(get("m_s"), 0)
        assert question.teacher.startswith("thin:1-1-1 of mine.py@") and brought(question)
        around = with_teacher("thin@c16n0k10r32:1-1-1").question(get("m_s"), 0)
        assert around.teacher.startswith("thin@c16n0k10r32:1-1-1 of mine.py@") and brought(around)
        assert with_teacher("s0:111").question(get("m_s"), 0).teacher == "111"

    def test_teaches_with_weights_drawn_like_the_students_or_its_own(self, tmp_path: Path) -> None:
        reference = f"{write(tmp_path, NETWORK + SHIFTED)}:Shifted"
        drawn, built = (Scorer(with_teacher(reference, init=init)) for init in ("gaussian", "as-built"))
        arch = cells(1)
        torch.manual_seed(0)
        first = drawn.scores(arch, ["m_s"], 0)[0]["m_s"].value
        torch.manual_seed(1)  # a parameter that no initialisation draws comes from the seed of the question too
        assert first == Scorer(drawn.setting).scores(arch, ["m_s"], 0)[0]["m_s"].value is not None
        assert built.scores(arch, ["m_s"], 0)[0]["m_s"].value not in (None, first)

    def test_reads_its_weights_from_a_file_that_runs_nothing(self, tmp_path: Path) -> None:
        reference, weights = f"{write(tmp_path)}:build", tmp_path / "w.pth"
        with torch.random.fork_rng():
            torch.manual_seed(3)
            torch.save(own_network(reference).make().state_dict(), weights)
        setting = with_teacher(reference, teacher_weights=str(weights))
        found, kept = trained_teacher(setting).state_dict(), torch.load(weights)
        assert found.keys() == kept.keys() and all(torch.equal(found[key], kept[key]) for key in kept)
        assert setting.question(get("m_s"), 0).teacher_init.startswith("sha256:")

        class Bomb:
            def __reduce__(self) -> tuple[object, ...]:
                return Path.touch, (tmp_path / "ran",)

        for content, message in (
            (torch.nn.Linear(2, 2).state_dict(), "do not fit Sequential: .*Missing key"),
            ({**kept, "9.weight": torch.zeros(7, 12)}, "do not fit Sequential: .*size mismatch for 9.weight"),
        ):
            torch.save(content, weights)
            with pytest.raises(DataError, match=f"(?s){message}"):
                trained_teacher(setting)
        weights.write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(DataError, match="cannot read weights"):
            trained_teacher(setting)
        assert not (tmp_path / "ran").exists()

    def test_has_one_full_name_in_every_space(self) -> None:
        lite = Skeleton(16, 1, 100, 16)
        cellular, other = get_space("nb201").with_skeleton(lite), get_space("s0").fitted(100, 16)
        usual = resolve_teacher(None, cellular)
        assert full_name(usual, cellular) == f"nb201@{lite}:{usual}" != full_name(usual, other)
        spelt = resolve_teacher(f"nb201@{lite}:best-cell", other)
        assert spelt == full_name(spelt, other) == full_name(usual, cellular)
        assert get_space("nb201").with_skeleton(lite).params(cellular.best(100)) == sum(
            p.numel() for p in build_teacher(spelt, other).parameters()
        )
        with pytest.raises(UsageError, match="its classes are not those of the students"):
            resolve_teacher("nb201@c16n1k10r16:best-cell", other)


def scored(tmp_path: Path, out: str, *more: str) -> dict[str, str]:
    """The M_s column of a small run in this process."""
    truth = write_truth(tmp_path / "truth.csv", 10)
    where = ("--out", str(tmp_path / out), "--store", str(tmp_path / "s.sqlite"), "--images", "embedded:10@8")
    asked = ("--ground-truth", str(truth), "--proxies", "m_s", "--batch-size", "16", "--device", "cpu")
    with restored():
        assert correlation.main([*asked, *where, *more]) == 0
    return {row["arch"]: row["value"] for row in rows_of(tmp_path / out / "scores.csv") if row["proxy"] == "m_s"}


def test_stored_scores_of_two_versions_of_a_teacher_are_never_confused(tmp_path: Path) -> None:
    teacher = ("--teacher", f"{write(tmp_path)}:build")
    first = scored(tmp_path, "first", *teacher, "--workers", "2")  # workers load the file too
    assert scored(tmp_path, "again", *teacher, "--workers", "1") == first and len(first) == 10
    write(tmp_path, NETWORK.replace("nn.ReLU6()", "nn.Tanh()"))
    second = scored(tmp_path, "second", *teacher, "--workers", "1")
    fresh = scored(tmp_path, "fresh", *teacher, "--workers", "1", "--store", str(tmp_path / "fresh.sqlite"))
    assert second == fresh and sum(first[arch] != second[arch] for arch in first) >= 9  # of one all maps are zero


def test_errors_end_the_command_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, path, weights = write_truth(tmp_path / "truth.csv", 10), write(tmp_path), tmp_path / "w.pth"
    write(tmp_path, WRONG, "wrong.py")
    torch.save({}, weights)
    asked = ("--ground-truth", str(truth), "--proxies", "m_s", "--images", "embedded:10@8", "--device", "cpu")
    for more, code, message in (
        (("--teacher", f"{tmp_path}/no.py:build"), 2, "there is no such file"),
        (("--teacher", f"{path}:bild"), 2, "Did you mean build?"),
        (("--teacher", f"{tmp_path}/wrong.py:nothing"), 2, "made a NoneType"),
        (("--teacher", f"{tmp_path}/wrong.py:fails"), 1, "ZeroDivisionError"),
        (("--teacher", f"{tmp_path}/wrong.py:ends"), 1, "ends the program by SystemExit(0)"),
        (("--teacher", f"{path}:build", "--teacher-weights", f"{tmp_path}/no.pth"), 1, "no weights at"),
        (("--teacher", f"{path}:build", "--teacher-weights", str(weights)), 1, "do not fit Sequential"),
    ):
        with pytest.raises(SystemExit) as end, restored():
            diswot_ending.run(correlation.main, [*asked, *more, "--dry-run"])
        said = capsys.readouterr().err
        assert end.value.code == code and message in said and "Traceback" not in said
    write(tmp_path, NETWORK.replace("12, 10", "12, 7"))
    with pytest.raises(UsageError, match=r"gives 7 logits, the students 10 \(c4n1k10r8\)"), restored():
        correlation.main([*asked, "--teacher", f"{path}:build", "--dry-run"])


def test_two_files_of_one_name_are_two(tmp_path: Path) -> None:
    first = write(tmp_path / "a", NETWORK, "net.py")
    second = write(tmp_path / "b", NETWORK.replace("def build(", "def other("), "net.py")
    names = [own_network(f"{first}:build").name, own_network(f"{second}:other").name]
    assert [own_network(name).name for name in names] == names


def test_another_version_of_a_package_brings_another_space(monkeypatch: pytest.MonkeyPatch) -> None:
    class Some:
        def __contains__(self, name: str) -> bool:
            return True

        def origin(self, name: str) -> str:
            return "mypkg"

    monkeypatch.setattr(setting.metadata, "version", lambda name: {"mypkg": "2.0"}[name])
    setting._version_of.cache_clear()
    assert setting.known_as(Some(), "mine") == "mine of mypkg 2.0"  # type: ignore[arg-type]
    setting._version_of.cache_clear()
