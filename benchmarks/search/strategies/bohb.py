"""A variant of BOHB: Hyperband whose configurations come from a tree-structured Parzen estimator.

Written out here rather than taken from a library: HpBandSter is no longer kept, and in Optuna successive halving is a
pruner of trials that report on their own, whose random state cannot be saved and whose cost per rung cannot be counted.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Evaluation, Strategy, Trial
from benchmarks.search.registry import strategy
from diswot_errors import UsageError

ATTEMPTS = 10
GOOD = 0.15  # the share of the observations that counts as good
Codes = NDArray[np.intp]


class CategoricalDensity:
    """Product kernel density over categorical codes (n, d): p(x) = mean_i prod_j K_j(x_j, x_ij), Aitchison-Aitken.

    K_j = 1 - h_j where the choices are equal and h_j / (c_j - 1) where not, c_j choices at position j. Bandwidth
    h_j = g_j n^(-1/(4 + d)), at least `least` and at most (c_j - 1) / c_j, the uniform distribution; the spread of the
    choices is g_j = 1 - sum_c p_c^2. (The usual reference rule takes the standard deviation of the
    choices' numbers. Those have no order, and with five choices the kernel would mostly be uniform.)
    """

    def __init__(self, codes: Codes, sizes: Sequence[int], least: float) -> None:
        self.codes = codes
        count = np.asarray(sizes, dtype=float)
        n, d = codes.shape
        shares = [np.bincount(column, minlength=size) / n for column, size in zip(codes.T, sizes, strict=True)]
        spread = np.array([1 - (share**2).sum() for share in shares])
        reference = spread * n ** (-1 / (4 + d))
        self.bandwidth = np.minimum(np.maximum(reference, least), (count - 1) / count)
        self._other = self.bandwidth / np.maximum(count - 1, 1)

    def __call__(self, points: Codes) -> NDArray[Any]:
        """The density (m,) at points (m, d)."""
        equal = points[:, None, :] == self.codes[None, :, :]
        density: NDArray[Any] = np.where(equal, 1 - self.bandwidth, self._other).prod(axis=2).mean(axis=1)
        return density


@strategy("bohb", paper="a variant of Falkner et al., ICML 2018 (BOHB)")
class Bohb(Strategy):
    """Successive halving over the fidelities, fed by a model of what good networks look like.

    A round runs every bracket once: the first starts eta^(rungs - 1) x `width` networks at the lowest fidelity and
    hands the best 1/eta of each rung to the next; the last starts at the full fidelity. With two fidelities (12 and 200
    epochs) that is one halving and one plain bracket; with one fidelity it is the Parzen estimator alone. A new network
    is drawn at random with probability `random_fraction`, else it is the one among `samples` drawn around the good ones
    with the largest ratio good(x) / bad(x), by the observations at the highest fidelity that has enough. The model does
    not propose what it has already seen at that fidelity: here the value would be the same. (BOHB, made for noisy
    values, may.) The least bandwidth, 0.3, is that of the search experiments of NAS-Bench-201.
    """

    def __init__(
        self,
        problem: SearchProblem,
        seed: int,
        *,
        eta: int = 3,
        width: int = 3,
        samples: int = 64,
        random_fraction: float = 1 / 3,
        least_bandwidth: float = 0.3,
    ) -> None:
        super().__init__(problem, seed)
        if eta < 2 or width < 1 or samples < 1 or not 0 <= random_fraction <= 1 or not 0 < least_bandwidth < 1:
            raise UsageError(
                f"bohb: eta >= 2, width and samples >= 1, 0 <= random_fraction <= 1, 0 < least_bandwidth < 1; "
                f"got {eta}, {width}, {samples}, {random_fraction}, {least_bandwidth}"
            )
        self.eta, self.width, self.samples = eta, width, samples
        self.random_fraction, self.least = random_fraction, least_bandwidth
        self.sizes = [len(choices) for choices in problem.choices]
        self._observed: dict[int, list[tuple[float, tuple[int, ...]]]] = defaultdict(list)
        self._bracket = 0  # the fidelity at which the current bracket starts
        self._promoted: list[Any] = []
        self._rung = 0

    def propose(self) -> list[Trial]:
        """The next rung: the promoted networks, or the start of the next bracket."""
        if not self._promoted:
            rungs = len(self.problem.fidelities) - self._bracket
            number = self.width * self.eta ** (rungs - 1)
            self._rung, self._promoted = self._bracket, self._new(number)
            self._bracket = (self._bracket + 1) % len(self.problem.fidelities)
        return [Trial(arch, self.problem.fidelities[self._rung]) for arch in self._promoted]

    def learn(self, evaluations: Sequence[Evaluation]) -> None:
        """Remember the values, promote the best 1/eta."""
        for evaluation in evaluations:
            code = self.problem.encode(evaluation.trial.arch)
            self._observed[evaluation.trial.fidelity].append((evaluation.rank_value, code))
        self._rung += 1
        ranked = sorted((e for e in evaluations if e.value is not None), key=lambda e: e.rank_value, reverse=True)
        keep = len(evaluations) // self.eta if self._rung < len(self.problem.fidelities) else 0
        self._promoted = [evaluation.trial.arch for evaluation in ranked[:keep]]

    def _new(self, number: int) -> list[Any]:
        """`number` networks for the lowest rung of the bracket that starts now."""
        densities = self._densities()
        known = {code for _, code in self._observed[self.problem.fidelities[self._bracket]]}
        started = []
        for _ in range(number):
            started.append(self._draw(densities, known))
            known.add(self.problem.encode(started[-1]))
        return started

    def _densities(self) -> tuple[CategoricalDensity, ...] | None:
        """(good, bad) at the highest fidelity with enough observations, as BOHB counts: d + 1 of each."""
        least = len(self.sizes) + 1
        for fidelity in reversed(self.problem.fidelities):
            observed = sorted(self._observed[fidelity], key=lambda pair: pair[0], reverse=True)
            if len(observed) < least + 2:
                continue
            good = max(least, math.floor(GOOD * len(observed)))
            bad = max(least, len(observed) - good)
            codes = np.array([code for _, code in observed], dtype=np.intp)
            return tuple(CategoricalDensity(part, self.sizes, self.least) for part in (codes[:good], codes[-bad:]))
        return None

    def _draw(self, densities: tuple[CategoricalDensity, ...] | None, known: set[tuple[int, ...]]) -> Any:
        if densities is None or self.rng.random() < self.random_fraction:
            return self.problem.draw(self.rng)
        good, bad = densities
        drawn = [self._around(good) for _ in range(self.samples)]
        codes = [code for code in drawn if code is not None and code not in known]
        if not codes:
            return self.problem.draw(self.rng)
        points = np.array(codes, dtype=np.intp)
        ratio = np.maximum(good(points), 1e-32) / np.maximum(bad(points), 1e-32)
        return self.problem.decode(codes[int(ratio.argmax())])

    def _around(self, good: CategoricalDensity) -> tuple[int, ...] | None:
        """A good network, each choice kept or, with the bandwidth as probability, drawn anew; None if not allowed."""
        for _ in range(ATTEMPTS):
            centre = good.codes[self.rng.randrange(len(good.codes))].tolist()
            code = tuple(
                self.rng.randrange(size) if self.rng.random() < width else choice
                for choice, size, width in zip(centre, self.sizes, good.bandwidth, strict=True)
            )
            if self.problem.decode(code) is not None:
                return code
        return None
