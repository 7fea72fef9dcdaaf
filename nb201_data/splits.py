"""What is said of the images of every data set: which half of them, and a number for each colour."""

from typing import Literal

SplitName = Literal["train", "test"]
Triple = tuple[float, float, float]
