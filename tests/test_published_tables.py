"""From the authors' files to tables: on small files of the same structure."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diswot_errors import DataError
from nb201_data.published_tables import s0_networks, vision_transformers


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_s0_networks(tmp_path: Path) -> None:
    alone = write(tmp_path, "cls.txt", "111 60.2000\n775 71.8900\n")
    distilled = write(tmp_path, "kd.txt", "775 73.9200\r\n111 61.8700\r\n")
    assert s0_networks([alone, distilled]).splitlines() == [
        "arch,n1,n2,n3,cifar100_vanilla,cifar100_kd",
        "111,1,1,1,60.2,61.87",
        "775,7,7,5,71.89,73.92",
    ]


@pytest.mark.parametrize("line", ["11 60.2", "111", "111 x", "111 60.2 3", "a11 60.2", "113 70\n113 70", "113 170", ""])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    bad, good = write(tmp_path, "cls.txt", f"111 60.2\n{line}\n"), write(tmp_path, "kd.txt", "111 61.8\n")
    with pytest.raises(DataError, match=r"cls\.txt, line [23]: .*expected three depths and an accuracy"):
        s0_networks([bad, good])


def test_unpaired_networks_are_named(tmp_path: Path) -> None:
    alone, distilled = write(tmp_path, "a.txt", "111 60\n113 61\n"), write(tmp_path, "b.txt", "111 60\n115 61\n")
    with pytest.raises(DataError, match="113, 115"):
        s0_networks([alone, distilled])


def entry(number: int, wrap: Any = float) -> dict[str, Any]:
    arch = {"base_dim": 16, "mlp_ratio": 6, "depth": [2, 8, number], "num_heads": [2, 4, 4]}
    names = ("c100", "flower", "chaoyang")
    accuracies = {f"{n}_{kind}_acc": wrap(60 + number + k) for k, n in enumerate(names) for kind in ("base", "kd")}
    return {"arch": arch, **accuracies}


@pytest.mark.parametrize("wrap", [float, int, np.float64, np.float32, torch.tensor])
def test_vision_transformers(tmp_path: Path, wrap: Any) -> None:
    path = tmp_path / "gt.pth"
    torch.save([entry(4, wrap), entry(6, wrap)], path)
    rows = list(csv.DictReader(io.StringIO(vision_transformers([path]))))
    assert list(rows[0]) == ["arch", *(key for key in entry(4) if key != "arch")]
    assert [json.loads(row["arch"]) for row in rows] == [entry(4)["arch"], entry(6)["arch"]]
    assert [float(row["flower_kd_acc"]) for row in rows] == [65.0, 67.0]


def test_an_exploit_in_place_of_a_table_runs_nothing(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    torch.save([{**entry(4), "note": Attack()}], tmp_path / "gt.pth")
    with pytest.raises(DataError, match=r"gt\.pth is not a usable table"):
        vision_transformers([tmp_path / "gt.pth"])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [{}, [], [1], [{"arch": 3, "c100_base_acc": 1.0}], [{"c100_base_acc": 1.0}]])
def test_another_structure_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "gt.pth")
    with pytest.raises(DataError, match=r"gt\.pth"):
        vision_transformers([tmp_path / "gt.pth"])


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    torch.save([entry(4)], tmp_path / "gt.pth")
    (tmp_path / "gt.pth").write_bytes((tmp_path / "gt.pth").read_bytes()[:-200])
    with pytest.raises(DataError, match="not a usable table"):
        vision_transformers([tmp_path / "gt.pth"])
