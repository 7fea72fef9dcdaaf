"""From numbers to places on a sheet: linear and logarithmic axes with round ticks, for any finite numbers."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

HUGE = sys.float_info.max


@dataclass(frozen=True)
class Axis:
    """The numbers from `low` to `high`, drawn from `start` to `end`; what lies beyond is drawn at the edge."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a number is drawn; halves are compared, so that no difference overflows."""
        span = self.high / 2 - self.low / 2
        share = (value / 2 - self.low / 2) / span if span > 0 else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def beyond(self, values: Sequence[float]) -> int:
        """How many numbers have no place of their own."""
        return sum(not self.low <= value <= self.high for value in values)

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Round numbers on the axis, at most about `most`, with what is written there."""
        raw = (self.high / 2 - self.low / 2) / (most / 2)
        power = math.floor(math.log10(raw)) if raw > 0 else -400
        if not -300 < power < 307:
            return [(value, _written(value, 20)) for value in (self.low, self.high)]
        step = next(m * 10.0**power for m in (1, 2, 5, 10) if m * 10.0**power >= raw)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        places = [place * step for place in range(first, last + 1)][: 2 * most + 2]
        return [(value, _written(value, -math.floor(math.log10(step)))) for value in places]


def covering(values: Sequence[float], start: float, end: float, *, bulk: bool = False) -> Axis:
    """An axis over numbers with a margin of 5 %.

    bulk: where a few lie far from the others, the axis leaves them out: it reaches no further beyond the middle 90 %
    than these are wide, so that one failed network does not flatten all others.
    """
    known = sorted(values) or [0.0, 1.0]
    low, high = known[0], known[-1]
    if bulk:
        inner = known[len(known) // 20], known[len(known) - 1 - len(known) // 20]
        reach = inner[1] / 2 - inner[0] / 2
        if 0 < reach < HUGE / 4:
            low, high = max(low, inner[0] - 2 * reach), min(high, inner[1] + 2 * reach)
    margin = 0.1 * (high / 2 - low / 2) or abs(low) * 0.05 or 0.5
    return Axis(max(-HUGE, low - margin), min(HUGE, high + margin), start, end)


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of ten between two positive numbers, and their multiples where there are few: (log10, what is written)."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for multiples in ((1,), (1, 2, 5), range(1, 10)):
        found = [m * 10.0**power for power in range(max(first, -307), last + 1) for m in multiples]
        inside = [value for value in found if low <= value <= high]
        if len(inside) > 2:
            break
    return [(math.log10(value), f"{value:g}") for value in inside[:: math.ceil(len(inside) / 6) or 1]]


def _written(value: float, digits: int) -> str:
    if value != 0 and (abs(value) >= 1e6 or digits > 4):
        return _scientific(value)
    text = f"{value:.{min(4, max(0, digits))}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def _scientific(value: float) -> str:
    """'1.5e−5', '2e7'."""
    mantissa, power = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}".replace("-", "−")
