"""A table is repeated to the bit from its manifest: another process, another store, another number of workers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from files_support import rows_of

from benchmarks import init_ablation, metric_ablation, proxy_facts, rank_table

COMMANDS = [
    pytest.param(init_ablation, ("--ground-truth", "kd-nb201"), marks=pytest.mark.slow),
    pytest.param(metric_ablation, ("--ground-truth", "kd-nb201")),
    pytest.param(rank_table, ()),
    pytest.param(proxy_facts, ("--proxies", "nwot,m_?,diswot*", "--grid", "diswot"), marks=pytest.mark.slow),
]
TIMES = ("seconds",)  # the only columns that may differ


def numbers(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Every table of a run, as it stands in its file."""
    tables = {path.name: rows_of(path) for path in folder.glob("*.csv")}
    return {
        name: [{key: cell for key, cell in row.items() if key not in TIMES} for row in rows]
        for name, rows in tables.items()
    }


@pytest.mark.parametrize(("module", "asked"), COMMANDS, ids=lambda one: getattr(one, "__name__", ".").split(".")[-1])
def test_the_manifest_repeats_the_table(  # type: ignore[no-untyped-def]
    module, asked: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    first, again = tmp_path / "first", tmp_path / "again"
    where = ["--store", str(tmp_path / "first.sqlite"), "--out", str(first)]
    small = ["--sample", "10", "--seeds", "1", "--batch-size", "8", "--device", "cpu", "--workers", "1"]
    assert module.main([*asked, *small, *where]) == 0
    written = json.loads((first / "manifest.json").read_text(encoding="utf-8"))["command"]
    others = ["--store", str(tmp_path / "again.sqlite"), "--out", str(again), "--workers", "2"]
    subprocess.run([sys.executable, *written[1:], *others], check=True, capture_output=True, timeout=1800)
    tables = numbers(first)
    assert tables == numbers(again) and len(tables) >= 3 and tables["scores.csv"]
