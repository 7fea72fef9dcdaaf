"""NAS-Bench-201 as its authors publish it, converted once to a small columnar file.

Columns and order are those of `nb201/accuracies.csv.gz`: for each of three data sets, test and validation accuracy
after 200 and 12 epochs, as `get_more_info(..., is_random=False)` of the nas-bench-201 package answers: the mean over
seeds after the last epoch. CIFAR-10 is special there: its test accuracy is that of networks trained on all of its
training images (`cifar10`, `ori-test`), its validation accuracy that of networks trained on half of them
(`cifar10-valid`, `x-valid`). Parameters and FLOPs are the closed forms.
"""

import gzip
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from diswot_errors import DataError, UsageError
from nb201_data.official_files import States, read_benchmark
from nb201_data.sealed import write_whole
from nb201_data.space import Cell
from nb201_data.spaces import get_space
from nb201_data.truth import benchmark

Progress = Callable[[Iterable[Any]], Iterable[Any]]
Accuracies = dict[str, float]  # column -> percent

_QUERIES = {  # (images, split) -> (data set, answer) of the package's API
    ("cifar10", "test"): ("cifar10", "test-accuracy"),
    ("cifar10", "valid"): ("cifar10-valid", "valid-accuracy"),
    ("cifar100", "test"): ("cifar100", "test-accuracy"),
    ("cifar100", "valid"): ("cifar100", "valid-accuracy"),
    ("imagenet16-120", "test"): ("ImageNet16-120", "test-accuracy"),
    ("imagenet16-120", "valid"): ("ImageNet16-120", "valid-accuracy"),
}


def convert(
    source: Path | str,
    target: Path | str | None = None,
    *,
    cells: int = benchmark.COUNT,
    overwrite: bool = False,
    progress: Progress = iter,
) -> Path:
    """Convert the official `.pth` file, or the folder `NATS-tss-...-simple`, and return the path of the columnar file.

    `target` is where `nb201:...` ground truths are looked for unless given; it appears whole or not at all.
    """
    source, target = Path(source), Path(target or benchmark.path())
    if target.exists() and not overwrite:
        raise UsageError(f"{target} is there already: remove it, or replace it with --force")
    try:
        order, batches = read_benchmark(source)
    except OSError as error:
        raise DataError(
            f"{source} cannot be read ({error.strerror}): check its permissions, and that the folder for temporary "
            "files has room (TMPDIR names another)"
        ) from error
    if len(order) != cells:
        raise DataError(f"{source} holds {len(order):,} cells, expected {cells:,}")
    found = dict(progress(_accuracies(order, batches)))
    missing = [index for index in range(cells) if index not in found]
    if missing:
        raise DataError(f"{source} lacks results of {len(missing):,} cells, the first is cell {missing[0]}")
    lines = [",".join(benchmark.COLUMNS), *(_line(index, order[index], found[index]) for index in range(cells))]
    _write(target, "\n".join(lines) + "\n")
    return target


def _accuracies(order: list[str], batches: Iterator[States]) -> Iterator[tuple[int, Accuracies]]:
    """(index, accuracies) of every cell, as the nas-bench-201 package answers."""
    from nas_201_api import NASBench201API

    for states in batches:
        try:
            for state in (state for both in states.values() for state in both.values()):
                _forget_times(state)
            contents = {"meta_archs": order, "arch2infos": states, "evaluated_indexes": list(states)}
            api = NASBench201API(contents, verbose=False)
        except (AssertionError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"cells {min(states)} to {max(states)} are not as the benchmark writes them: {error!r}"
            ) from error
        for index in states:
            yield (
                index,
                {
                    benchmark.column(images, split, epochs): _answer(api, index, images, split, epochs)
                    for images, split in _QUERIES
                    for epochs in benchmark.EPOCHS
                },
            )


def _forget_times(state: dict[str, Any]) -> None:
    """Take out the seconds per epoch: the API would add them up over all epochs, of which only the last is left."""
    for result in state["all_results"].values():
        result["train_times"], result["eval_times"] = None, {}


def _answer(api: Any, index: int, images: str, split: str, epochs: str) -> float:
    dataset, key = _QUERIES[images, split]
    try:
        answer = float(api.get_more_info(index, dataset, hp=epochs, is_random=False)[key])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DataError(
            f"cell {index} has no {key} on {dataset} after {epochs} epochs ({error!r}); "
            "version 1.1 of NAS-Bench-201 and NATS-Bench have all"
        ) from error
    if not 0 <= answer <= 100:
        raise DataError(f"cell {index} has a {key} of {answer} on {dataset} after {epochs} epochs, expected percent")
    return answer


def _line(index: int, arch: str, accuracies: Accuracies) -> str:
    nb201, cell = get_space("nb201"), Cell.parse(arch)
    sizes = [nb201.params(cell) / 1e6, nb201.flops(cell) / 1e6]
    values = [round(accuracies[name], 4) for name in benchmark.ACCURACY_COLUMNS]
    return ",".join(map(str, (index, arch, *values, *sizes)))


def _write(target: Path, text: str) -> None:
    """Under a temporary name first, then renamed; the same text gives the same bytes."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, gzip.compress(text.encode(), mtime=0))
    except OSError as error:
        raise DataError(f"cannot write {target}: {error.strerror}; set NB201_DATA_DIR to a folder of yours") from error
