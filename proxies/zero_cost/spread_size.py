"""The score of this bench: how large the living part of a network is, times how differently images pull at it."""

import math

import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable
from proxies.evidence import Evidence
from proxies.evidence.spectrum import correlation
from proxies.registry import proxy

PAPER = "this bench (docs/score.md)"
K = 1e-5


@proxy("root_size_alive", direction="higher", needs=["alive"], paper=PAPER, equal_on_equals=True)
def root_size_alive(evidence: Evidence) -> float:
    """sum over the layers that are alive, the classifier aside, of ln(C_out) sqrt(number of weights).

    Convolutions and linear layers; alive: the image changes their output, they the logits. In a network of convolutions
    it is `conv_root_size` without the dead ones; 0 where nothing leads from the images to the logits.
    """
    heads = [x.name for x in evidence.layers if isinstance(x.module, nn.Linear) and len(x.weight) == evidence.classes]
    body = [layer for layer in evidence.layers if layer.name in evidence.alive and layer.name not in heads[-1:]]
    return sum(math.log(len(layer.weight)) * math.sqrt(layer.weight.numel()) for layer in body)


@proxy("gradient_spread", direction="higher", needs=["input_gradient"], paper=PAPER, equal_on_equals=True)
def gradient_spread(evidence: Evidence) -> Tensor:
    """-mean over pairs of images of ln(|corr_ij| + 1e-5), corr between d(sum of logits)/dx_i and _j.

    0 where all images pull alike, about 1 + ln sqrt(pixels) where they pull at random: correlations of two random
    directions of d numbers are about 1 / sqrt(d). An image that changes no logit is told from no other: its pairs count
    as alike. No labels, no teacher.
    """
    gradient = evidence.input_gradient.double().flatten(1)
    if not bool(gradient.any()):
        raise NotApplicable("no image changes the logits: there is no gradient to compare")
    first, second = torch.triu_indices(len(gradient), len(gradient), offset=1)
    silent = ~gradient.any(1)
    alike = torch.where(silent[first] | silent[second], 1, correlation(gradient)[first, second].abs())
    return -torch.log(alike + K).mean()


@proxy("spread_size", direction="higher", needs=["alive", "input_gradient"], paper=PAPER, equal_on_equals=True)
def spread_size(evidence: Evidence) -> Tensor | float:
    """root_size_alive * gradient_spread; 0 where no image reaches the logits.

    A product, so that each part counts by how far it spreads in a space: nothing is weighed, nothing fitted to
    accuracies. Of a single network as of a set.
    """
    size = root_size_alive(evidence)
    return size * gradient_spread(evidence) if size else 0.0
