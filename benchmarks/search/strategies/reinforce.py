"""RL: REINFORCE with a categorical policy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.problem import TRIES, SearchProblem
from benchmarks.search.protocol import Evaluation, Strategy, Trial
from benchmarks.search.registry import strategy
from diswot_errors import UsageError

BETAS = (0.9, 0.999)
EPSILON = 1e-8


@strategy("reinforce", paper="Williams 1992; Zoph and Le, ICLR 2017 (RL)")
class Reinforce(Strategy):
    """One softmax per edge, moved towards networks that beat a moving average of the values so far.

        pi(arch) = prod_e softmax(theta_e)[op_e];   theta += Adam((value - baseline) * d log pi / d theta)
        baseline = m * baseline + (1 - m) * value

    One network per update, Adam, learning rate 0.01 and m = 0.9 as in the search experiments of NAS-Bench-201. Adam
    makes the step independent of the scale of the values. A network that breaks a constraint is drawn again at no cost,
    after 200 of them in a row uniformly from those that meet it.
    """

    def __init__(
        self, problem: SearchProblem, seed: int, *, learning_rate: float = 0.01, momentum: float = 0.9
    ) -> None:
        super().__init__(problem, seed)
        if learning_rate <= 0 or not 0 <= momentum < 1:
            raise UsageError(f"reinforce: learning_rate > 0 and 0 <= momentum < 1; got {learning_rate} and {momentum}")
        self.rate, self.momentum = learning_rate, momentum
        sizes = [len(choices) for choices in problem.choices]
        self.theta = [np.zeros(size) for size in sizes]
        self._first = [np.zeros(size) for size in sizes]
        self._second = [np.zeros(size) for size in sizes]
        self._baseline: float | None = None
        self._steps = 0

    def policy(self) -> list[NDArray[Any]]:
        """The probabilities of the choices at each position."""
        exponents = [np.exp(theta - theta.max()) for theta in self.theta]
        return [weights / weights.sum() for weights in exponents]

    def propose(self) -> list[Trial]:
        """One network drawn from the policy."""
        policy = [probabilities.tolist() for probabilities in self.policy()]
        for _ in range(TRIES):
            code = [self.rng.choices(range(len(weights)), weights)[0] for weights in policy]
            arch = self.problem.decode(code)
            if arch is not None:
                break
        else:
            arch = self.problem.draw(self.rng)
        return [Trial(arch, self.problem.fidelities[-1])]

    def learn(self, evaluations: Sequence[Evaluation]) -> None:
        """One step of Adam along the policy gradient; a failed evaluation teaches nothing."""
        for evaluation in evaluations:
            if evaluation.value is None:
                continue
            baseline = evaluation.value if self._baseline is None else self._baseline
            advantage = evaluation.value - baseline
            self._baseline = self.momentum * baseline + (1 - self.momentum) * evaluation.value
            self._steps += 1
            for position, choice in enumerate(self.problem.encode(evaluation.trial.arch)):
                self._step(position, advantage, choice)

    def _step(self, position: int, advantage: float, choice: int) -> None:
        gradient = -self.policy()[position]
        gradient[choice] += 1
        gradient *= advantage
        first, second = self._first[position], self._second[position]
        first += (1 - BETAS[0]) * (gradient - first)
        second += (1 - BETAS[1]) * (gradient**2 - second)
        corrected = first / (1 - BETAS[0] ** self._steps)
        scale = np.sqrt(second / (1 - BETAS[1] ** self._steps))
        self.theta[position] += self.rate * corrected / (scale + EPSILON)
