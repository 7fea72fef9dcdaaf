"""Wrong names, mistyped numbers, damaged files: one message each, never a traceback."""

import gzip
import os
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from diswot_errors import DataError, UsageError
from nb201_data import files
from nb201_data.__main__ import main
from nb201_data.ground_truth import available, load_ground_truth
from nb201_data.hashes import table_hash
from nb201_data.images import load_images
from nb201_data.last_epochs import copy_last_epochs
from nb201_data.numerals import real, shown, whole
from nb201_data.official import convert
from nb201_data.skeleton import BOUNDS, Skeleton
from nb201_data.space import distinct_cells
from nb201_data.spaces import get_space
from proxies import score, select

CELLS = [str(cell) for cell in distinct_cells()[:40]]
LONG = "9" * 5_000


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("017", 17), ("1000000000", 10**9), ("1000000001", None), ("", None), ("-1", None), ("1_0", None),
     ("²", None), ("٣", None), (" 1", None), ("1.0", None), (LONG, None)],
)  # fmt: skip
def test_whole_numbers(text: str, number: int | None) -> None:
    assert whole(text) == number


@pytest.mark.parametrize("text", ["70.5", "+7e1", ".5", "5.", "0", "-1", "1e-3"])
def test_real_numbers(text: str) -> None:
    assert real(text) == float(text)


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1_0", "70,5", "7O", "²", "٣", "0x1", "1e", "1e999", "--1", LONG, "1e5000"]
)
def test_no_real_numbers(text: str) -> None:
    assert real(text) != real(text)


def test_what_is_quoted_is_short_and_harmless() -> None:
    assert (
        shown("abc") == "'abc'"
        and shown("\x1b[31m\ud800\0") == "'\N{REPLACEMENT CHARACTER}[31m" + "\N{REPLACEMENT CHARACTER}" * 2 + "'"
    )
    assert shown("x" * 200_000).endswith("...' (200,000 characters)") and len(shown("x" * 200_000)) < 100


@pytest.mark.parametrize(
    "name",
    ["embedded:10@²", "embedded:10@٣", f"embedded:10@{LONG}", "embedded:10@", "embedded:10@-8", "embedded:10@1_6",
     "embedded:²", f"embedded:{LONG}", "embedded:1_0", "embedded:-5", "cifar11@²", "\ud800", LONG, "cifar10\0"],
)  # fmt: skip
def test_names_of_images(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_images(name)
    assert len(str(caught.value)) < 400 and str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    ["c99999999n0k100r16", "c16n999999k10r32", "c16n5k10r99999", "c16n5k999999999r32", f"c{LONG}n5k10r32",
     f"c16n5k{LONG}r32", "c²n5k10r32", "c16n5k٣r32", "c0n5k10r32", "", LONG, "c16n5k10r32\n"],
)  # fmt: skip
def test_skeletons_are_bounded(text: str) -> None:
    with pytest.raises(UsageError, match=r"impossible skeleton .* from 1 to 1,024|unknown skeleton") as caught:
        Skeleton.parse(text)
    assert len(str(caught.value)) < 300


def test_the_bounds_themselves_are_allowed() -> None:
    for side in (0, 1):
        Skeleton(*(bound[side] for bound in BOUNDS.values()))


@pytest.mark.parametrize("text", [LONG, "²", "٣", "\0", "|" * 100_000])
def test_architectures(text: str) -> None:
    for space in ("nb201", "s0"):
        with pytest.raises(UsageError):
            get_space(space).parse(text)


