"""Numbers that people write: what Python reads beyond that (`1_0`, `²`, `inf`, 5,000 digits) is a mistake here."""

import math
import re

_WHOLE = re.compile(r"[0-9]{1,18}")
_REAL = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_SHOWN = 60


def whole(text: str, most: int = 10**9) -> int | None:
    """A whole number from 0 to `most` in plain digits, or None."""
    number = int(text) if _WHOLE.fullmatch(text) else -1
    return number if 0 <= number <= most else None


def real(text: str) -> float:
    """A decimal number; NaN where the text is none or it is too large."""
    number = float(text) if _REAL.fullmatch(text) else math.nan
    return number if math.isfinite(number) else math.nan


def shown(text: str) -> str:
    """A text as a message quotes it: in one line, with nothing that a terminal obeys, not longer than it helps."""
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: _SHOWN + 1])
    return f"'{line}'" if len(text) <= _SHOWN else f"'{line[:_SHOWN]}...' ({len(text):,} characters)"
