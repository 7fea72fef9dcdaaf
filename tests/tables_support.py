"""What the tests of the tables share: made-up scores in place of networks, and a table of this project's own kind."""

import hashlib
import random
from pathlib import Path

from files_support import rows_of

from benchmarks.harvesting.rows import PairRow, append
from benchmarks.scoring.question import Answer
from benchmarks.scoring.runner import Job
from benchmarks.search_table import main as search_table
from nb201_data.space import Cell, sample_cells
from nb201_data.spaces import get_space


def made_up_work(job: Job) -> tuple[Job, list[dict[str, Answer]]]:
    """In place of `score_job`: params, FLOPs and l2_norm as they are, all else params with noise by its name."""
    space = get_space(job.setting.space).with_skeleton(job.setting.skeleton)
    return job, [{name: Answer(_value(space, arch, name, job), "ok") for name in job.proxies} for arch in job.archs]


def _value(space: object, arch: str, name: str, job: Job) -> float:
    parsed = space.parse(arch)  # type: ignore[attr-defined]
    params = float(space.params(parsed))  # type: ignore[attr-defined]
    if name == "flops":
        return float(space.flops(parsed))  # type: ignore[attr-defined]
    if name in ("params", "l2_norm"):
        return params
    setting = job.setting
    question = f"{arch}{name}{job.seed}{setting.init}{setting.batch_size}{setting.images}{setting.space}"
    noise = int.from_bytes(hashlib.sha256(question.encode()).digest()[:4], "big") / 2**32
    return params * (0.2 + noise)


def pair_row(arch: str, seed: int = 0, top1: float = 50.0) -> PairRow:
    """A row of a harvest with the protocol `tiny`, whose accuracies are all the same."""
    return PairRow(
        "nb201", arch, "c8n1k4r8", "embedded:4@8", "tiny", "resnet20", seed, 1, top1, top1, top1, top1, 1.0, 1.0, 2.0,
        "CPU", "2", "0", "2026-01-01",
    )  # fmt: skip


def write_own_truth(folder: Path, cells: int = 16, seeds: int = 2) -> None:
    """A kd-nb201-lite.csv: accuracies that grow with the convolutions of a cell, with noise."""
    rng = random.Random(0)
    rows = []
    for seed in range(seeds):
        for cell in sample_cells(cells, seed=0):
            alone = 30 + _size(cell) + rng.gauss(0, 0.5)
            distilled = 32 + _size(cell) + rng.gauss(0, 0.5)
            start = ("nb201", str(cell), "c16n1k100r16", "cifar100@16", "lite", "resnet56", seed, 3)
            end = (distilled, alone, distilled, alone, 2.0, 2.0, 30.0, "CPU", "2.13.0", "0.1.0", "2025-01-02")
            rows.append(PairRow(*start, *end))
    append(folder / "kd-nb201-lite.csv", rows)


def _size(cell: Cell) -> int:
    return 3 * cell.count("nor_conv_3x3") + cell.count("nor_conv_1x1")


def one_process(folder: Path) -> list[str]:
    """The options of a command that runs in this process and leaves all that it makes in `folder`."""
    places = ("--out", str(folder / "out"), "--store", str(folder / "s.sqlite"))
    return [*places, "--workers", "1", "--replace", "--device", "cpu"]


def table_8(folder: Path, out: str, *more: str) -> list[dict[str, str]]:
    """The rows of `runs.csv` of Table 8 on CIFAR-10, made by this process in a folder of its own."""
    store = ["--store", str(folder / f"{out}.sqlite")]
    assert search_table(["--data", "cifar10", "--device", "cpu", *store, "--out", str(folder / out), *more]) == 0
    return rows_of(folder / out / "runs.csv")
