"""Ranks within a set, for the proxies that are defined by them."""

import math
from collections.abc import Sequence


def ranks(values: Sequence[float]) -> list[float]:
    """1 for the smallest; equal values share the mean of their ranks. NaN cannot be ranked: leave it out before."""
    if any(math.isnan(v) for v in values):
        raise ValueError("a NaN has no rank: leave the network out")
    order = sorted(values)
    first = {v: i for i, v in reversed(list(enumerate(order)))}
    last = {v: i for i, v in enumerate(order)}
    return [(first[v] + last[v]) / 2 + 1 for v in values]


def log_ranks(*parts: Sequence[float]) -> list[float]:
    """sum over the parts of ln(rank / m) within the m values of each; 1 is the worst rank."""
    columns = [[math.log(rank / len(part)) for rank in ranks(part)] for part in parts]
    return [sum(row) for row in zip(*columns, strict=True)]
