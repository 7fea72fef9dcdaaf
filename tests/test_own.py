"""A network of one's own by file: what its name says, what is refused, and that no two versions share a score."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from own_support import NETWORK, SHIFTED, WRONG, write
from scoring_support import SETTING, cells, write_truth
from test_doors import PLUGIN

from benchmarks import correlation
from benchmarks.command import ending
from benchmarks.scoring import runner
from benchmarks.scoring.release import brought, releasable
from benchmarks.scoring.scorer import Scorer, trained_teacher
from benchmarks.scoring.setting import Setting
from diswot_errors import DataError, UsageError
from diswot_plugins import load_plugin, plugins, restored
from nb201_data.own import outputs_of, own_network
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from nb201_data.teachers import build_teacher, full_name, resolve_teacher
from proxies import get

ROOT = Path(__file__).parents[1]
TINY = Skeleton(channels=4, cells_per_stage=1, classes=10, resolution=8)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    runner._scorer.cache_clear()  # a plugin of another test may have brought another space of this name
    with restored():
        yield


def named(path: Path, function: str = "build") -> str:
    """The full name, as a new process finds it."""
    with restored():
        return own_network(f"{path}:{function}").name


def with_teacher(reference: str, **more: object) -> Setting:
    space = get_space("nb201").with_skeleton(SETTING.skeleton)
    return Setting(**{**vars(SETTING), "teacher": resolve_teacher(reference, space), **more})  # type: ignore[arg-type]


class TestTheName:
    def test_is_the_same_in_every_process_wherever_the_file_lies(self, tmp_path: Path) -> None:
        first = named(write(tmp_path, NETWORK + SHIFTED), "Shifted")
        torch.manual_seed(9)
        other = write(tmp_path / "elsewhere", NETWORK + SHIFTED)
        code = f"from nb201_data.own import own_network; print(own_network({f'{other}:Shifted'!r}).name)"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert first == named(other, "Shifted") == done.stdout.strip() and first.startswith("my.py:Shifted@")

    def test_changes_with_the_file_its_classes_and_its_weights(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(str(tmp_path))
        helper = "from torch import nn\nclass Net(nn.Linear):\n    def forward(self, x): return super().forward(x{})\n"
        reading = (
            "import torch\nfrom helper_of_own import Net\n"
            "def build():\n    net = Net(3, 10)\n    net.load_state_dict(torch.load({!r}))\n    return net\n"
        )
        weights = tmp_path / "w.pth"
        found = set()
        for part, seed, comment in (("", 0, ""), ("", 1, ""), (" * 2", 1, ""), (" * 2", 1, "# more")):
            torch.manual_seed(seed)
            torch.save(torch.nn.Linear(3, 10).state_dict(), weights)
            write(tmp_path, helper.format(part), "helper_of_own.py")
            sys.modules.pop("helper_of_own", None)
            found.add(named(write(tmp_path, reading.format(str(weights)) + comment)))
        sys.modules.pop("helper_of_own", None)
        assert len(found) == 4

    def test_leaves_the_process_as_it_was(self, tmp_path: Path) -> None:
        torch.manual_seed(4)
        before = torch.random.get_rng_state().clone()
        named(write(tmp_path))
        assert torch.equal(before, torch.random.get_rng_state())

    def test_finds_the_network_again_or_says_that_it_changed(self, tmp_path: Path) -> None:
        name = named(write(tmp_path))
        load_plugin(tmp_path / "my.py", registers=False)
        assert get_space(name).name == name and len(get_space(name)) == 1
        (tmp_path / "my.py").unlink()  # what is loaded is found without its file
        assert get_space(name).name == name
        with restored():
            load_plugin(write(tmp_path / "edited", NETWORK + "# changed\n"), registers=False)
            assert list(plugins())[-1].parent.name == "edited"
            assert get_space(name).name == name  # the one of the two that is meant
        with pytest.raises(DataError, match="is not what it was"):
            get_space(name[:-12] + "0" * 12)


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        ("two", UsageError, r"missing 1 required positional argument.*expected a network of one input"),
        ("pair", UsageError, r"gives a tuple on images in training mode: expected .* one output, logits \(B, K\)"),
        ("maps", UsageError, r"gives \(2, 10, 8, 8\) on images \(2, 3, 8, 8\)"),
        ("large", UsageError, r"fails on images \(2, 3, 8, 8\) \(RuntimeError: mat1 and mat2.*other sizes"),
        ("needs", UsageError, r"needs arguments \(missing a required argument: 'width'\)"),
        ("nothing", UsageError, r"wrong.py:nothing made a NoneType: expected an nn.Module"),
        ("number", UsageError, r"wrong.py:number is a int"),
        ("network", UsageError, r"is a network: expected a function .*def build\(\): return network"),
        ("empty", UsageError, r"made a Flatten without parameters"),
        ("other", UsageError, r"makes another network each time it is called: draw random numbers from PyTorch alone"),
        ("fails", DataError, r"wrong.py, line \d+: ZeroDivisionError: division by zero; mend it"),
        ("lazy", DataError, r"uninitialized parameter"),
        ("pairs", UsageError, r"has no function 'pairs'. Did you mean pair"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, function: str, kind: type[Exception], message: str) -> None:
    write(tmp_path, WRONG, "wrong.py")
    with pytest.raises(kind, match=message):
        outputs_of(own_network(f"{tmp_path / 'wrong.py'}:{function}").with_skeleton(TINY))


def test_what_is_no_reference(tmp_path: Path) -> None:
    write(tmp_path)
    for text, message in (
        (str(tmp_path / "my.py"), "names no function: expected FILE.py:FUNCTION"),
        (f"{tmp_path / 'may.py'}:build", r"no file .*may.py: there is no such file. Did you mean my.py\?"),
        (f"{tmp_path / 'my.py'}:", "names no function"),
    ):
        with pytest.raises(UsageError, match=message):
            resolve_teacher(text, get_space("nb201"))


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
    lines = (tmp_path / out / "scores.csv").read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=False)) for line in lines[1:]]
    return {row["arch"]: row["value"] for row in rows if row["proxy"] == "m_s"}


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
            ending.run(correlation.main, [*asked, *more, "--dry-run"])
        said = capsys.readouterr().err
        assert end.value.code == code and message in said and "Traceback" not in said
    write(tmp_path, NETWORK.replace("12, 10", "12, 7"))
    with pytest.raises(UsageError, match=r"gives 7 logits, the students 10 \(c4n1k10r8\)"), restored():
        correlation.main([*asked, "--teacher", f"{path}:build", "--dry-run"])


SPACE = """
from pathlib import Path
from torch import nn
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import ListSpace, register

