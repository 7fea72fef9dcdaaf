"""The doors from a shell: one file outside the project adds one of each kind, and the commands use them all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from files_support import rows_of

ROOT = Path(__file__).parents[1]
DEPTHS = [f"{a}-{b}-{c}" for a in (1, 2) for b in (1, 2) for c in (1, 2, 3)]

PLUGIN = '''
from pathlib import Path

import numpy as np

from benchmarks.command.publish import Content
from benchmarks.command.registry import TABLES
from benchmarks.command.scored import Asked, Scored
from benchmarks.command import options as shared
from benchmarks.scoring.measured import Ask
from benchmarks.scoring.study import study_of
from benchmarks.search.protocol import Strategy, Trial
from benchmarks.search.registry import strategy
from nb201_data.datasets import DataSet, Part, register as register_images
from nb201_data.networks import build_resnet
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import ListSpace, register
from proxies.distillation.losses import distiller
from proxies.registry import aggregate, get, proxy


@proxy("logit_spread", direction="higher", needs=["features"], paper="mine")
def logit_spread(evidence):
    """Standard deviation of all logits."""
    return evidence.features.logits.std()


@aggregate("sum_of_two", parts=["params", "l2_norm"], paper="mine")
def sum_of_two(params, norms):
    """Params + the norm."""
    return [p + n for p, n in zip(params, norms)]


@distiller("absolute", of="logits", paper="mine", weight=2.0)
def absolute(student, teacher):
    """mean |z^S - z^T|, z the logits."""
    return (student - teacher).abs().mean()


def stripes(split):
    y = np.arange(120 if split == "train" else 40) % 2
    x = np.zeros((len(y), 3, 8, 8), dtype=np.uint8)
    x[y == 0, :, ::2] = x[y == 1, :, :, ::2] = 255
    return x, y


register_images(DataSet("stripes", 2, 8, Part(120), Part(40), read=stripes))


def thin(arch, skeleton):
    return build_resnet([int(depth) for depth in arch.split("-")], skeleton.classes)


NAMES = [line.split(",")[0] for line in Path(__file__).with_name("thin.csv").read_text().splitlines()[1:]]
AROUND = Skeleton(16, 0, 2, 8)
register(ListSpace("thin", NAMES, thin, AROUND, table=Path(__file__).with_name("thin.csv"), teacher="resnet20"))


@strategy("backwards", paper="mine")
class Backwards(Strategy):
    """From the last architecture to the first."""

    def propose(self):
        """One at a time."""
        seen = {str(answer.trial.arch) for answer in self.evaluations}
        left = [arch for arch in reversed(self.problem.archs) if str(arch) not in seen]
        return [Trial(arch) for arch in left[:1]]


def ask(options):
    return Asked([Ask(study_of(options, "thin", None, "gaussian"), (get("logit_spread"), get("params")))], {})


def make(options, asked, measured):
    return Content("Mine", ["So it is."], correlations=measured[0].rows)


TABLES.add(Scored("mine_table", "My own table", "A table of mine.", (shared.study(), shared.seeds()), ask, make))
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("outside")
    rows = [f"{arch},{60 + sum(map(int, arch.split('-')))}.{i},why" for i, arch in enumerate(DEPTHS)]
    (place / "thin.csv").write_text("arch,accuracy,remark\n" + "\n".join(rows) + "\n")
    (place / "mine.py").write_text(PLUGIN)
    return place


def diswot(place: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments, "--plugin", str(place / "mine.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def scoring(place: Path, name: str) -> list[str]:
    return [
        *("--out", str(place / name), "--store", str(place / "s.sqlite"), "--images", "stripes"),
        *("--batch-size", "8", "--device", "cpu"),
    ]


def test_a_score_a_distiller_a_space_images_and_a_truth_with_further_columns(place: Path) -> None:
    asked = ("--space", "thin", "--proxies", "logit_spread,absolute,l2_norm", "--workers", "2")
    out = diswot(place, "correlation", *asked, *scoring(place, "run"))
    assert "logit_spread" in out and "absolute" in out
    found = rows_of(place / "run" / "scores.csv")
    assert {row["space"] for row in found} == {"thin"} and {row["images"] for row in found} == {"stripes"}
    scores = {"logit_spread", "absolute", "l2_norm", "params", "flops", "sum_of_two"}
    assert {row["proxy"] for row in found} == scores
    assert len(found) == len(scores) * len(DEPTHS) and {row["status"] for row in found} == {"ok"}
    assert json.loads((place / "run" / "manifest.json").read_text())["config"]["proxies"]["absolute"].count("mine.py@")


def test_a_strategy_in_that_space_by_that_score(place: Path) -> None:
    asked = ("--space", "thin", "--strategy", "backwards", "--score", "sum_of_two", "--budget", "3", "--workers", "1")
    out = diswot(place, "search", *asked, *scoring(place, "search"))
    assert DEPTHS[-1] in out
    looked_at = [row["arch"] for row in rows_of(place / "search" / "trajectory.csv")]
    assert looked_at == DEPTHS[:-4:-1]


def test_a_distiller_trains(place: Path) -> None:
    asked = ("--student", "thin:1-1-1", "--distiller", "ce,absolute", "--images", "stripes@8", "--protocol", "glance")
    more = ("--epochs", "1", "--teacher", "resnet20", "--workers", "1", "--device", "cpu")
    out = diswot(place, "distill", *asked, *more, "--out", str(place / "distilled"))
    assert "absolute" in out
    assert {row["distiller"] for row in rows_of(place / "distilled" / "results.csv")} == {"ce", "absolute"}


def test_a_table_is_a_command_and_a_part_of_all(place: Path) -> None:
    assert "mine_table" in diswot(place, "--help") or "mine_table" in diswot(place, "mine_table", "--help")
    out = diswot(place, "mine_table", *scoring(place, "table"), "--workers", "1")
    assert "So it is." in out and "logit_spread" in out
    assert {row["proxy"] for row in rows_of(place / "table" / "correlations.csv")} == {"logit_spread", "params"}
