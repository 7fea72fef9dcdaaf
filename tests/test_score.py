"""Scoring one network of one's own: its table, its percentiles, and what is refused."""

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from files_support import rows_of
from own_support import NETWORK, SHIFTED, WRONG, write
from torch import nn

import diswot_ending
from benchmarks import score as command
from benchmarks.scoring.peers import BAND, NEAREST, OPTIONS, peers, percentile
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.release import write_table
from benchmarks.scoring.released import Released, ScoreTable, read_card, release_of, table_name
from benchmarks.scoring.setting import torch_version
from diswot_plugins import restored
from nb201_data.counting import multiply_adds
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from proxies.registry import get

LITE = Skeleton(16, 1, 100, 16)
ATTENTION = """
import torch
from torch import nn


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.token = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.randn(1, 1, 8))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(2))
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        tokens = torch.cat([self.token.expand(len(x), -1, -1), self.patch(x).flatten(2).transpose(1, 2)], 1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(tokens[:, 0])
"""


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    with restored():
        yield


def rows(path: Path) -> dict[str, dict[str, str]]:
    return {row["proxy"]: row for row in rows_of(path)}


def scored(tmp_path: Path, reference: str, *more: str, out: str = "run") -> tuple[dict[str, dict[str, str]], ...]:
    """The rows of scores.csv and of the page's table."""
    where = ("--out", str(tmp_path / out), "--store", str(tmp_path / "s.sqlite"), "--device", "cpu", "--workers", "1")
    with restored():
        assert command.main([reference, *where, *more]) == 0
    return rows(tmp_path / out / "scores.csv"), rows(tmp_path / out / "scores-of-one.csv")


SMALL = ("--images", "embedded@8", "--batch-size", "16", "--teacher", "resnet20")


def test_every_score_of_a_network_like_mobilenet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, table = scored(tmp_path, f"{write(tmp_path)}:build", *SMALL)
    status = {name: row["status"] for name, row in found.items()}
    assert found.keys() == table.keys() and len(found) >= 60
    assert set(status.values()) == {"ok", "not-applicable"}
    for name in ("params", "flops", "snip", "grad_norm", "synflow", "nwot", "zen", "m_s", "m_r", "diswot", "kd"):
        assert status[name] == "ok" and float(found[name]["value"]) == float(found[name]["value"])
    assert {row["init"] for row in found.values()} == {"as-built"} and found["snip"]["images"] == "embedded:10@8"
    assert found["params"]["value"] == str(float(6 * 28 + 12 + 6 * 9 + 12 + 12 * 7 + 130))
    said = capsys.readouterr().out
    assert "images of 8 x 8, 10 classes" in said and "channels differ: student 12, teacher 64" in said
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "channels differ: student 12, teacher 64" in page and "Scores of my.py:build" in page


def test_attention_is_scored_where_that_means_something(tmp_path: Path) -> None:
    found, _ = scored(tmp_path, f"{write(tmp_path, ATTENTION)}:Attends", *SMALL)
    for name in ("params", "jacob", "kd", "conv_count"):
        assert found[name]["status"] == "ok", found[name]["reason"]
    for name in ("m_s", "m_r", "zen"):  # the map of its patches is not what the head reads
        assert found[name]["status"] == "not-applicable" and "no feature maps" in found[name]["reason"]
    for name in ("snip", "flops", "synflow", "l2_norm"):
        assert found[name]["status"] == "not-applicable" and "in_proj_weight" in found[name]["reason"]
    assert not {row["status"] for row in found.values()} - {"ok", "not-applicable"}


def test_the_size_of_attention_is_counted_in_full(tmp_path: Path) -> None:
    space = get_space(f"{write(tmp_path, ATTENTION)}:Attends")
    tokens, width = 17, 8  # 16 patches of images of 16 x 16
    block = tokens * width * 3 * width + 2 * tokens**2 * width + tokens * width**2 + 2 * tokens * width * 16
    assert multiply_adds(space.build("Attends"), 16) == 16 * 48 * width + 2 * block + width * 10
    assert torch.backends.mha.get_fastpath_enabled()


