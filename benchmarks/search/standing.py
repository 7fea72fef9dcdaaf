"""Where a score stands within a fixed set of others: what makes different proxies comparable. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The scores of the references under one proxy, higher is better; ascending, each value once."""

    values: tuple[float, ...]
    shares: tuple[float, ...]
    """The share of the references below each value, those equal to it counting half."""

    @classmethod
    def of(cls, scores: Sequence[float]) -> "Scale":
        """The scale that these scores span."""
        values = sorted(set(scores))
        shares, below = [], 0
        for value in values:
            equal = sum(score == value for score in scores)
            shares.append((below + equal / 2) / len(scores))
            below += equal
        return cls(tuple(values), tuple(shares))

    def standing(self, score: float) -> float:
        """The share of references that `score` beats, linear between two of them.

        A search leaves the references behind. Beyond them the standing goes on rising, by x / (1 + x) with x the
        distance to the last of them in units of their range, so that it never stops telling two networks apart.
        """
        values, shares = self.values, self.shares
        span = (values[-1] - values[0]) or 1.0
        if score >= values[-1]:
            excess = (score - values[-1]) / span
            return shares[-1] + excess / (1 + excess)
        if score <= values[0]:
            excess = (values[0] - score) / span
            return shares[0] - excess / (1 + excess)
        upper = next(i for i, value in enumerate(values) if value > score)
        lower = upper - 1
        part = (score - values[lower]) / (values[upper] - values[lower])
        return shares[lower] + part * (shares[upper] - shares[lower])
