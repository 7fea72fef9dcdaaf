"""docs/own_networks.md is run as it stands: its files written, its commands and lines executed, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "own_networks.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(folder: Path, language: str, code: str) -> str:
    """What a block prints, in the folder, with this Python as `python` and this project on its path."""
    (folder / "bin").mkdir(exist_ok=True)
    python = folder / "bin" / "python"
    if not python.exists():
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "NB201_DATA_DIR": str(folder / "data"),
    }
    command = ["bash", "-e", "-c", code] if language == "sh" else [str(python), "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_on_networks_of_ones_own_runs_word_for_word(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == PAGE.read_text(encoding="utf-8").count("\n```") / 2, "a block that the test does not read"
    printed = []
    for language, name, code in blocks:
        if name:
            (tmp_path / name).write_text(code, encoding="utf-8")
        else:
            printed.append(run(tmp_path, language, code))
    correlation, piped, _, taught, scored, placed, _ = printed
    assert "snip" in correlation and "m_r" in correlation and "12 of its 12 networks are scored" in correlation
    assert "of spread_size" in piped and "4/4 report" in piped
    assert "logit_spread" in taught and "Where the new score stands" in taught
    assert "my_teacher.py:build@" in scored and ", 0 of them a percentile" in scored
    rows = [line.split() for line in placed.splitlines() if re.match(r"(snip|m_s|m_r|l2_norm) ", line)]
    assert len(rows) == 4 and all(0 <= float(row[3]) <= 100 for row in rows), placed
    assert all(int(row[4].replace(",", "")) >= 10 for row in rows), placed
    assert len(list(tmp_path.glob("runs/*/report.html"))) == 5


@pytest.mark.parametrize("text", ["## Your space in twenty lines"])
def test_the_space_is_as_short_as_its_title_says(text: str) -> None:
    _, _, page = PAGE.read_text(encoding="utf-8").partition(text)
    code = next(code for _, name, code in BLOCK.findall(page) if name == "my_space.py")
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