def test_weights_are_as_built_from_the_seed_unless_drawn(tmp_path: Path) -> None:
    reference = f"{write(tmp_path, NETWORK + SHIFTED)}:Shifted"
    few = (*SMALL, "--proxies", "l2_norm,grad_norm")
    torch.manual_seed(1)
    first, _ = scored(tmp_path, reference, *few, out="first")
    network = get_space(reference)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [m for m in network.build("Shifted").modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert float(first["l2_norm"]["value"]) == pytest.approx(
        sum(m.weight.detach().norm().item() for m in layers), rel=1e-5
    )
    torch.manual_seed(2)
    again, _ = scored(tmp_path, reference, *few, "--store", str(tmp_path / "t.sqlite"), out="again")
    assert [row["value"] for row in again.values()] == [row["value"] for row in first.values()]
    drawn, table = scored(tmp_path, reference, *few, "--init", "kaiming", "--seeds", "2", out="drawn")
    assert drawn["l2_norm"]["value"] != first["l2_norm"]["value"] and "±" in table["l2_norm"]["value"]


ENDS = ("gaussian-seed0-pairs", "gaussian-seed0-alone")


def test_a_released_cell_given_as_ones_own_has_its_released_scores_and_its_place(tmp_path: Path) -> None:
    painted = [one for one in Released().tables if one.card.setting["images"] == "embedded:100@16"]
    table, alone = (next(one for one in painted if f"nb201-{LITE}-{end}" in one.path.stem) for end in ENDS)
    arch, space = sorted(table.archs)[60], get_space("nb201").with_skeleton(LITE)
    code = f"from nb201_data import build_network\ndef build():\n    return build_network({arch!r}, 100, 16, 1)\n"
    asked = ("--images", "embedded@16", "--init", "gaussian", "--proxies", "m_s,m_r,kd,snip,nwot")
    teacher = ("--teacher", f"nb201@{LITE}:best-cell")
    found, shown = scored(tmp_path, f"{write(tmp_path, code)}:build", *asked, *teacher)
    params = space.params(space.parse(arch))
    assert found["params"]["value"] == str(float(params))
    for name in ("m_s", "m_r", "kd", "snip", "nwot"):
        answers = (table if get(name).teacher else alone).answers(name)
        mine = answers[arch].value
        assert mine is not None and float(found[name]["value"]) == pytest.approx(mine, rel=1e-3)
        sizes = {other: space.params(space.parse(other)) for other in answers}
        apart = {other: max(size, params) / min(size, params) for other, size in sizes.items()}
        there = [other for other, answer in answers.items() if answer.value is not None and apart[other] <= BAND]
        reach = sorted(apart[other] for other in there)[:NEAREST][-1]
        values = [answers[other].value for other in there if apart[other] <= reach]
        assert len(values) >= NEAREST and int(shown[name]["networks"]) == len(values)
        better = sum(v > mine if get(name).direction == "lower" else v < mine for v in values)
        naive = 100 * (better + 0.5 * values.count(mine)) / len(values)
        assert float(shown[name]["percentile"]) == pytest.approx(naive, abs=100 / len(values))  # itself among them


QUESTION = Question(
    "s0", "c16n0k10r8", "m_s", get("m_s").version, "diswot-bench", "gaussian", 0, "embedded:10@8", 64, "train", 0,
    "resnet20", "gaussian", 1000, "cpu", "fp32", torch_version(), 2,
)  # fmt: skip


class TestPeers:
    def tables(self, tmp_path: Path, question: Question, count: int = 200) -> list[ScoreTable]:
        """Cells with values 0, 1, ... in the order of their parameters."""
        space = get_space("nb201").with_skeleton(Skeleton.parse(question.skeleton))
        archs = sorted(space.all()[::70], key=space.params)[:count]
        found = {str(arch): Answer(float(place), "ok") for place, arch in enumerate(archs)}
        found[str(archs[0])] = Answer(None, "nan", "why")
        path = tmp_path / f"{table_name(question)}.json"
        write_table(path, {question.proxy: (question, found)}, ("99.0", release_of(torch_version())))
        return [ScoreTable(path, read_card(path))]

    def test_are_the_nearest_by_parameters_within_the_band(self, tmp_path: Path) -> None:
        there = replace(QUESTION, space="nb201", skeleton="c16n1k10r8")
        space = get_space("nb201").with_skeleton(Skeleton.parse(there.skeleton))
        tables, sizes = self.tables(tmp_path, there), sorted(map(space.params, space.all()[::70]))[:200]
        for params in (sizes[0], sizes[50], sizes[120], 150_000):
            distance = sorted(
                (max(size, params) / min(size, params), place) for place, size in enumerate(sizes) if place > 0
            )
            inside = [(ratio, place) for ratio, place in distance if ratio <= BAND]
            last = inside[:NEAREST][-1][0]
            near = [place for ratio, place in inside if ratio <= last]
            found = peers(tables, QUESTION, params)
            assert sorted(map(int, found.values)) == sorted(near) and not found.why
            assert len(near) >= min(NEAREST, len(inside))

    def test_too_few_of_the_size_are_said(self, tmp_path: Path) -> None:
        tables = self.tables(tmp_path, replace(QUESTION, space="nb201", skeleton="c16n1k10r8"))
        found = peers(tables, QUESTION, 10_000_000)
        assert not found.values
        assert found.why == "0 of 200 released networks have 8,000,000 to 12,500,000 parameters"

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"images": "cifar100"}, "--images embedded:10@8 (here cifar100)"),
            ({"init": "as-built", "teacher_init": "as-built"}, "--init gaussian (here as-built)"),
            ({"batch_size": 32}, "--batch-size 64 (here 32)"),
            ({"teacher": "resnet56"}, "--teacher 'resnet20' (here resnet56)"),
            ({"teacher_init": "sha256:ab"}, "weights of the teacher gaussian (here sha256:ab)"),
            ({"seed": 1, "batch_seed": 1, "teacher_seed": 1001}, "seed 0 (here 1)"),
            ({"device": "NVIDIA"}, "device cpu (here NVIDIA)"),
            ({"version": 99}, f"version {QUESTION.version} of the score (here 99)"),
            ({"torch": "1.0"}, "torch 99.0 or "),
        ],
    )
    def test_another_condition_is_named(self, tmp_path: Path, change: dict[str, object], said: str) -> None:
        tables = self.tables(tmp_path, replace(QUESTION, space="nb201", skeleton="c16n1k10r8"))
        found = peers(tables, replace(QUESTION, **change), 100_000)  # type: ignore[arg-type]
        assert not found.values and found.why.startswith(f"released for {said}")

    def test_a_teacher_is_the_same_only_in_the_same_skeleton(self, tmp_path: Path) -> None:
        cell = str(get_space("nb201").best(10))
        there = replace(QUESTION, space="nb201", skeleton="c16n1k10r8", teacher=cell)
        tables = self.tables(tmp_path, there)
        assert "--teacher 'nb201@c16n1k10r8:|" in peers(tables, replace(QUESTION, teacher=cell), 100_000).why
        assert peers(tables, replace(QUESTION, teacher=f"nb201@c16n1k10r8:{cell}"), 100_000).values

    def test_of_tables_that_differ_the_one_of_images_as_large_is_named(self, tmp_path: Path) -> None:
        far = replace(QUESTION, space="nb201", skeleton="c16n1k10r32", init="as-built")
        near = replace(QUESTION, space="nb201", skeleton="c16n1k10r8", init="as-built", batch_size=32)
        both = [*self.tables(tmp_path / "far", far), *self.tables(tmp_path / "near", near)]
        asked = replace(QUESTION, init="kaiming", teacher_init="kaiming")
        assert "--batch-size 32 (here 64)" in peers(both, asked, 100_000).why

    def test_no_table_holds_it(self) -> None:
        assert peers([], QUESTION, 1).why == "no released table holds this score"


