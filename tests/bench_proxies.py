"""Cost of scoring against one plain forward and backward of the same network: `pytest tests/bench_proxies.py`.

One process, one thread, batch 64, fp32, `channels_last`, the whole skeleton (16 channels, 5 cells a stage), random
weights, teacher evidence made before. Twelve cells from light to heavy; the table printed at the end gives for each
group of proxies the median over cells of its time in units, and fails where it passes its limit. The median is taken
over cells, of the CPU time of the fastest of a few rounds each. `--benchmark-only` times one cell of middle size.
`python tests/bench_proxies.py NAMES` prints what each of some scores takes alone, on a light, middle and heavy cell.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nb201_data.networks import CellNetwork, build_network
from nb201_data.space import Cell, distinct_cells
from proxies import TeacherEvidence, all_proxies, initialise, score, teacher_evidence

KD_BASED = "kd,fitnet,at,sp,rkd,pkt,cc,nst,ickd"
DEAR = {"gradsign", "dextr", "vkdnw", "vkdnw_single", "vkdnw_transposed"}  # passes image by image, weight by weight
SLOW = DEAR | {"grasp", "zico", "te_nas_ntk", "te_nas_regions"}
GROUPS = {
    "m_s and m_r": ("m_s,m_r", 0.5),
    "gradients, nwot, KD-based, DisWOT": (f"grad_norm,snip,plain,fisher,nwot,{KD_BASED},m_s,m_r,diswot", 1.6),
    "all but grasp, zico, te_nas": (",".join(i.name for i in all_proxies() if i.name not in SLOW), 3.5),
    "all but image by image, weight by weight": (",".join(i.name for i in all_proxies() if i.name not in DEAR), 12.0),
}
CELLS, ROUNDS = 12, 3
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def twelve() -> list[Cell]:
    """Cells at equal steps through all distinct ones, ordered by their multiply-adds."""
    cells = sorted(distinct_cells(), key=lambda c: (9 * c.count("nor_conv_3x3") + c.count("nor_conv_1x1"), str(c)))
    return [cells[int((i + 0.5) * len(cells) / CELLS)] for i in range(CELLS)]


def some_images() -> tuple[Tensor, Tensor]:
    """Noise (64, 3, 32, 32) and labels."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, 32, 32, generator=generator).contiguous(memory_format=torch.channels_last)
    return x, torch.arange(64) % 100


@pytest.fixture(scope="module")
def batch() -> tuple[Tensor, Tensor]:
    return some_images()


@pytest.fixture(scope="module")
def teacher(batch: tuple[Tensor, Tensor]) -> TeacherEvidence:
    return teacher_evidence(initialise(build_network(BEST, 100), "gaussian", 1), batch)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def fastest(function: Callable[[], object]) -> float:
    """CPU seconds of the fastest of some rounds, after one that does not count."""
    times = []
    for _ in range(ROUNDS + 1):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return min(times[1:])


def unit(model: CellNetwork, batch: tuple[Tensor, Tensor]) -> None:
    """One plain forward and backward."""
    model.zero_grad()
    functional.cross_entropy(model(batch[0]), batch[1]).backward()


@pytest.mark.parametrize("group", GROUPS)
def test_units(
    group: str, batch: tuple[Tensor, Tensor], teacher: TeacherEvidence, capsys: pytest.CaptureFixture[str]
) -> None:
    names, limit = GROUPS[group]
    ratios = []
    for cell in twelve():
        model = initialise(build_network(cell, 100), "gaussian", 0).train()
        plain = fastest(lambda: unit(model, batch))  # type: ignore[arg-type]  # noqa: B023
        ratios.append(fastest(lambda: score(model, names, batch, teacher=teacher)) / plain)  # noqa: B023
    median = statistics.median(ratios)
    with capsys.disabled():
        print(f"\n{group}: {median:.2f} units, {min(ratios):.2f} to {max(ratios):.2f} (limit {limit})")
    assert median <= limit


@pytest.mark.benchmark(group="one cell", timer=time.process_time)
@pytest.mark.parametrize("group", ["one forward and backward", *GROUPS])
def test_one_cell(group: str, batch: tuple[Tensor, Tensor], teacher: TeacherEvidence, benchmark: object) -> None:
    model = initialise(build_network(twelve()[CELLS // 2], 100), "gaussian", 0).train()
    if group in GROUPS:
        benchmark.pedantic(  # type: ignore[attr-defined]
            score, (model, GROUPS[group][0], batch), {"teacher": teacher}, rounds=3, warmup_rounds=1
        )
    else:
        benchmark.pedantic(unit, (model, batch), rounds=3, warmup_rounds=1)  # type: ignore[attr-defined]


HEAVIEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
PEAK = """
import resource, torch
from nb201_data.networks import build_network
from proxies import initialise, score
torch.set_num_threads(1)
x = torch.randn(64, 3, 32, 32).contiguous(memory_format=torch.channels_last)
model = initialise(build_network({cell!r}, 100), "gaussian", 0)
scores = score(model, "all", (x, torch.arange(64)), teacher=model)
assert all(one.status == "ok" for name, one in scores.items() if name not in ("dss", "tvt_teacher")), scores
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def test_peak_memory_of_everything_on_the_heaviest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    code = PEAK.format(cell=HEAVIEST)
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    with capsys.disabled():
        print(f"\npeak memory of a process that scores all proxies: {float(done.stdout):.2f} GiB (limit 2)")
    assert float(done.stdout) < 2


def main() -> None:
    """Units of each score alone: a row a score, a column a cell."""
    parser = argparse.ArgumentParser(description="What scores take alone, in units of one forward and backward pass.")
    parser.add_argument("proxies", help="names, by commas")
    torch.set_num_threads(1)
    images, cells = some_images(), [twelve()[place] for place in (0, CELLS // 2, CELLS - 1)]
    shown = teacher_evidence(initialise(build_network(BEST, 100), "gaussian", 1), images)
    models = [initialise(build_network(cell, 100), "gaussian", 0).train() for cell in cells]
    plain = [fastest(lambda: unit(model, images)) for model in models]  # type: ignore[arg-type]  # noqa: B023
    for name in parser.parse_args().proxies.split(","):
        taken = [fastest(lambda: score(model, name, images, teacher=shown)) for model in models]  # noqa: B023
        units = ", ".join(f"{one / base:.1f}" for one, base in zip(taken, plain, strict=True))
        print(f"| {name} | {units} |", flush=True)


if __name__ == "__main__":
    main()
