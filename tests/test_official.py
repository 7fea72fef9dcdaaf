"""Conversion of official benchmark files: same answers as the package's API, nothing run, little memory."""

import bz2
import gzip
import hashlib
import os
import pickle
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import official_support as support
import pytest
import torch
from files_support import rows_of
from nas_201_api import NASBench201API

from diswot_errors import DataError, UsageError
from nb201_data.catalogue import FILES
from nb201_data.ground_truth import load_ground_truth, official_cell
from nb201_data.last_epochs import copy_last_epochs
from nb201_data.official import convert
from nb201_data.truth import benchmark

ARCHS = support.cells(5)


class Exploit:
    """Unpickled freely, it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.trace),))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.write_file(tmp_path_factory.mktemp("official") / "benchmark.pth", ARCHS)


class TestConversion:
    def test_numbers_are_means_over_seeds_after_the_last_epoch(self, original: Path, tmp_path: Path) -> None:
        rows = rows_of(convert(original, tmp_path / "out.csv.gz", cells=5))
        assert [row["arch"] for row in rows] == ARCHS
        where = {
            "cifar10_test": ("cifar10", "ori-test"),
            "cifar10_valid": ("cifar10-valid", "x-valid"),
            "cifar100_test": ("cifar100", "x-test"),
            "cifar100_valid": ("cifar100", "x-valid"),
            "imagenet16_test": ("ImageNet16-120", "x-test"),
            "imagenet16_valid": ("ImageNet16-120", "x-valid"),
        }
        for index, row in enumerate(rows):
            for column, (dataset, name) in where.items():
                for epochs in (12, 200):
                    few = (111, 777) if dataset == "cifar10-valid" else (777,)
                    seeds = few if epochs == 12 else support.SEEDS[index % 3]
                    each = [support.accuracy(index, dataset, name, s, epochs - 1, epochs) for s in seeds]
                    assert float(row[f"{column}_{epochs}"]) == pytest.approx(sum(each) / len(each), abs=6e-5)

    def test_equal_to_what_the_package_says_of_the_whole_file(self, original: Path, tmp_path: Path) -> None:
        api = NASBench201API(torch.load(original, weights_only=True), verbose=False)
        for index, row in enumerate(rows_of(convert(original, tmp_path / "out.csv.gz", cells=5))):
            for dataset, column in (("cifar10", "cifar10"), ("cifar100", "cifar100"), ("ImageNet16-120", "imagenet16")):
                for epochs in ("12", "200"):
                    answer = api.get_more_info(index, dataset, hp=epochs, is_random=False)
                    assert float(row[f"{column}_test_{epochs}"]) == round(answer["test-accuracy"], 4)
                    split = api.get_more_info(
                        index, dataset if column != "cifar10" else "cifar10-valid", None, epochs, False
                    )
                    assert float(row[f"{column}_valid_{epochs}"]) == round(split["valid-accuracy"], 4)

    @pytest.mark.parametrize("kind", ["zip", "numpy", "folder", "numpy folder", "large"])
    def test_every_form_gives_the_same_bytes(self, original: Path, tmp_path: Path, kind: str) -> None:
        expected = convert(original, tmp_path / "expected.csv.gz", cells=5).read_bytes()
        match kind:
            case "zip":
                source = support.write_file(tmp_path / "zip.pth", ARCHS, zipped=True)
            case "numpy":
                source = support.write_file(tmp_path / "numpy.pth", ARCHS, number=np.float64)
            case "folder":
                source = support.write_folder(tmp_path / "NATS-tss-v1_0-3ffb9-simple", ARCHS)
            case "numpy folder":
                source = support.write_folder(tmp_path / "NATS-tss-v1_0-3ffb9-simple", ARCHS, number=np.float64)
            case _:
                source = tmp_path / "large.pth"
                with source.open("wb") as stream:
                    support.Large(stream, seeds=support.by_index).write(ARCHS)
        assert convert(source, tmp_path / "out.csv.gz", cells=5).read_bytes() == expected

    def test_columns_are_those_of_the_reference_table(self, reference_data: Path) -> None:
        with gzip.open(reference_data / benchmark.FILE, "rt") as stream:
            assert tuple(stream.readline().strip().split(",")) == benchmark.COLUMNS

    def test_the_result_is_a_ground_truth(
        self, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(benchmark, "COUNT", 5)
        monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
        assert convert(original, cells=5) == tmp_path / benchmark.FILE
        truth = load_ground_truth("nb201:cifar100:valid:12")
        assert truth.value(official_cell(3)) == pytest.approx(10 + 1.5 + 6 + 1 + 0.777 + 0.011 + 1 / 7, abs=1e-4)

    def test_nothing_is_replaced_or_left_half_written(self, original: Path, tmp_path: Path) -> None:
        target = tmp_path / "new" / "out.csv.gz"
        with pytest.raises(DataError, match="holds 5 cells, expected 15,625"):
            convert(original, target)
        assert not target.exists()
        convert(original, target, cells=5)
        with pytest.raises(UsageError, match="is there already"):
            convert(original, target, cells=5)
        convert(original, target, cells=5, overwrite=True)
        assert [path.name for path in target.parent.iterdir()] == ["out.csv.gz"]
        with pytest.raises(DataError, match="cannot write"):
            convert(original, target / "below" / "out.csv.gz", cells=5)


class TestShortCopy:
    @pytest.mark.parametrize("zipped", [False, True])
    def test_only_last_epochs_are_left_and_all_else_is_equal(self, tmp_path: Path, zipped: bool) -> None:
        path = support.write_file(tmp_path / "benchmark.pth", ARCHS[:2], zipped=zipped)
        copy_last_epochs(path, tmp_path / "short.pth")
        assert (tmp_path / "short.pth").stat().st_size < path.stat().st_size / 20
        whole, short = (torch.load(tmp_path / name, weights_only=True) for name in ("benchmark.pth", "short.pth"))
        for index, both in whole["arch2infos"].items():
            for key, state in both.items():
                other = short["arch2infos"][index][key]
                assert {**other, "all_results": 0} == {**state, "all_results": 0}
                for trial, result in state["all_results"].items():
                    last = result["epochs"] - 1
                    for name, value in result.items():
                        if isinstance(value, dict) and name != "arch_config":
                            value = {k: v for k, v in value.items() if k == last or str(k).endswith(f"@{last}")}
                        assert other["all_results"][trial][name] == value, name
        assert {k: v for k, v in short.items() if k != "arch2infos"} == {
            k: v for k, v in whole.items() if k != "arch2infos"
        }

    @pytest.mark.parametrize("zipped", [False, True])
    def test_files_without_curves_come_through_unchanged(self, tmp_path: Path, zipped: bool) -> None:
        """Tensors, long text, keys that are dropped in one place and used in another, dictionaries of one pair."""
        key = "x-test@3"
        content = {
            "tensor": torch.arange(12.0).reshape(3, 4),
            "curve": {f"x-test@{e}" if e != 3 else key: float(e) for e in range(9)},
            "numbered": {e: float(e) for e in range(300)},
            "text": "x" * 3_000_000,
            "single": {0: 1.0},
            "mixed": {0: 1.0, 1: "a", "x-test@0": 2.0},
            "other names": {"y@0": 0.0, "y@1": 1.0},
        }
        content["again"] = [key, list(content["curve"]), ("train@1", key)]
        content["more"] = {k: 2 * v for k, v in content["curve"].items()}
        torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
        copy_last_epochs(tmp_path / "a.pth", tmp_path / "b.pth")
        found = torch.load(tmp_path / "b.pth", weights_only=True)
        assert torch.equal(found.pop("tensor"), content.pop("tensor"))
        content |= {"curve": {"x-test@8": 8.0}, "more": {"x-test@8": 16.0}, "numbered": {299: 299.0}}
        assert found == content


class TestRefusal:
    @pytest.mark.parametrize("zipped", [False, True])
    def test_an_exploit_in_the_file_runs_nothing(self, tmp_path: Path, zipped: bool) -> None:
        path, trace = tmp_path / "benchmark.pth", tmp_path / "trace"
        content = {**support.contents(ARCHS[:1]), "exploit": Exploit(trace)}
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(DataError, match=r"asks for (posix|nt)\.mkdir.*Nothing in it was run"):
            convert(path, tmp_path / "out.csv.gz", cells=1)
        assert not trace.exists() and not (tmp_path / "out.csv.gz").exists()
        torch.load(path, weights_only=False)
        assert trace.exists()  # the exploit does work where files are unpickled freely

    def test_a_bare_exploit_pickle(self, tmp_path: Path) -> None:
        path, trace = tmp_path / "benchmark.pth", tmp_path / "trace"
        path.write_bytes(5 * pickle.dumps(Exploit(trace), protocol=2))
        with pytest.raises(DataError, match="not a usable benchmark file"):
            convert(path, tmp_path / "out.csv.gz", cells=1)
        path.write_bytes(pickle.dumps(Exploit(trace)))
        with pytest.raises(DataError, match=r"not a whole file of torch\.save"):
            convert(path, tmp_path / "out.csv.gz", cells=1)
        assert not trace.exists()

    @pytest.mark.parametrize("name", ["meta", "000000"])
    def test_an_exploit_in_the_folder_runs_nothing(self, tmp_path: Path, name: str) -> None:
        folder, trace = support.write_folder(tmp_path / "folder", ARCHS[:1]), tmp_path / "trace"
        content = {"meta_archs": ARCHS[:1], "12": {}, "200": Exploit(trace)}
        (folder / f"{name}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content)))
        with pytest.raises(DataError, match=rf"{name}.* asks for (posix|nt)\.mkdir.*Nothing in it was run"):
            convert(folder, tmp_path / "out.csv.gz", cells=1)
        assert not trace.exists()

    @pytest.mark.parametrize("zipped", [False, True])
    @pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.999])
    def test_cut_files(self, tmp_path: Path, zipped: bool, part: float) -> None:
        path = support.write_file(tmp_path / "benchmark.pth", ARCHS[:1], zipped=zipped)
        path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
        with pytest.raises(DataError, match=r"benchmark\.pth is not a (whole file|usable)"):
            convert(path, tmp_path / "out.csv.gz", cells=1)

    def test_the_published_name_must_have_the_published_content(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        published = FILES["nb201/benchmark"]
        path = support.write_file(tmp_path / Path(published.path).name, ARCHS[:1])
        found = "md5:" + hashlib.md5(path.read_bytes()).hexdigest()
        with pytest.raises(DataError, match=rf"expected md5:55e8\w+096897, found {found}.*delete it. Fetch it"):
            convert(path, tmp_path / "out.csv.gz", cells=1)
        monkeypatch.setitem(FILES, "nb201/benchmark", replace(published, hash=found))
        assert convert(path, tmp_path / "out.csv.gz", cells=1).is_file()

    def test_a_broken_folder(self, tmp_path: Path) -> None:
        folder = support.write_folder(tmp_path / "folder", ARCHS[:2])
        cell = folder / "000001.pickle.pbz2"
        content = cell.read_bytes()
        cell.write_bytes(content[:-50])
        with pytest.raises(DataError, match=r"000001.*truncated or altered"):
            convert(folder, tmp_path / "out.csv.gz", cells=2)
        cell.unlink()
        with pytest.raises(DataError, match=r"000001.* is missing"):
            convert(folder, tmp_path / "out.csv.gz", cells=2)
        cell.write_bytes(bz2.compress(pickle.dumps({"01": {}, "90": {}})))
        with pytest.raises(DataError, match="after 01, 90 epochs, expected 12 and 200"):
            convert(folder, tmp_path / "out.csv.gz", cells=2)
        (folder / "meta.pickle.pbz2").unlink()
        with pytest.raises(DataError, match="no NATS-Bench folder"):
            convert(folder, tmp_path / "out.csv.gz", cells=2)
        with pytest.raises(UsageError, match="no file or folder"):
            convert(tmp_path / "nowhere", tmp_path / "out.csv.gz")

    def test_other_contents(self, tmp_path: Path) -> None:
        def attempt(content: Any) -> None:
            torch.save(content, tmp_path / "a.pth")
            convert(tmp_path / "a.pth", tmp_path / "out.csv.gz", cells=2)

        with pytest.raises(DataError, match="has no arch2infos and no meta_archs"):
            attempt({"state_dict": {}})
        with pytest.raises(DataError, match="has no arch2infos"):
            attempt([1, 2])
        good = support.contents(ARCHS[:2])
        with pytest.raises(DataError, match="lists a cell twice"):
            attempt({**good, "meta_archs": [ARCHS[0]] * 2})
        with pytest.raises(DataError, match=r"no topology benchmark: malformed cell"):
            attempt({**good, "meta_archs": ["64:64:64:64:64"] * 2})
        with pytest.raises(DataError, match="lacks results of 1 cells, the first is cell 1"):
            attempt({**good, "arch2infos": {0: good["arch2infos"][0]}})
        with pytest.raises(DataError, match="not as the benchmark writes them"):
            attempt({**good, "arch2infos": {0: {"less": {}}, 1: {}}})
        del good["arch2infos"][1]["less"]["dataset_seed"]["cifar100"]
        with pytest.raises(DataError, match="cell 1 has no test-accuracy on cifar100 after 12 epochs"):
            attempt(good)

    def test_accuracies_that_are_none(self, tmp_path: Path) -> None:
        content = support.contents(ARCHS[:1])
        content["arch2infos"][0]["full"]["all_results"]["cifar10", 888]["eval_acc1es"]["ori-test@199"] = float("nan")
        torch.save(content, tmp_path / "a.pth")
        with pytest.raises(DataError, match="cell 0 has a test-accuracy of nan on cifar10 after 200 epochs"):
            convert(tmp_path / "a.pth", tmp_path / "out.csv.gz", cells=1)


@pytest.mark.slow
def test_a_file_of_the_official_size_takes_less_than_8_gib(tmp_path: Path) -> None:
    """15,625 cells with 36,996 x 4 long and 78,125 short results of all epochs: 7.5 GB on disk for a while."""
    source, target = tmp_path / "benchmark.pth", tmp_path / "out.csv.gz"
    try:
        with source.open("wb") as stream:
            support.Large(stream).write(support.cells(15_625))
        size = source.stat().st_size
        script = "import sys; from nb201_data.official import convert; convert(sys.argv[1], sys.argv[2])"
        subprocess.run([sys.executable, "-c", script, str(source), str(target)], check=True)
    finally:
        source.unlink(missing_ok=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"{size / 1e9:.2f} GB on disk, peak {peak / 2**30:.2f} GiB in memory")
    assert len(rows_of(target)) == 15_625
    assert size > 4e9 and peak < 8 * 2**30
