"""Texts on their way into files and out: nothing that cannot be written, nothing that a spreadsheet would run."""

import re
from typing import Any

LONGEST = 20_000  # characters of one text in a file
# Control characters but tab and line ends, half surrogate pairs, marks that turn the writing, what is no character.
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_FORMULA = r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z"  # means the same to a spreadsheet as to a reader
_DANGEROUS, _DEFUSED = re.compile(f"(?!{_NUMBER})'*{_FORMULA}"), re.compile(f"'+{_FORMULA}")


def cleaned(text: str, longest: int = LONGEST) -> str:
    """A text that can be written: a replacement mark for what no file should hold, and at most so many characters."""
    whole = _BAD.sub("\ufffd", text)
    if len(whole) <= longest:
        return whole
    end = f" ... ({len(whole):,} characters)"
    return whole[: longest - len(end)] + end


def all_cleaned(content: Any) -> Any:
    """Plain data with every text in it cleaned, keys included."""
    if isinstance(content, str):
        return cleaned(content)
    if isinstance(content, dict):
        return {cleaned(str(key)): all_cleaned(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [all_cleaned(each) for each in content]
    return content


def checked(text: str, longest: int = LONGEST) -> str:
    """The text itself. Raises ValueError where `cleaned` would change it: no file of ours holds it."""
    if len(text) > longest:
        raise ValueError(f"{len(text):,} characters, expected at most {longest:,}")
    if found := _BAD.search(text):
        raise ValueError(f"the character U+{ord(found[0]):04X}, expected text without control characters")
    return text


def defused(text: str) -> str:
    """A text as a cell: after an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def restored(cell: str) -> str:
    """The text that `defused` made a cell of."""
    return cell[1:] if _DEFUSED.match(cell) else cell


def shown(content: Any) -> str:
    """A value in a message: short, on one line, whatever it holds."""
    text = ascii(content if not isinstance(content, str | bytes) else content[:100])
    return text if len(text) <= 80 else f"{text[:80]}..."
