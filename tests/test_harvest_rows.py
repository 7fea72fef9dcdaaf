"""The table of a harvest: it survives anything, merges, and holds no row twice."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tables_support import pair_row

from benchmarks.harvesting import rows
from diswot_errors import DataError, UsageError
from nb201_data.space import sample_cells


def test_tables_merge_once_and_contradictions_are_refused(tmp_path: Path) -> None:
    a, b, c, d = (tmp_path / name for name in "abcd")
    x, y, z, new = map(str, sample_cells(4, seed=0))
    rows.append(a, [pair_row(x), pair_row(y)])
    rows.append(b, [pair_row(y), pair_row(z)])
    assert rows.merge(a, [b], keep=False) == 1 and len(rows.read_rows(a)) == 2
    assert rows.merge(a, [b]) == 1
    assert [row.arch for row in rows.read_rows(a)] == [x, y, z]
    rows.append(c, [pair_row(z, top1=51.0)])
    with pytest.raises(DataError, match=rf"{c} and {a} both measured {re.escape(z)}, seed 0"):
        rows.merge(a, [c])
    rows.append(d, [pair_row(z, top1=52.0)])
    with pytest.raises(DataError, match=rf"{d} and {c} both measured"):
        rows.merge(tmp_path / "e", [c, d])
    for wrong, message in (
        (replace(pair_row(new), skeleton="c16n5k10r32"), "holds networks of nb201 in c16n5k10r32, trained on"),
        (replace(pair_row(new), epochs=200), "for 200 epochs"),
        (replace(pair_row("nonsense")), "malformed cell"),
        (pair_row(new, top1=350.0), "expected an accuracy in percent"),
    ):
        (tmp_path / "w").unlink(missing_ok=True)
        rows.append(tmp_path / "w", [wrong])
        with pytest.raises((DataError, UsageError), match=message):
            rows.merge(a, [tmp_path / "w"])
    assert len(rows.read_rows(a)) == 3
    with pytest.raises(DataError, match="no table at"):
        rows.merge(a, [tmp_path / "absent"])


def test_a_malformed_table_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    rows.append(file, [pair_row("x")])
    good = file.read_text()
    file.write_text(good + good.splitlines()[1].replace(",50.0,", ",fifty,", 1) + "\n")
    with pytest.raises(DataError, match=r"table\.csv, line 3, column 'distilled_top1': 'fifty', expected a number"):
        rows.read_rows(file)
    file.write_text("a,b\n")
    with pytest.raises(DataError, match="line 1: unknown column 'a'"):
        rows.read_rows(file)


def test_rows_that_two_harvests_wrote_are_there_once_unless_they_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.csv"
    slower = replace(pair_row("x"), seconds=9.0, date="2026-01-02")
    rows.append(file, [pair_row("x"), pair_row("y"), slower, pair_row("z")])
    assert [row.arch for row in rows.read_rows(file)] == ["x", "y", "z"]
    with rows.growing(file) as found:
        assert [row.arch for row in found] == ["x", "y", "z"] and found[0].seconds == 2.0
    assert file.read_text().count("\n") == 4 and "1 rows were there twice" in capsys.readouterr().out
    rows.append(file, [pair_row("x", top1=51.0)])
    with pytest.raises(DataError, match=r"line 5, column 'arch': x, seed 0 is there already.*delete the wrong row"):
        rows.read_rows(file)


def test_a_table_cut_anywhere_is_healed(tmp_path: Path) -> None:
    file, distilled = tmp_path / "table.csv", replace(pair_row("x"), distiller="review")
    for row in (pair_row("x"), distilled):
        file.unlink(missing_ok=True)
        rows.append(file, [row, replace(row, arch="y")])
        whole = file.read_bytes()
        for length in range(0, len(whole), 7):
            file.write_bytes(whole[:length])
            there = {each.arch for each in rows.read_rows(file)}
            assert there == {arch for arch, end in (("x", 2), ("y", 3)) if whole[:length].count(b"\n") >= end}
            rows.append(file, [each for each in (row, replace(row, arch="y")) if each.arch not in there])
            assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00table", "byte 1 is not UTF-8"),
        (b"no table at all", "unknown column 'no table at all'"),
        (",".join(rows.PLAIN).encode() + b"\n" + b"x" * 200_000 + b"\n", "field larger than field limit"),
    ],
)
def test_a_file_of_another_kind_is_one_message_and_stays(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message), rows.growing(file):
        pass
    assert file.read_bytes() == content


def test_a_full_disk_leaves_the_table_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "table.csv"
    rows.append(file, [pair_row("x")])
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(DataError, match=r"cannot write .*table\.csv: No space left on device; free some space"):
            rows.append(file, [pair_row("y")])
    assert file.read_bytes() == before
