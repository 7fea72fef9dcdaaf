"""Copying a benchmark file so that of every training curve only the last epoch is left.

The official file is one pickle of 5.0 GB; nearly all of it are curves, `{0: 41.2, 1: 55.9, ...}` and
`{'x-valid@0': 38.1, ...}`, which take several times that memory once they are Python objects. They are dropped here,
opcode by opcode and before anything is unpickled, in a buffer of a few megabytes. The copy is again a file for
`torch.load`. (Measured on a made-up file of the same structure and 7.5 GB: the whole conversion peaks at 1.2 GiB.)
"""

import bisect
import pickletools
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from diswot_errors import DataError

_CHUNK = 1 << 22
_LONGEST = 1 << 31  # more than any part of a benchmark file
_AHEAD = 1 << 20  # more than any batch of 1,000 pairs takes
_NAMED = rb"X(.)\0\0\0((?:train|x-valid|x-test|ori-test)@\d{1,4})([qr])((?<=q).|(?<=r).{4})"
_KEY = rb"(?:(K.|M..|J.{4})|([hj])((?<=h).|(?<=j).{4})|" + _NAMED + rb")"
_PAIR = re.compile(_KEY + rb"(G.{8})", re.DOTALL)
_CURVE = re.compile(rb"\((?:" + _KEY + rb"G.{8}){2,}u", re.DOTALL)
_FIXED = {ord(op.code): op.arg.n if op.arg else 0 for op in pickletools.opcodes if not op.arg or op.arg.n >= 0}
_LINES = {ord(op.code): 1 for op in pickletools.opcodes if op.arg and op.arg.n == pickletools.UP_TO_NEWLINE}
_LINES |= dict.fromkeys(b"ci", 2)  # GLOBAL and INST: module and name
_DIGITS = {-2: 1, -3: 4, -4: 4, -5: 8}  # pickletools.TAKEN_FROM_ARGUMENT...: in how many bytes the length is written
_LENGTHS = {ord(op.code): _DIGITS[op.arg.n] for op in pickletools.opcodes if op.arg and op.arg.n in _DIGITS}
_MARK, _STOP, _PROTOCOL = b"(.\x80"


def copy_last_epochs(source: Path, target: Path) -> None:
    """Write to `target` the file that `torch.save` wrote to `source`, without the epochs before the last."""
    try:
        with source.open("rb") as stream, target.open("wb") as out:
            if zipfile.is_zipfile(source):
                _copy_zip(stream, out)
            else:
                for _ in range(5):  # magic number, protocol, system, the object, keys of tensors
                    _Copier(stream, out).copy()
                while block := stream.read(_CHUNK):
                    out.write(block)
    except OSError:
        raise
    except Exception as error:  # a cut or altered file can raise almost anything
        raise DataError(
            f"{source} is not a whole file of torch.save: {error}. It is truncated or something else: fetch it again"
        ) from error


def _copy_zip(stream: BinaryIO, out: BinaryIO) -> None:
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            with old.open(name) as member, new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as copy:
                if name.endswith("/data.pkl"):
                    _Copier(member, copy).copy()  # type: ignore[arg-type]
                else:
                    while block := member.read(_CHUNK):
                        copy.write(block)


class _NoPickleError(Exception):
    """The stream is no pickle, or ends within one."""


