"""Auto-DAS: scores that a search found for distillation, in the forms it found for three spaces.

Each is the plain sum of an 'instinct' of the student's loss gradient and an 'interaction' with the teacher. A
log-softmax of a small gradient over the C output channels is -ln C, whatever the images, so that the instincts count:
see `closed_forms`. The larger distance of a KL interaction counts as the better student, as in the authors' code.
Interactions are computed in float64: the divergence of nearly equal distributions is lost in fp32.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from diswot_errors import NotApplicable
from proxies.authors import AuthorsSetting
from proxies.distillation.comparison import teacher_pooled
from proxies.evidence import Evidence
from proxies.evidence.capture import CONVOLUTION
from proxies.registry import F, proxy

PAPER = "Sun et al., ECCV 2024"
CODE = "Auto-DAS at 3a3c537"
AUTHORS = {
    "nb201": AuthorsSetting("default", "real", 128, CODE, "Gaussian by the command line; augmented there"),
    "s0": AuthorsSetting("kaiming", "real", 128, CODE, "fan out there"),
    "vit": AuthorsSetting(
        "default", "real", 16, CODE, "weights as the network draws them; 224 x 224, 32 x 32 for the teacher"
    ),
}


def _proxy(name: str, needs: list[str], teacher: bool = True) -> Callable[[F], F]:
    space = name.split("_")[0]
    return proxy(
        f"auto_das_{name}",
        direction="higher",
        needs=needs,
        paper=PAPER,
        teacher=teacher,
        equal_on_equals="weight_gradients" not in needs,
        authors=AUTHORS[space],
    )


def _convolution_gradients(evidence: Evidence) -> list[Tensor]:
    """dL/dW of every convolution, (C_out, ...)."""
    pairs = zip(evidence.layers, evidence.weight_gradients, strict=True)
    found = [gradient for layer, gradient in pairs if isinstance(layer.module, CONVOLUTION)]
    if not found:
        raise NotApplicable("the network has no convolution")
    return found


def _alike(student: Tensor, teacher: Tensor) -> Tensor:
    """100 mean over c of the cosine of f^S[:, c] with f^T[:, c], over the images."""
    return 100 * functional.cosine_similarity(teacher, student, dim=0).mean()


def _kl(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(f^T / T) || softmax(f^S / T)), mean over images."""
    ours, theirs = (functional.log_softmax(f / temperature, 1) for f in (student, teacher))
    return temperature**2 * functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)


def _same_width(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Both, in float64; a refusal where they differ in shape, since nothing projects one on the other."""
    if student.shape != teacher.shape:
        raise NotApplicable(f"widths differ: network {student.shape[1]}, teacher {teacher.shape[1]}")
    return student.double(), teacher.double()


@_proxy("nb201_instinct", ["weight_gradients"], teacher=False)
def auto_das_nb201_instinct(evidence: Evidence) -> Tensor:
    """sum over convolutions of the mean of |tanh(log-softmax(dL/dW))|, the softmax over the output channels.

    About the sum of tanh(ln C_out), and so `conv_count`.
    """
    gradients = _convolution_gradients(evidence)
    return torch.stack([functional.log_softmax(g, 0).tanh().abs().mean() for g in gradients]).sum()


@_proxy("nb201_interaction", ["features"])
def auto_das_nb201_interaction(evidence: Evidence) -> Tensor:
    """100 mean(f^S f^T) mean_c cos(f^S_c, f^T_c), f = softmax over the images of mish(pooled)^2; equal widths only."""
    pooled = _same_width(evidence.pooled, teacher_pooled(evidence))
    student, teacher = (functional.mish(f).square().softmax(0) for f in pooled)
    return (student * teacher).mean() * _alike(student, teacher)


@_proxy("nb201", ["weight_gradients", "features"])
def auto_das_nb201(evidence: Evidence) -> Tensor:
    """auto_das_nb201_interaction + auto_das_nb201_instinct."""
    return auto_das_nb201_interaction(evidence) + auto_das_nb201_instinct(evidence)


@_proxy("s0_instinct", ["weight_gradients"], teacher=False)
def auto_das_s0_instinct(evidence: Evidence) -> Tensor:
    """sum over convolutions of ||log-softmax(dL/dW)||_F / (1 + 1e-9), the softmax over the output channels.

    About `conv_root_size`.
    """
    norms = [torch.linalg.vector_norm(functional.log_softmax(g, 0)) for g in _convolution_gradients(evidence)]
    return torch.stack(norms).sum() / (1 + 1e-9)


@_proxy("s0_interaction", ["features"])
def auto_das_s0_interaction(evidence: Evidence) -> Tensor:
    """KL(f) 100 mean_c cos(f^S_c, f^T_c), f = sigmoid(relu(pooled)), KL at temperature 8; equal widths only.

    KL(f) = 64 KL(softmax(f^T / 8) || softmax(f^S / 8)), mean over images.
    """
    student, teacher = (f.relu().sigmoid() for f in _same_width(evidence.pooled, teacher_pooled(evidence)))
    return _kl(student, teacher, 8) * _alike(student, teacher)


@_proxy("s0", ["weight_gradients", "features"])
def auto_das_s0(evidence: Evidence) -> Tensor:
    """auto_das_s0_interaction + auto_das_s0_instinct."""
    return auto_das_s0_interaction(evidence) + auto_das_s0_instinct(evidence)


@_proxy("vit_instinct", ["weight_gradients"], teacher=False)
def auto_das_vit_instinct(evidence: Evidence) -> Tensor:
    """sum over convolutions of the mean of ln |log-softmax(sigmoid(dL/dW))|, the softmax over the output channels.

    About `conv_log_width`. ln 0 counts as ln 1.
    """
    logs = [functional.log_softmax(g.sigmoid(), 0).abs() for g in _convolution_gradients(evidence)]
    return torch.stack([torch.where(a == 0, 1, a).log().mean() for a in logs]).sum()


@_proxy("vit_interaction", ["features"])
def auto_das_vit_interaction(evidence: Evidence) -> Tensor:
    """KL(softmax(f^T) || softmax(f^S)), f = softmax over the images of sigmoid(logits), mean over images."""
    logits = evidence.features.logits.double(), evidence.teacher.features.logits.double()
    student, teacher = (z.sigmoid().softmax(0) for z in logits)
    return _kl(student, teacher, 1)


@_proxy("vit", ["weight_gradients", "features"])
def auto_das_vit(evidence: Evidence) -> Tensor:
    """auto_das_vit_interaction + auto_das_vit_instinct."""
    return auto_das_vit_interaction(evidence) + auto_das_vit_instinct(evidence)
