"""The evidence of one network on one batch, as proxies read it."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable, UsageError
from proxies.evidence.borrow import borrowed, seed_global
from proxies.evidence.capture import CONVOLUTION, Features, check_logits, classifier_weight, forward_features
from proxies.evidence.layers import Layer, hidden_weights
from proxies.evidence.norm import exact_batch_norm


@dataclass(frozen=True)
class TeacherEvidence:
    """What a teacher shows on a batch; made once by `teacher_evidence` and used for every student on that batch."""

    features: Features
    labels: Tensor
    classifier_weight: Tensor | None = None
    """(K, C) of the linear layer behind the logits."""
    x: Tensor | None = None
    """The images."""


@dataclass
class Evidence:
    """What the passes through one network gave. A field that no pass has filled cannot be read.

    B images, K classes; gradients are those of the mean cross-entropy; batch norm uses the statistics of the batch.
    """

    model: nn.Module
    x: Tensor
    """(B, 3, H, W)"""
    labels: Tensor
    """(B,)"""
    seed: int = 0
    precision: str = "fp32"
    teacher_evidence: TeacherEvidence | None = None
    found: dict[str, Any] = field(default_factory=dict)
    """What the passes filled in, by need."""
    seen_classes: int | None = None

    def __post_init__(self) -> None:
        kinds = (CONVOLUTION, nn.Linear)
        self._layers = tuple(Layer(n, m) for n, m in self.model.named_modules() if isinstance(m, kinds))
        self._hidden = hidden_weights(self.model, self._layers)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Convolutions and linear layers; a refusal where the network has weight matrices besides.

        The one place where a score that goes from layer to layer learns that it would miss some.
        """
        if self._hidden:
            more = f" and {len(self._hidden) - 3} more" if len(self._hidden) > 3 else ""
            raise NotApplicable(
                f"goes through convolutions and linear layers and would miss {', '.join(self._hidden[:3])}{more}: "
                "where they are matrices that images are multiplied with, write them with nn.Linear"
            )
        return self._layers

    @property
    def parameters(self) -> list[Tensor]:
        """The weights of `layers`, to differentiate by; a refusal where there are none."""
        if not self.layers:
            raise NotApplicable("the network has no convolution and no linear layer")
        return [layer.parameter for layer in self.layers]

    @property
    def classes(self) -> int:
        """K, the logits that a pass gave."""
        if self.seen_classes is None:
            raise LookupError("no pass has seen the logits")
        return self.seen_classes

    def logits(self, x: Tensor) -> Tensor:
        """(n, K) of these images, of a copy that the network may overwrite; a refusal where they are no logits."""
        logits = check_logits(self.model(x.clone()))
        self.check_classes(logits)
        return logits

    def check_classes(self, logits: Tensor) -> None:
        """Refuse labels that the network has no logit for, and a teacher that knows other classes."""
        classes, top = logits.shape[1], int(self.labels.max())
        self.seen_classes = classes
        if top >= classes:
            raise UsageError(
                f"the network has {classes} classes and the batch has label {top}: "
                "expected labels below the number of classes; build the network with the classes of the images"
            )
        shown = self.teacher_evidence
        if shown is not None and shown.features.logits.shape[1] != classes:
            raise UsageError(
                f"the teacher has {shown.features.logits.shape[1]} classes, the network {classes}: "
                "expected the same; take a teacher of the data set that is scored"
            )

    def _get(self, need: str) -> Any:
        if need not in self.found:
            raise LookupError(f"this proxy reads {need!r} and did not ask for it: add it to `needs`")
        return self.found[need]

    @property
    def features(self) -> Features:
        """Stage maps, last map, pooled features, logits; without graph."""
        return self._get("features")

    @property
    def last(self) -> Tensor:
        """The last map (B, C, H, W), or a refusal."""
        if self.features.last is None:
            raise NotApplicable("the network has no feature maps (B, C, H, W)")
        return self.features.last

    @property
    def pooled(self) -> Tensor:
        """The input of the classifier (B, C), or a refusal."""
        if self.features.pooled is None:
            raise NotApplicable("the network does not end in a linear classifier")
        return self.features.pooled

    @property
    def classifier_weight(self) -> Tensor:
        """(K, C), the weight of the linear layer behind the logits, or a refusal."""
        weight = classifier_weight(self.model, self.features.logits.shape[1])
        if weight is None:
            raise NotApplicable("the network does not end in a linear classifier")
        return weight

    @property
    def teacher(self) -> TeacherEvidence:
        """What the teacher showed on the same batch."""
        if self.teacher_evidence is None:
            raise NotApplicable("needs a teacher: pass teacher=")
        return self.teacher_evidence

    @property
    def macs(self) -> dict[str, int]:
        """Multiply-adds of each layer for one image, and of products of activations under a name of their own."""
        return self._get("shapes")

    @property
    def relu_kernel(self) -> Tensor:
        """(B, B) float64: in how many ReLU units two images agree, summed over all ReLU modules."""
        return self._get("relu_kernel")

    @property
    def first_maps(self) -> Tensor:
        """(layers,) smallest eigenvalue of each convolution's channel correlation on the first image."""
        return self._get("first_maps")

    @property
    def block_maps(self) -> list[Tensor]:
        """Eigenvalues (C,) of the channel covariance of what each block hands on."""
        return self._get("block_maps")

    @property
    def weight_gradients(self) -> tuple[Tensor, ...]:
        """dL/dW of each of `layers`; zeros where the loss does not depend on it."""
        return self._get("weight_gradients")

    @property
    def channel_saliency(self) -> list[tuple[Tensor, int]]:
        """For each layer used: (C,) mean over images of (sum over positions of a dL/da)^2 / 2, and its fan-in."""
        return self._get("channel_saliency")

    @property
    def input_gradient(self) -> Tensor:
        """d(sum of all logits)/dx, (B, 3, H, W)."""
        return self._get("input_gradient")

    @property
    def hessian_gradient(self) -> tuple[Tensor, ...]:
        """H g of each of `layers`, H the Hessian and g the gradient of the loss over all their weights."""
        return self._get("hessian_gradient")

    @property
    def linear_gradients(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """(|W|, dR/d|W|) of each layer in float64; R the summed output of the network without norms, input of ones."""
        return self._get("linear_gradients")

    @property
    def absolute_gradients(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """As `linear_gradients`, with norms and everything else as in evaluation mode."""
        return self._get("absolute_gradients")

    @property
    def perturbation(self) -> tuple[Tensor, Tensor]:
        """Mean over images of sum |f(x) - f(x + .01 e)| on the last map, and the batch norms' mean variances (n,)."""
        return self._get("perturbation")

    @property
    def batch_gradients(self) -> tuple[tuple[Tensor, ...], ...]:
        """dL/dW of each layer, once for each half of the batch."""
        return self._get("batch_gradients")

    @property
    def block_jacobians(self) -> list[Tensor | None]:
        """For each block: mean g_in g_out^T, (C_in, C_out), for random g_out; None where the block is the identity."""
        return self._get("block_jacobians")

    @property
    def tangent_kernel(self) -> Tensor:
        """(n, n) inner products of the weight gradients of the first n images' summed logits."""
        return self._get("tangent_kernel")

    @property
    def alive(self) -> frozenset[str]:
        """Names of the layers whose output the image changes and which change the logits."""
        return self._get("alive")

    @property
    def regions(self) -> float:
        """How many different ReLU patterns the small inputs gave; NaN where the logits are no numbers."""
        return self._get("regions")

    @property
    def few_channels(self) -> Tensor:
        """(layers,) smallest eigenvalue of the correlation of 8 channels of each convolution's output, times C / 8."""
        return self._get("few_channels")

    @property
    def slice_spectra(self) -> list[Tensor]:
        """Singular values of a square slice of each module's output."""
        return self._get("slice_spectra")

    @property
    def sign_patterns(self) -> Tensor:
        """() how many different patterns the ReLU units show over the first 16 images."""
        return self._get("sign_patterns")

    @property
    def token_maps(self) -> dict[int, Tensor]:
        """By the number of the block, what it hands on as a map (B, C, h, w), the class token left out."""
        return self._get("token_maps")

    @property
    def response_correlation(self) -> Tensor:
        """(B, B) float64, sum over ReLUs of 2^blocks before times correlations of images, values and gradients."""
        return self._get("response_correlation")

    @property
    def gradient_signs(self) -> tuple[Tensor, ...]:
        """For each layer sum_n sign(dL_n/dW), L_n the loss of image n alone."""
        return self._get("gradient_signs")

    @property
    def single_distances(self) -> tuple[Tensor, Tensor]:
        """(3, 3) squared distances of the first three images: in all ReLU outputs, in the pooled features."""
        return self._get("single_distances")

    @property
    def conditioning(self) -> Tensor:
        """() sum over modules of s_min / s_max of the output on the first image."""
        return self._get("conditioning")

    @property
    def logit_tangents(self) -> tuple[Tensor, Tensor]:
        """Logits (n, K) on noise and their derivative (n, K, P) by P single weights."""
        return self._get("logit_tangents")

    @property
    def curve(self) -> tuple[Tensor, Tensor]:
        """First and second derivative (10,) of random logits along a circle of inputs."""
        return self._get("curve")


def teacher_evidence(
    teacher: nn.Module, batch: tuple[Tensor, Tensor], *, seed: int = 0, precision: str = "fp32"
) -> TeacherEvidence:
    """Look at a teacher once, for all students that will be scored on the same batch. It comes back as it was."""
    x, y = batch
    with borrowed(teacher), exact_batch_norm(teacher), torch.no_grad(), autocast(x.device, precision):
        seed_global(seed, "teacher", x.device)
        features = forward_features(teacher, x).detached()
        return TeacherEvidence(features, y, classifier_weight(teacher, features.logits.shape[1]), x)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of a forward pass in 'fp32' or 'bf16'."""
    if precision not in ("fp32", "bf16"):
        raise UsageError(f"unknown precision {precision!r}: expected 'fp32' or 'bf16'")
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