class _Copier:
    """Copies one pickle; text that was dropped with its epoch is spelt out where the pickle refers to it later."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self.source, self.target = source, target
        self.buffer, self.at, self.copied = b"", 0, 0  # bytes before `copied` are written, before `at` looked at
        self.ended = False
        self.protocol = 0
        self.starts: list[int] = []  # memo numbers of the first key of each named curve
        self.keys: list[tuple[bytes, ...]] = []  # its keys, numbered consecutively
        self.kept: list[frozenset[int]] = []  # those of the numbers that are still defined
        self.shared: dict[tuple[bytes, ...], tuple[bytes, ...]] = {}
        self.highest = -1

    def copy(self) -> None:
        """Copy up to and including STOP; what the source holds beyond that stays unread."""
        while True:
            if not self._has(1):
                raise _NoPickleError("it ends within a pickle")
            code = self.buffer[self.at]
            if code == _MARK and self._curve():
                continue
            end = self._end(code)
            if code in b"hjg":
                self._refer(code, end)
            elif code in b"qrp" and self._number(self.buffer[self.at : end]) <= self.highest:
                raise _NoPickleError("it numbers its parts out of order")
            elif code == _PROTOCOL:
                self.protocol = self.buffer[self.at + 1]
            self.at = end
            if code == _STOP:
                break
        self._flush()
        if rest := len(self.buffer) - self.at:
            self.source.seek(-rest, 1)

    def _has(self, count: int) -> bool:
        """Whether `count` bytes from `at` on are in the buffer, after reading more where needed."""
        while not self.ended and len(self.buffer) - self.at < max(count, _AHEAD):
            block = self.source.read(_CHUNK)
            self.ended = not block
            self._flush()
            self.buffer, self.at, self.copied = self.buffer[self.at :] + block, 0, 0
        return len(self.buffer) - self.at >= count

    def _flush(self) -> None:
        if self.copied < self.at:
            self.target.write(memoryview(self.buffer)[self.copied : self.at])
        self.copied = self.at

    def _replace(self, end: int, text: bytes) -> None:
        self._flush()
        self.target.write(text)
        self.at = self.copied = end

    def _end(self, code: int) -> int:
        """Where the opcode at `at` ends."""
        if code in _FIXED:
            length = 1 + _FIXED[code]
        elif code in _LENGTHS:
            digits = _LENGTHS[code]
            if not self._has(1 + digits):
                raise _NoPickleError("it ends within a pickle")
            length = 1 + digits + int.from_bytes(self.buffer[self.at + 1 : self.at + 1 + digits], "little")
        elif code in _LINES:
            length = 1
            for _ in range(_LINES[code]):
                found = self.buffer.find(b"\n", self.at + length)
                length = found + 1 - self.at
                if not found + 1:
                    raise _NoPickleError("it has a line without end")
        else:
            raise _NoPickleError(f"byte {code:#04x} starts no part of a pickle")
        if length > _LONGEST:
            raise _NoPickleError(f"it claims a part of {length} bytes")
        if not self._has(length):
            raise _NoPickleError("it ends within a pickle")
        return self.at + length

    def _curve(self) -> bool:
        """Copy the last epochs of the curve that starts at `at`, if one does."""
        if self.protocol > 3:
            return False  # frames and implicit numbers: nothing can be left out
        self._has(_AHEAD)
        match = _CURVE.match(self.buffer, self.at)
        if match is None:
            return False
        pairs = _PAIR.findall(self.buffer, self.at + 1, match.end() - 1)
        kept = self._numbered(pairs) if pairs[0][0] else self._named(pairs)
        if kept is not None:
            self._replace(match.end(), b"(" + kept + b"u")
        return kept is not None

    def _numbered(self, pairs: list[tuple[bytes, ...]]) -> bytes | None:
        """`{0: a, ..., 199: b}`."""
        if not all(pair[0] for pair in pairs):
            return None
        last = max(pairs, key=lambda pair: int.from_bytes(pair[0][1:], "little"))
        return last[0] + last[-1]

    def _named(self, pairs: list[tuple[bytes, ...]]) -> bytes | None:
        """`{'x-valid@0': a, ..., 'x-test@199': b}`; None where it cannot be shortened safely."""
        texts, defined = [], list[int]()
        for _, get, old, length, text, put, new, _ in pairs:
            if get:
                found = self._text(int.from_bytes(old, "little"))
                if found is None:
                    return None
                texts.append(found)
            elif put and length[0] == len(text):
                texts.append(text)
                defined.append(int.from_bytes(new, "little"))
            else:
                return None
        last: dict[bytes, tuple[int, int]] = {}  # name -> (epoch, position)
        for position, text in enumerate(texts):
            name, _, epoch = text.partition(b"@")
            last[name] = max(last.get(name, (-1, -1)), (int(epoch), position))
        positions = sorted(position for _, position in last.values())
        if defined and not self._define(defined, pairs, texts, positions):
            return None
        return b"".join(self._key(pairs[i], texts[i]) + pairs[i][-1] for i in positions)

    def _define(self, numbers: list[int], pairs: list[tuple[bytes, ...]], texts: list[bytes], kept: list[int]) -> bool:
        """Remember the keys that this curve numbers; False where it does not number all of them in a row."""
        if len(numbers) != len(pairs) or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            return False
        if numbers[0] <= self.highest:
            raise _NoPickleError("it numbers its parts out of order")
        keys = tuple(texts)
        self.starts.append(numbers[0])
        self.keys.append(self.shared.setdefault(keys, keys))
        self.kept.append(frozenset(numbers[i] for i in kept))
        self.highest = numbers[-1]
        return True

    def _key(self, pair: tuple[bytes, ...], text: bytes) -> bytes:
        """The opcode of a key: as it was, or spelt out where it refers to one that was dropped."""
        _, get, old, length, _, put, new, _ = pair
        if get:
            dropped = self._dropped(int.from_bytes(old, "little"))
            return get + old if dropped is None else dropped
        return b"X" + length + b"\0\0\0" + text + put + new

    def _refer(self, code: int, end: int) -> None:
        dropped = self._dropped(self._number(self.buffer[self.at : end]))
        if dropped is not None:
            self._replace(end, dropped)

    def _number(self, opcode: bytes) -> int:
        """The memo number in a GET or PUT."""
        return int(opcode[1:-1]) if opcode[0] in b"gp" else int.from_bytes(opcode[1:], "little")

    def _block(self, number: int) -> int | None:
        """Which remembered curve defined this memo number."""
        if number > self.highest or not self.starts or number < self.starts[0]:
            return None
        block = bisect.bisect_right(self.starts, number) - 1
        return block if number < self.starts[block] + len(self.keys[block]) else None

    def _text(self, number: int) -> bytes | None:
        block = self._block(number)
        return None if block is None else self.keys[block][number - self.starts[block]]

    def _dropped(self, number: int) -> bytes | None:
        """The text of a key whose definition was left out, as an opcode."""
        block = self._block(number)
        if block is None or number in self.kept[block]:
            return None
        text = self.keys[block][number - self.starts[block]]
        return b"X" + len(text).to_bytes(4, "little") + text