# --- a table of the user's --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"{CELLS[0]},inf,,", "column 'accuracy': 'inf', expected an accuracy in percent"),
        (f"{CELLS[0]},nan,,", "column 'accuracy': 'nan'"),
        (f"{CELLS[0]},7_0,,", "column 'accuracy': '7_0'"),
        (f"{CELLS[0]},7O.5,,", "column 'accuracy': '7O.5'"),
        (f'{CELLS[0]},"70,5",,', "column 'accuracy': '70,5'"),
        (f"{CELLS[0]},٧٠,,", "column 'accuracy': '٧٠'"),
        (f"{CELLS[0]},{LONG},,", r"column 'accuracy': '9+\.\.\.' \(5,000 characters\)"),
        (f"{CELLS[0]},{'7' * 200_000},,", "line 2: not a CSV table .field larger than field limit"),
        (f"{CELLS[0]},70,1.5,", "column 'seed': '1.5', expected a whole number from 0"),
        (f"{CELLS[0]},70,{LONG},", "column 'seed': .*expected a whole number"),
        (f"{CELLS[0]},70,1_0,", "column 'seed': '1_0'"),
        (f"{CELLS[0]},70,-1,", "column 'seed': '-1'"),
        (f"{CELLS[0]},70,0,c99999999n0k100r16", "column 'skeleton': impossible skeleton"),
        (f"{CELLS[0]},70,0,c{LONG}n0k100r16", "column 'skeleton': unknown skeleton"),
        (f"{CELLS[0]},70,\0,", "column 'seed': .* holds characters that cannot be printed"),
        (f"{CELLS[0]}\x1b[2J,70,0,", "column 'arch': .* holds characters that cannot be printed"),
        ("x" * 100_000 + ",70,0,", "column 'arch': malformed cell"),
    ],
)
def test_a_row_that_is_wrong(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"arch,accuracy,seed,skeleton\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        load_ground_truth(path)
    assert len(str(caught.value)) < 1_000 and "\x1b" not in str(caught.value) and "\0" not in str(caught.value)


@pytest.mark.parametrize("images", ["cifar10@²", f"cifar10@{LONG}", "cifar10@", "cifar10@3", "cifar10@99999"])
def test_images_of_a_row(tmp_path: Path, images: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"arch,accuracy,images\n{CELLS[0]},70,{images}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2, column 'images': "):
        load_ground_truth(path)


def test_a_table_is_the_same_or_refused_whatever_bit_flips(tmp_path: Path) -> None:
    """200 flips of one bit in a gzipped table: the table or a message; 39 of them were a traceback once."""
    rng = random.Random(0)
    lines = [f"{cell},{rng.uniform(10, 90):.2f}" for cell in CELLS]
    packed = gzip.compress(("arch,accuracy\n" + "\n".join(lines) + "\n").encode(), mtime=0)
    path = tmp_path / "mine.csv.gz"
    path.write_bytes(packed)
    right, refused = load_ground_truth(path).values, 0
    for seed in range(200):
        bit = random.Random(seed).randrange(8 * len(packed))
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            assert load_ground_truth(path).values == right
        except DataError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 150


def test_a_table_of_random_bytes(tmp_path: Path) -> None:
    for seed in range(100):
        rng = random.Random(seed)
        start = rng.choice(
            [b"", b"arch,accuracy\n", b"\x1f\x8b", b"\x1f\x8b\x08\x00", b'arch,accuracy\n"', b"\xff\xfe"]
        )
        path = tmp_path / "mine.csv"
        path.write_bytes(start + rng.randbytes(rng.randrange(300)))
        with pytest.raises(DataError, match=r"mine\.csv"):
            load_ground_truth(path)


def test_table_hash_of_anything(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for cell in ("[" * 100_000, LONG, "-" + LONG, "1e999", "NaN", '{"a": ' * 3_000):
        path.write_text(f'a\n"{cell}"\n' if '"' not in cell else "a\n" + cell + "\n", encoding="utf-8")
        assert len(table_hash(path)) == 64


# --- folders and files that may not be read ---------------------------------------------------------------------------


@pytest.fixture
def locked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that may not be entered, also for root."""
    stat = os.stat

    def refuse(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(str(folder)):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", refuse)
    return folder


@pytest.mark.parametrize("name", ["nb201:cifar100:test:200", "s0:kd", "vit:pit:cifar100:kd"])
def test_a_locked_data_folder(locked: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be looked at .Permission denied.: check .* permissions"):
        load_ground_truth(name)


def test_a_locked_data_folder_in_lists(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = {one.name for one in available() if one.n is None}
    assert "nb201:cifar100:test:200" in broken and "s0:kd" in broken
    assert main(["list"]) == 0
    assert "broken" in capsys.readouterr().out
    with pytest.raises(DataError, match="cannot be read"):
        load_images("cifar100")
    assert {state.state for state in files.verify(["cifar100"])} == {"unreadable"}


@pytest.mark.parametrize("name", ["x" * 5_000 + ".csv", "~no-such-user/mine.csv", "\0.csv", "\ud800.csv", "."])
def test_paths_that_are_none(name: str) -> None:
    with pytest.raises((UsageError, DataError)):
        load_ground_truth(name)


# --- the official file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [True, False])
def test_a_damaged_file_of_torch_save(tmp_path: Path, new: bool) -> None:
    """100 flips and 40 cuts of a small file of the same kind: a copy or a message."""
    curve = {f"x-valid@{epoch}": 1.5 * epoch for epoch in range(20)}
    content = {
        "meta_archs": CELLS,
        "arch2infos": {i: {"full": dict(curve), "less": {0: 1.0, 1: 2.0}} for i in range(5)},
    }
    source, target = tmp_path / "made.pth", tmp_path / "copy.pth"
    torch.save(content, source, _use_new_zipfile_serialization=new)
    whole_file = source.read_bytes()
    copy_last_epochs(source, target)
    rng = random.Random(0)
    damaged = [whole_file[: rng.randrange(len(whole_file))] for _ in range(40)]
    for _ in range(100):
        flipped = bytearray(whole_file)
        flipped[rng.randrange(len(whole_file))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    refused = 0
    for one in damaged:
        source.write_bytes(one)
        try:
            convert(source, tmp_path / "table.csv.gz")
        except DataError as error:
            assert "made.pth" in str(error)
            refused += 1
    assert refused == len(damaged)  # the made-up file holds too few cells in any case


def test_an_official_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    source = tmp_path / "made.pth"
    source.write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"cannot be read .Permission denied.*TMPDIR"):
        convert(source, tmp_path / "table.csv.gz")


# --- scores -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (None, "a batch of NoneType and NoneType"),
        ((torch.zeros(4, 3, 8, 8),), "expected two tensors"),
        ((torch.zeros(4, 3, 8, 8), [0, 1, 2, 3]), "a batch of Tensor and list"),
        ((torch.zeros(()), torch.zeros(())), "expected two tensors"),
        ((torch.zeros(4, 3, 8, 8), torch.tensor(1)), "as many integer labels"),
        ((torch.zeros(4, 3, 8, 8), torch.tensor([True, False, True, False])), "as many integer labels"),
        ((torch.zeros(4, 3, 8, 8), torch.zeros(4, dtype=torch.complex64)), "as many integer labels"),
        ((torch.zeros(4, 3, 8, 8), torch.tensor([0, 1, -1, 2])), "label -1: expected labels from 0"),
    ],
)
def test_batches_that_are_none(batch: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        score(torch.nn.Linear(2, 2), "params", batch)


@pytest.mark.parametrize("names", [5, None, ["snip", 7], [None]])
def test_names_that_are_none(names: Any) -> None:
    with pytest.raises(UsageError, match="a proxy is named by a text"):
        select(names)
