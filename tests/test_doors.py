"""The doors: one of each kind from a file outside the project, used through the Python API; and the table of them."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from diswot_plugins import load_plugin, restored
from nb201_data import build_network, load_ground_truth, load_images
from nb201_data.datasets import DATASETS
from nb201_data.spaces import SPACES, get_space
from nb201_data.teachers import build_teacher, resolve_teacher
from proxies import get, initialise, score
from proxies.distillation import losses
from proxies.registry import AGGREGATES, PROXIES, aggregates

ROOT = Path(__file__).parents[1]
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"

PROXY = '''
from proxies.registry import proxy

@proxy("logit_spread", direction="higher", needs=["features"], paper="mine")
def logit_spread(evidence):
    """Standard deviation of all logits."""
    return evidence.features.logits.std()
'''
AGGREGATE = '''
from proxies.registry import aggregate

@aggregate("sum_of_two", parts=["params", "flops"], paper="mine")
def sum_of_two(params, flops):
    """Params + FLOPs."""
    return [p + f for p, f in zip(params, flops)]
'''
DISTILLER = '''
from torch import nn
from proxies.distillation.losses import distiller

@distiller("absolute", of="logits", paper="mine", weight=2.0, note="no temperature")
def absolute(student, teacher):
    """mean |z^S - z^T|, z the logits."""
    return (student - teacher).abs().mean()

def bridge(student, teacher, setup):
    return nn.Linear(student.pooled.shape[1], teacher.pooled.shape[1])

@distiller("bridged", needs=["pooled"], paper="mine", head=bridge, head_required=True)
def bridged(student, teacher, labels, head, context):
    """mean (W f^S - f^T)^2, f the pooled features, W learned."""
    return (head(student.pooled) - teacher.pooled).square().mean()
'''
SPACE = """
from pathlib import Path
from nb201_data.networks import build_resnet
from nb201_data.spaces import ListSpace, register

def thin(arch, skeleton):
    return build_resnet([int(depth) for depth in arch.split("-")], skeleton.classes)

register(ListSpace("thin", ["1-1-1", "2-1-1", "1-2-1", "1-1-2"], thin, table=Path(__file__).with_name("thin.csv")))
"""
DATA_SET = """
import numpy as np
from nb201_data.datasets import DataSet, Part, register

def stripes(split):
    y = np.arange(40 if split == "train" else 20) % 2
    x = np.zeros((len(y), 3, 8, 8), dtype=np.uint8)
    x[y == 0, :, ::2] = x[y == 1, :, :, ::2] = 255
    return x, y

register(DataSet("stripes", 2, 8, Part(40), Part(20), read=stripes))
"""
PLUGIN = PROXY + AGGREGATE + DISTILLER + SPACE + DATA_SET


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "thin.csv").write_text("arch,accuracy,why\n1-1-1,70,\n2-1-1,72.5,deep\n1-2-1,73,\n1-1-2,71,\n")
    (tmp_path / "mine.py").write_text(PLUGIN)
    with restored():
        load_plugin(tmp_path / "mine.py")
        yield tmp_path / "mine.py"


def test_each_is_found_with_its_origin(plugin: Path) -> None:
    registries = (PROXIES, AGGREGATES, losses.DISTILLERS, SPACES, DATASETS)
    names = ("logit_spread", "sum_of_two", "absolute", "thin", "stripes")
    origins = {registry.origin(name) for registry, name in zip(registries, names, strict=True)}
    assert len(origins) == 1 and origins.pop().startswith("mine.py@")
    assert losses.names()[-2:] == ["absolute", "bridged"]


def test_a_proxy_scores_and_an_aggregate_combines(plugin: Path) -> None:
    batch = load_images("stripes").batch(8, seed=0)
    network = get_space("thin").fitted(2, 8).build("1-1-1")
    found = score(network, "logit_spread,absolute", batch, teacher=build_network(CELL, 2))
    with torch.no_grad():
        assert found["logit_spread"].value == pytest.approx(float(network.train()(batch[0]).std()), rel=1e-5)
    assert found["absolute"].status == "ok" and found["absolute"].value > 0  # type: ignore[operator]
    combine = next(info.function for info in aggregates() if info.name == "sum_of_two")
    assert combine([1.0, 2.0], [10.0, 20.0]) == [11, 22]


def test_a_distiller_trains_and_one_that_compares_is_a_proxy(plugin: Path) -> None:
    space = get_space("thin").fitted(2, 8)
    teacher = initialise(build_teacher(resolve_teacher(None, space), space), "kaiming", seed=1)
    x, y = load_images("stripes").batch(32, seed=0)
    with torch.no_grad():
        taught = teacher.forward_features(x)
    for name in ("absolute", "bridged"):
        loss, student = losses.get(name), initialise(space.build("1-1-1"), "kaiming", seed=0)
        head = loss.make_head(student.forward_features(x), taught)
        learned = [*student.parameters(), *(head.parameters() if head else ())]
        optimiser = torch.optim.Adam(learned, lr=0.01)
        values = []
        for _ in range(10):
            optimiser.zero_grad()
            value = loss.objective(student.forward_features(x), taught, y, head)
            value.backward()
            optimiser.step()
            values.append(value.item())
        assert values[-1] < 0.9 * values[0]
    assert get("absolute").teacher and get("absolute").direction == "lower" and "bridged" not in PROXIES
    assert get("absolute").formula.startswith("mean |z^S - z^T|, z the logits.")


def test_a_space_brings_its_table_and_its_teacher(plugin: Path) -> None:
    space = get_space("thin")
    truth = load_ground_truth(space.truth)
    assert truth.space == "thin" and truth.values == {"1-1-1": 70, "2-1-1": 72.5, "1-2-1": 73, "1-1-2": 71}
    assert truth.skeleton == space.skeleton and all(space.parse(arch) for arch in truth.values)
    s0 = get_space("s0").fitted(space.skeleton.classes, 32)
    assert space.params("1-1-1") == s0.params(s0.parse("111")) < space.params("1-1-2")


def test_a_data_set_is_loaded_by_name(plugin: Path) -> None:
    images = load_images("stripes@4")
    x, y = images.batch(10, seed=1, split="test")
    assert x.shape == (10, 3, 4, 4) and images.name == "stripes@4" and set(y.tolist()) == {0, 1}


def test_another_process_knows_them_after_loading_the_same_files(plugin: Path) -> None:
    code = (
        "import sys; from diswot_plugins import load_plugin; load_plugin(sys.argv[1]); "
        "from nb201_data.spaces import get_space; from proxies import get; "
        "print(len(get_space('thin')), get('logit_spread').origin)"
    )
    command = [sys.executable, "-c", code, str(plugin)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", get("logit_spread").origin]


def test_contributing_names_every_entry_point() -> None:
    """The groups in the table are those in the code."""
    found = set()
    for path in [
        *ROOT.glob("*.py"),
        *(p for room in ("proxies", "nb201_data", "benchmarks") for p in (ROOT / room).rglob("*.py")),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"\Adiswot_bench\.[a-z_]+\Z", node.value))
    table = re.findall(r"^\|.*`(diswot_bench\.[a-z_]+)`.*\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert found == set(table) and len(table) == len(set(table)) >= 5
