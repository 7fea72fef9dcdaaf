"""Every score that the grammar of `formula` makes of one to three scores, and how each ranks. Exhaustive, in blocks.

Of k scores: k as they are; sums of logs of ranks and sums of ranks, C(k,2) + C(k,3) each; products in which each score
stands above or below the line, but not all below: 3 C(k,2) + 7 C(k,3).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.statistics.formula import Formula, Term, log_value
from benchmarks.statistics.resamples import Array

MOST = 3  # scores in one
CHUNK = 2**17  # values ranked at a time: they stay in the cache


@dataclass(frozen=True)
class Block:
    """Candidates of one form. members (N, w): which scores; below: of these w places those under the line."""

    form: str  # 'score', 'logs', 'ranks', 'product'
    members: NDArray[np.intp]
    below: tuple[bool, ...]

    def formula(self, row: int, names: Sequence[str]) -> Formula:
        """The candidate of that row, spelt with the names of the scores."""
        chosen = [names[member] for member in self.members[row]]
        if self.form in ("logs", "ranks"):
            return Formula(tuple(sorted(Term((name,), ranked=self.form == "ranks") for name in chosen)))
        above = tuple(sorted(name for name, low in zip(chosen, self.below, strict=True) if not low))
        return Formula((Term(above, tuple(sorted(name for name in chosen if name not in above))),))

    def values(self, part: slice, base: Base) -> Array:
        """(c, m) of these rows; NaN or infinity where a product has none, minus infinity where it is 0."""
        members = self.members[part]
        source = {"score": base.turned, "logs": base.ranks, "ranks": base.ranks, "product": base.logs}[self.form]
        total = source[members[:, 0]] * (-1 if self.below[0] else 1)
        with np.errstate(invalid="ignore"):  # 0 / 0
            for place, low in enumerate(self.below[1:], 1):
                if self.form == "logs":
                    total = total * source[members[:, place]]  # orders as the sum of logs; exact
                else:
                    total = total - source[members[:, place]] if low else total + source[members[:, place]]
        return total


@dataclass(frozen=True)
class Base:
    """What all candidates of one seed are made from, (k, m) each: values with more being better, ranks, logs."""

    turned: Array
    ranks: Array
    logs: Array


def base_of(values: Array, lower: Sequence[bool]) -> Base:
    """From values (k, m) as scored."""
    turned = np.where(np.array(lower)[:, None], -values, values)
    logs = np.stack([log_value(row, low) for row, low in zip(values, lower, strict=True)])
    return Base(turned, scipy.stats.rankdata(turned, axis=1), logs)


def blocks(scores: int) -> list[Block]:
    """All candidates that so many scores make."""
    found = [Block("score", np.arange(scores)[:, None], (False,))]
    for width in range(2, MOST + 1):
        members = np.array(list(itertools.combinations(range(scores), width)), dtype=np.intp).reshape(-1, width)
        found += [Block(form, members, (False,) * width) for form in ("logs", "ranks")]
        sides = [below for below in itertools.product((False, True), repeat=width) if not all(below)]
        found += [Block("product", members, below) for below in sides]
    return found


def count(scores: int) -> int:
    """How many there are."""
    return scores + sum((2 + 2**width - 1) * comb(scores, width) for width in range(2, MOST + 1))


def spearman(candidates: Sequence[Block], base: Base, accuracies: Array) -> Array:
    """(N, T) of every candidate, in the order of the blocks, with every truth (T, m); NaN where one has no value."""
    ranks = _unit(scipy.stats.rankdata(accuracies, axis=1))
    return np.concatenate([_unit(_midranks(values)) @ ranks.T for values in _chunks(candidates, base)])


def _chunks(candidates: Sequence[Block], base: Base) -> Iterator[Array]:
    size = max(1, CHUNK // base.turned.shape[1])
    for block in candidates:
        for begin in range(0, len(block.members), size):
            yield block.values(slice(begin, begin + size), base)


def _midranks(values: Array) -> Array:
    """(c, m) ranks from 1 in each row, equal values sharing their mean; rows with a NaN or infinity are NaN."""
    places = np.arange(values.shape[1], dtype=np.int32)
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    edge = np.ones((len(values), values.shape[1] + 1), dtype=bool)
    edge[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(edge[:, :-1], places, 0), axis=1)
    backwards = np.where(edge[:, 1:], places, places[-1])[:, ::-1]
    last = np.minimum.accumulate(backwards, axis=1)[:, ::-1]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (first + last) / 2 + 1, axis=1)
    found[~(values < np.inf).all(axis=1)] = np.nan
    return found


def _unit(ranks: Array) -> Array:
    """Rows centred and of length 1, so that a product of two is their correlation; NaN where a row is constant."""
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return centred / np.where(length > 0, length, np.nan)
