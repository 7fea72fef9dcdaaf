"""A stream whose test images are taken out of the training split: what a search may look at."""

import torch

from benchmarks.distill.stream import Stream
from nb201_data.images import average_pool
from nb201_data.networks import Network


class HeldOutStream(Stream):
    """Every `share`-th training image of each class is kept back and tested on; the official test split is not used."""

    def __init__(
        self, images: str, padding: int, device: torch.device, teacher: Network | None, per_class: int, share: int
    ) -> None:
        super().__init__(images, padding, device, teacher, per_class)
        held = torch.zeros(len(self._y), dtype=torch.bool, device=device)
        for label in self._y.unique():
            held[(self._y == label).nonzero()[share - 1 :: share, 0]] = True
        x = average_pool(self._x[held], self._factor) if self._factor > 1 else self._x[held]
        self._test = x, self._y[held]
        self._x, self._y = self._x[~held], self._y[~held]
        self._key = None if teacher is None else self._teacher_key(teacher)
