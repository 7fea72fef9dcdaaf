"""Benchmark files of the official structure, made up: through the package's own classes, or byte by byte when large."""

import bz2
import pickle
import random
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from nas_201_api import ArchResults, ResultsCount

from nb201_data.space import all_cells

SEEDS = ((888,), (777, 888), (777, 888, 999))
DATASETS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
SETS = {"cifar10": ("ori-test",), "cifar10-valid": ("ori-test", "x-valid")}
ALL_SETS = ("ori-test", "x-valid", "x-test")


def by_index(index: int) -> tuple[int, ...]:
    """Seeds of a cell where all three cases are to appear among few cells."""
    return SEEDS[index % 3]


def as_published(index: int) -> tuple[int, ...]:
    """As many cells with one, two and three seeds as in version 1.1: 2,225, 5,439 and 7,961."""
    return SEEDS[(index >= 2_225) + (index >= 7_664)]


def accuracy(index: int, dataset: str, name: str, seed: int, epoch: int, epochs: int) -> float:
    """A number that tells where it belongs: in percent, different for every question."""
    where = DATASETS.index(dataset) * 3 + ALL_SETS.index(name)
    return 10 + (index % 100) / 2 + where + seed / 1000 + epoch / 1000 + (epochs == 12) / 7


def result(index: int, arch: str, dataset: str, seed: int, epochs: int, number: Callable[[float], Any]) -> Any:
    """One trial, as the benchmark's authors put it together."""
    curve = {epoch: number(1 / (epoch + 1)) for epoch in range(epochs)}
    config = {"channel": 16, "num_cells": 5, "arch_str": arch, "class_num": 10}
    trial = ResultsCount(dataset, None, curve, curve, 0.3, 15.6, config, seed, epochs, [0.01])
    trial.update_train_info(curve, None, dict(curve), None)
    trial.reset_pseudo_train_times(1.5)
    for name in SETS.get(dataset, ALL_SETS):
        after = {e: number(accuracy(index, dataset, name, seed, e, epochs)) for e in range(epochs)}
        trial.update_OLD_eval(name, after, dict(after))
        trial.reset_pseudo_eval_times(name, 0.5)
    return trial


def states(index: int, arch: str, number: Callable[[float], Any] = float) -> dict[str, Any]:
    """All results of a cell: one seed and 12 epochs (two for cifar10-valid), one to three seeds and 200 epochs."""
    found = {}
    for name, epochs in (("less", 12), ("full", 200)):
        results = ArchResults(index, arch)
        for dataset in DATASETS:
            few = (111, 777) if dataset == "cifar10-valid" else (777,)
            for seed in by_index(index) if epochs == 200 else few:
                results.update(dataset, seed, result(index, arch, dataset, seed, epochs, number))
        found[name] = results.state_dict()
    return found


def contents(archs: list[str], number: Callable[[float], Any] = float) -> dict[str, Any]:
    """The dictionary of the official file."""
    infos = OrderedDict((index, states(index, arch, number)) for index, arch in enumerate(archs))
    indices = set(range(len(archs)))
    return {"meta_archs": archs, "total_archs": len(archs), "arch2infos": infos, "evaluated_indexes": indices}


def write_file(path: Path, archs: list[str], number: Callable[[float], Any] = float, zipped: bool = False) -> Path:
    """As the official `.pth` is: of the time before torch wrote zip files, unless `zipped`."""
    torch.save(contents(archs, number), path, _use_new_zipfile_serialization=zipped)
    return path