def test_every_part_of_a_question_is_compared() -> None:
    """A new part must be told from others here too, or percentiles would mix conditions."""
    parts = {field.name for field in fields(Question)} - {"space", "skeleton", "proxy", "torch"}
    assert set(OPTIONS) == parts


def test_percentile_counts_worse_ones_and_half_of_equal_ones() -> None:
    assert percentile(3, [1, 2, 3, 4], "higher") == 62.5 and percentile(3, [1, 2, 3, 4], "lower") == 37.5
    assert percentile(0, [1, 2], "higher") == 0 and percentile(0, [1, 2], "lower") == 100


def test_wrong_use_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = write(tmp_path), write(tmp_path, WRONG, "wrong.py")
    for arguments, code, message in (
        ((f"{tmp_path}/wrong.py:two",), 2, "missing 1 required positional argument: 'mask'"),
        ((f"{tmp_path}/wrong.py:pair",), 2, "gives a tuple on images in training mode"),
        ((f"{tmp_path}/wrong.py:fails",), 1, "ZeroDivisionError"),
        ((f"{path}:build", "--images", "nothing"), 2, "no images 'nothing'"),
        ((f"{path}:build", "--images", "real"), 2, "has no images that are known"),
        ((f"{path}:build", "--images", "embedded:20"), 2, "gives 10 logits and embedded:20 has 20 classes"),
        ((f"{path}:build", "--images", "embedded", "--proxies", "snipp"), 2, "Did you mean snip"),
        ((f"{path}:build", "--teacher-weights", "w.pth"), 2, "--teacher-weights needs --teacher"),
        (("build",), 2, "'build' names no function"),
        ((str(path),), 2, "names no function: expected FILE.py:FUNCTION"),
    ):
        with pytest.raises(SystemExit) as end, restored():
            diswot_ending.run(command.main, [*arguments, "--device", "cpu", "--dry-run"])
        said = capsys.readouterr().err
        assert end.value.code == code and message in said and "Traceback" not in said, said


