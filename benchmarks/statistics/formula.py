"""Scores made of scores: one small grammar, for whoever ranks networks by more than one score.

    formula = term {"+" term}                  "+" joins ranks: `a + b` is the sum of the logs of both ranks
    term    = product | "rank(" product ")"    `rank(a) + rank(b)` is the plain sum of both ranks
    product = NAME {("*" | "/") NAME}          "*" and "/" join values: `meco*nst`, `synflow/params`

A NAME is a proxy or an aggregate. Whichever end of its scale predicts the better network, more of a formula is
better: a rank is 1 for the worst, equal values share the mean of their ranks, and in a product a score of which less
is better counts by its reciprocal. Where a part of a product is negative, or 0 below the line, the network has none;
0 above the line is the worst there is. Ranks are those within the set of networks that have all parts, so that a sum
of ranks is a score of a set; `alone` is the product of all terms, a score of one network.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import scipy

from benchmarks.statistics.resamples import Array
from diswot_errors import UsageError
from diswot_registry import did_you_mean

_TOKEN = re.compile(r"\s*(?:([a-z][a-z0-9_]*)|([-+*/()])|(\S))")
LOG_ZERO = -1e300
"""Stands for the log of a product that is 0, below every other."""
_SHOWN = 60  # characters of a text that a message repeats


@dataclass(frozen=True, order=True)
class Term:
    """A product of the scores `above` over those `below`; `ranked`: written rank(...)."""

    above: tuple[str, ...]
    below: tuple[str, ...] = ()
    ranked: bool = False

    def __str__(self) -> str:
        text = "/".join(["*".join(self.above), *self.below])
        return f"rank({text})" if self.ranked else text

    @property
    def names(self) -> tuple[str, ...]:
        """Every score, as often as it is written."""
        return (*self.above, *self.below)

    def values(self, columns: Mapping[str, Array], lower: Collection[str]) -> Array:
        """(n,) of one score its value, higher is better; of more the log of their product, NaN where there is none."""
        if len(self.names) == 1:
            (name,) = self.names
            return -columns[name] if name in lower else columns[name]
        logs = [log_value(columns[name], name in lower) for name in self.above]
        logs += [-log_value(columns[name], name in lower) for name in self.below]
        with np.errstate(invalid="ignore"):  # 0 / 0
            total = np.asarray(np.sum(logs, axis=0))
        return np.where(total == np.inf, np.nan, np.maximum(total, LOG_ZERO))


@dataclass(frozen=True)
class Formula:
    """Terms in alphabetical order: one is a score as it is, of several the ranks are joined."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " + ".join(map(str, self.terms))

    @property
    def names(self) -> tuple[str, ...]:
        """Every score that it takes, once."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.names))

    @property
    def alone(self) -> Formula:
        """For a single network, which has no rank: the product of all terms (the power of a mean changes no order)."""
        above = sorted(name for term in self.terms for name in term.above)
        below = sorted(name for term in self.terms for name in term.below)
        return Formula((Term(tuple(above), tuple(below)),))

    def values(self, columns: Mapping[str, Array], lower: Collection[str]) -> Array:
        """(n,) more is better; NaN where a network lacks a part. columns: NAME -> (n,) as scored, NaN for none.

        Logs of ranks are added as the log of their product, so that equal sums are equal to the bit.
        """
        parts = np.stack([term.values(columns, lower) for term in self.terms])
        if len(self.terms) == 1 and not self.terms[0].ranked:
            return np.asarray(parts[0])
        whole = np.asarray(~np.isnan(parts).any(axis=0))
        found = np.full(whole.shape, np.nan)
        if whole.any():
            ranks = scipy.stats.rankdata(parts[:, whole], axis=1)
            found[whole] = ranks.sum(axis=0) if self.terms[0].ranked else np.log(ranks.prod(axis=0))
        return found


def log_value(values: Array, lower: bool) -> Array:
    """ln v, or -ln v where less is better; ln 0 is minus infinity, NaN where v is negative."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(values >= 0, values, np.nan))
    return -logs if lower else logs


def parse(text: str, known: Collection[str]) -> Formula:
    """The formula that `text` spells with names out of `known`; `UsageError` with the place where it is none."""
    return _Parser(text, known).formula()


class _Parser:
    """Recursive descent over (token, place); the last token is empty."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self.text, self.known, self.next = text, known, 0
        found = [(match.group().strip(), match.end()) for match in _TOKEN.finditer(text.rstrip())]
        self.tokens = [(token, end - len(token) + 1) for token, end in found] + [("", len(text.rstrip()) + 1)]

    def formula(self) -> Formula:
        terms = [self.term()]
        while self.taken("+"):
            terms.append(self.term())
        if self.token:
            raise self.fault("'+', '*', '/' or the end")
        if len(terms) > 1 and len({term.ranked for term in terms}) > 1:
            bare = next(term for term in terms if not term.ranked)
            raise self.refusal(f"joins ranks and logs of ranks: write rank({bare}) too, or leave every rank(...) out")
        return Formula(tuple(sorted(terms)))

    def term(self) -> Term:
        if self.token == "rank" and self.tokens[self.next + 1][0] == "(":
            self.next += 2
            term = self.product()
            if not self.taken(")"):
                raise self.fault("')'")
            if self.token in ("*", "/"):
                raise self.refusal("multiplies ranks: '+' joins ranks (a + b adds their logs), '*' and '/' join values")
            return Term(term.above, term.below, ranked=True)
        return self.product()

    def product(self) -> Term:
        above, below = [self.name()], list[str]()
        while (sign := self.token) in ("*", "/"):
            self.next += 1
            (above if sign == "*" else below).append(self.name())
        return Term(tuple(sorted(above)), tuple(sorted(below)))

    def name(self) -> str:
        token = self.token
        if not re.match("[a-z]", token):
            raise self.fault("the name of a score")
        if token not in self.known:
            near = did_you_mean(token, self.known) or " `python -m benchmarks.correlation --list` lists them."
            raise self.refusal(f"names {token[:_SHOWN]!r}, which is no score.{near}")
        self.next += 1
        return token

    @property
    def token(self) -> str:
        return self.tokens[self.next][0]

    def taken(self, token: str) -> bool:
        """Whether the next token is this one, which is then passed."""
        found = self.token == token
        self.next += found
        return found

    def fault(self, expected: str) -> UsageError:
        token, place = self.tokens[self.next]
        return self.refusal(f"has {token[:_SHOWN]!r} at character {place}" if token else "ends too early", expected)

    def refusal(self, what: str, expected: str = "") -> UsageError:
        shown = self.text if len(self.text) <= _SHOWN else self.text[: _SHOWN - 3] + "..."
        rule = f": expected {expected}, as in 'jacob+synflow+nst', 'rank(jacob)+rank(nst)', 'meco*nst/params'"
        return UsageError(f"the score {shown!r} {what}{rule if expected else ''}")