def write_folder(folder: Path, archs: list[str], number: Callable[[float], Any] = float) -> Path:
    """As `NATS-tss-v1_0-3ffb9-simple` is."""
    folder.mkdir()

    def dump(name: str, content: Any) -> None:
        (folder / f"{name}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content, protocol=4)))

    dump("meta", {"meta_archs": archs, "total_archs": len(archs), "evaluated_indexes": set(range(len(archs)))})
    for index, arch in enumerate(archs):
        both = states(index, arch, number)
        dump(f"{index:06d}", OrderedDict([("12", both["less"]), ("200", both["full"])]))
    return folder


class Large:
    """Writes a file of the official structure and size without ever holding it: pickle protocol 2, opcode by opcode."""

    def __init__(self, stream: BinaryIO, seeds: Callable[[int], tuple[int, ...]] | None = None) -> None:
        self.stream, self.memo, self.known = stream, 0, dict[str, int]()
        self.seeds = seeds or as_published

    def write(self, archs: list[str]) -> None:
        for header in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}):
            self.stream.write(pickle.dumps(header, protocol=2))
        self.stream.write(b"\x80\x02}" + self.put() + b"(")
        self.value("meta_archs")
        self.value(archs)
        self.value("arch2infos")
        self.stream.write(b"ccollections\nOrderedDict\n" + self.put() + b")R" + self.put() + b"(")
        for index, arch in enumerate(archs):
            self.value(index)
            self.cell(index, arch)
            if index % 1000 == 999:
                self.stream.write(b"u(")
        self.stream.write(b"u")
        self.value("evaluated_indexes")
        self.value(list(range(len(archs))))
        self.stream.write(b"u.")
        self.stream.write(pickle.dumps([], protocol=2))

    def cell(self, index: int, arch: str) -> None:
        random_numbers = np.random.default_rng(index)
        self.stream.write(b"}" + self.put() + b"(")
        for key, epochs in (("less", 12), ("full", 200)):
            seeds = {d: (111, 777) if d == "cifar10-valid" else (777,) for d in DATASETS}
            if epochs == 200:
                seeds = dict.fromkeys(DATASETS, self.seeds(index))
            self.value(key)
            self.stream.write(b"}" + self.put() + b"(")
            for name, value in (("arch_index", index), ("arch_str", arch), ("clear_net_done", False)):
                self.value(name)
                self.value(value)
            self.value("dataset_seed")
            self.value({d: list(s) for d, s in seeds.items()})
            self.value("all_results")
            self.stream.write(b"}" + self.put() + b"(")
            for dataset, each in seeds.items():
                for seed in each:
                    self.value((dataset, seed))
                    self.trial(index, arch, dataset, seed, epochs, random_numbers)
            self.stream.write(b"uu")
        self.stream.write(b"u")

    def trial(self, index: int, arch: str, dataset: str, seed: int, epochs: int, numbers: np.random.Generator) -> None:
        config = {"channel": 16, "num_cells": 5, "arch_str": arch, "class_num": 10}
        sets = SETS.get(dataset, ALL_SETS)
        plain = {"name": dataset, "net_state_dict": None, "arch_config": config, "params": 0.3, "flop": 15.6}
        plain |= {"seed": seed, "epochs": epochs, "latency": [0.01], "eval_names": list(sets)}
        self.stream.write(b"}" + self.put() + b"(")
        for name, value in plain.items():
            self.value(name)
            self.value(value)
        for name in ("train_acc1es", "train_acc5es", "train_losses", "train_times"):
            self.value(name)
            self.stream.write(b"}" + self.put() + b"(" + numbered(numbers.random(epochs)) + b"u")
        first = self.memo
        for name in ("eval_acc1es", "eval_losses", "eval_times"):
            self.value(name)
            curves = numbers.random((len(sets), epochs))
            if name == "eval_acc1es":
                curves[:, -1] = [accuracy(index, dataset, s, seed, epochs - 1, epochs) for s in sets]
            self.stream.write(b"}" + self.put() + b"(")
            if epochs == 12 and name != "eval_acc1es":
                self.stream.write(referred(curves.ravel(), first))
            else:  # the same text again as another object: the long results of the benchmark are so
                first = self.memo
                for curve, each in zip(curves, sets, strict=True):
                    self.stream.write(named(each, curve, self.memo))
                    self.memo += epochs
            self.stream.write(b"u")
        self.stream.write(b"u")

    def put(self) -> bytes:
        self.memo += 1
        number = self.memo - 1
        return b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number)

    def value(self, value: Any) -> None:
        """Text is written once and referred to from then on, as pickle does with equal objects."""
        write = self.stream.write
        if isinstance(value, str) and value in self.known:
            write(b"j" + struct.pack("<I", self.known[value]))
        elif isinstance(value, str):
            self.known[value] = self.memo
            write(b"X" + struct.pack("<I", len(value)) + value.encode() + self.put())
        elif value is None or isinstance(value, bool):
            write({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif isinstance(value, int):
            write(b"J" + struct.pack("<i", value))
        elif isinstance(value, float):
            write(b"G" + struct.pack(">d", value))
        elif isinstance(value, dict | list):
            write((b"}" if isinstance(value, dict) else b"]") + self.put() + b"(")
            for item in flat(value):
                self.value(item)
            write(b"u" if isinstance(value, dict) else b"e")
        else:
            for item in value:
                self.value(item)
            write(b"\x86" + self.put())


def flat(value: dict[Any, Any] | list[Any]) -> Iterator[Any]:
    """Keys and values in turn, or the elements."""
    for item in value:
        yield item
        if isinstance(value, dict):
            yield value[item]


def numbered(curve: Any) -> bytes:
    """`{0: a, 1: b, ...}` without its ends."""
    table = np.zeros(len(curve), dtype=[("k", "S1"), ("i", "u1"), ("g", "S1"), ("v", ">f8")])
    table["k"], table["i"], table["g"], table["v"] = b"K", np.arange(len(curve)), b"G", curve
    return table.tobytes()


def named(name: str, curve: Any, first: int) -> bytes:
    """`{'x-valid@0': a, ...}` without its ends; its keys are numbered from `first` on."""
    parts = []
    for start, stop in ((0, 10), (10, 100), (100, 1000)):
        epochs = range(start, min(stop, len(curve)))
        if epochs:
            keys = [f"{name}@{epoch}".encode() for epoch in epochs]
            kind = [
                ("x", "S1"),
                ("n", "<u4"),
                ("t", f"S{len(keys[0])}"),
                ("r", "S1"),
                ("i", "<u4"),
                ("g", "S1"),
                ("v", ">f8"),
            ]
            table = np.zeros(len(keys), dtype=kind)
            table["x"], table["n"], table["t"], table["r"], table["g"] = b"X", len(keys[0]), keys, b"r", b"G"
            table["i"], table["v"] = (
                np.arange(first + start, first + start + len(keys)),
                curve[start : start + len(keys)],
            )
            parts.append(table.tobytes())
    return b"".join(parts)


def referred(curve: Any, first: int) -> bytes:
    """The same for keys that are numbered already."""
    table = np.zeros(len(curve), dtype=[("j", "S1"), ("i", "<u4"), ("g", "S1"), ("v", ">f8")])
    table["j"], table["i"], table["g"], table["v"] = b"j", np.arange(first, first + len(curve)), b"G", curve
    return table.tobytes()


def cells(count: int, seed: int = 0) -> list[str]:
    """Arch strings in an order of their own."""
    archs = [str(cell) for cell in all_cells()]
    random.Random(seed).shuffle(archs)
    return archs[:count]