class Two(nn.Sequential):
    def forward(self, x):
        return (super().forward(x), x)

def build(name, skeleton):
    width = int(name)
    if width == WRONG:
        BREAK
    return nn.Sequential(nn.Conv2d(3, width, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(width, skeleton.classes))

TABLE = Path(__file__).with_name("mine.csv")
NAMES = [str(width) for width in range(4, 16)]
register(ListSpace("mine", NAMES, build, Skeleton(1, 0, 4, 8), table=TABLE, teacher="resnet20"))
"""


def of_space(tmp_path: Path, broken: str, *more: str) -> dict[tuple[str, str], dict[str, str]]:
    """What a run on the space writes, where the network of width 7 is broken in some way."""
    rows = "".join(f"{width},{40 + width % 5 + width / 10}\n" for width in range(4, 16))
    (tmp_path / "mine.csv").write_text(f"arch,accuracy\n{rows}")
    plugin = write(tmp_path, SPACE.replace("WRONG", "7").replace("BREAK", broken), "mine.py")
    where = ("--out", str(tmp_path / "run"), "--store", str(tmp_path / "s.sqlite"), "--device", "cpu")
    asked = ("--space", "mine", "--plugin", str(plugin), "--proxies", "m_s,snip", "--batch-size", "8")
    ending.run(correlation.main, [*asked, *where, *more])


@pytest.mark.parametrize(
    ("broken", "code", "message"),
    [
        ("pass", 0, ""),
        ("return None", 2, "mine:7 made a NoneType: expected an nn.Module"),
        ("return 1 / 0", 1, "mine.py, line 14: ZeroDivisionError: division by zero; mend it"),
    ],
)
def test_a_space_whose_function_is_broken_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str, code: int, message: str
) -> None:
    with pytest.raises(SystemExit) as end:
        of_space(tmp_path, broken, "--workers", "1")
    said = capsys.readouterr().err
    assert end.value.code == code and message in said and "Traceback" not in said, said


def test_a_network_that_gives_a_tuple_has_no_score_and_the_others_theirs(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        of_space(tmp_path, "return Two(nn.Flatten(), nn.Linear(192, 4))", "--workers", "2")
    lines = (tmp_path / "run" / "scores.csv").read_text().splitlines()[1:]
    broken = [line for line in lines if (line.startswith("mine,7,") and ",m_s," in line) or ",snip," in line]
    failed = [line for line in broken if ",failed," in line]
    assert end.value.code == 0 and len(failed) == 2
    assert all("the network returned tuple: expected logits (B, K)" in line for line in failed)
    assert sum(",ok," in line for line in lines) == 4 * 12 - len([line for line in lines if ",failed," in line])