def test_dry_run_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ("--store", str(tmp_path / "s.sqlite"), "--workers", "1", "--device", "cpu")
    out = tmp_path / "run"
    assert command.main([f"{write(tmp_path)}:build", *SMALL, *store, "--out", str(out), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "1 network of my.py:build@" in said and "About" in said and not out.exists()


def test_a_worker_process_scores_it_too_and_names_are_escaped(tmp_path: Path) -> None:
    path = write(tmp_path, NETWORK, "a<b>&'x.py")
    where = ("--out", str(tmp_path / "run"), "--store", str(tmp_path / "s.sqlite"), "--device", "cpu", "--workers", "2")
    assert command.main([f"{path}:build", *SMALL, "--proxies", "snip,m_s", *where]) == 0
    assert {row["status"] for row in rows(tmp_path / "run" / "scores.csv").values()} == {"ok"}
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "a&lt;b&gt;&amp;&#39;x.py:build" in page and "<b>&" not in page


def test_more_classes_than_can_be_painted(tmp_path: Path) -> None:
    path = write(tmp_path, NETWORK.replace("12, 10", "12, 300"))
    found, _ = scored(tmp_path, f"{path}:build", *SMALL, "--proxies", "snip,kd")
    assert found["snip"]["images"] == "embedded:216@8" and found["kd"]["status"] == found["snip"]["status"] == "ok"


def test_a_folder_of_images(tmp_path: Path) -> None:
    from PIL import Image

    for place, name in enumerate("abcdefghij"):
        for i in range(12):
            file = tmp_path / "photos" / name / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (25 * place, 20 * i, 7 * i)).save(file)
    asked = ("--images", str(tmp_path / "photos"), "--batch-size", "16", "--teacher", "resnet20", "--proxies", "snip")
    found, _ = scored(tmp_path, f"{write(tmp_path)}:build", *asked)
    assert found["snip"]["status"] == "ok" and str(tmp_path / "photos") in found["snip"]["images"]


def test_a_network_without_any_score_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--store", str(tmp_path / "s.sqlite"), "--workers", "1", "--device", "cpu", "--out", str(tmp_path / "run")]
    given = [f"{write(tmp_path)}:build", *SMALL, *where]
    assert command.main([*given, "--proxies", "tvt_teacher"]) == 1
    assert "none of the scores has a value" in capsys.readouterr().err
    assert command.main([*given, "--proxies", "params,tvt_teacher", "--replace"]) == 0
