"""M_s, M_r and DisWOT as scores: the paper's, the README's, and what the released scripts compute.

M_s and M_r are distances between student and teacher, lower is better; DisWOT is minus their sum, higher is better.
The plain name is the paper's. Nobody is trained: both networks have random weights.
"""

from collections.abc import Callable

from torch import Tensor

from diswot_errors import NotApplicable
from proxies.authors import DISWOT
from proxies.distillation import released, similarity
from proxies.distillation.comparison import refused, teacher_map, teacher_pooled
from proxies.evidence import Evidence
from proxies.registry import Direction, F, proxy

PAPER = "Dong et al., CVPR 2023"


def _form(name: str, where: str = "", *, direction: Direction = "lower") -> Callable[[F], F]:
    """All need the same; `where` a form stands, if it is not the paper's."""
    return proxy(
        name,
        direction=direction,
        needs=["features"],
        teacher=True,
        paper=f"{PAPER}, {where}" if where else PAPER,
        equal_on_equals=True,
        authors=DISWOT,
    )


@_form("m_s")
def m_s(evidence: Evidence) -> Tensor:
    """||G^T - G^S||_F, G = A A^T / ||A A^T||_F, A the Grad-CAM maps of the true classes on the last stage, (C, BHW).

    Grad-CAM's weights are the classifier's in closed form. Where the widths differ, the maps are summed over
    channels and class means compared, K x K (`similarity.m_s`). ||.||_2 in the paper is read as the Frobenius norm.
    Where the classifier reads anything but the mean of the last map, a class token, a maximum, Grad-CAM has no such
    form, and there is no score.
    """
    weight = evidence.teacher.classifier_weight
    if weight is None:
        raise NotApplicable("the teacher does not end in a linear classifier")
    for whose, shown in (("network", evidence.features), ("teacher", evidence.teacher.features)):
        if shown.last is not None and not shown.averaged:
            raise NotApplicable(f"the classifier of the {whose} does not read the mean of the last map")
    maps = evidence.last, teacher_map(evidence)
    return refused(similarity.m_s, *maps, evidence.classifier_weight, weight, evidence.labels)


@_form("m_r")
def m_r(evidence: Evidence) -> Tensor:
    """||A^T - A^S||_F, A = f f^T / ||f f^T||_F between the B images, f the last map as (B, CHW); any two networks."""
    return refused(similarity.m_r, evidence.last, teacher_map(evidence))


@_form("diswot", direction="higher")
def diswot(evidence: Evidence) -> Tensor:
    """-(M_s + M_r), both as the paper defines them: see `m_s` and `m_r`."""
    return -(m_s(evidence) + m_r(evidence))


@_form("m_s_readme", "README")
def m_s_readme(evidence: Evidence) -> Tensor:
    """(2/K) sum_k (1 - cos(g_k^T, g_k^S) a_k), g_k the loss gradient of the classifier's row k, a_k the mean
    product of signs.

    That is ICKD on dL/dW of the classifier, in closed form. Not Grad-CAM. Equal widths only.
    """
    teacher = evidence.teacher.features.logits, teacher_pooled(evidence), evidence.labels
    student = evidence.features.logits, evidence.pooled, evidence.labels
    gradients = [released.classifier_gradient(*one) for one in (student, teacher)]
    return refused(released.m_s_gradient, *gradients)


@_form("m_r_readme", "README")
def m_r_readme(evidence: Evidence) -> Tensor:
    """sum (A^T - A^S)^2 / B^2, A the B x B similarities of the last map with rows of unit length."""
    return refused(released.m_r_readme, evidence.last, teacher_map(evidence))


@_form("diswot_readme", "README", direction="higher")
def diswot_readme(evidence: Evidence) -> Tensor:
    """-(m_s_readme + m_r_readme)."""
    return -(m_s_readme(evidence) + m_r_readme(evidence))


@_form("m_s_released", "NAS-Bench-201 scripts")
def m_s_released(evidence: Evidence) -> Tensor:
    """What the NAS-Bench-201 correlation scripts take as M_s: the formula of `m_s_readme`, and so its values."""
    return m_s_readme(evidence)


@_form("m_r_released", "NAS-Bench-201 scripts")
def m_r_released(evidence: Evidence) -> Tensor:
    """sum (A^T - A^S)^2 / C^2, A the C x C similarities between the pooled channels of the first image alone.

    A loop over a tensor where a list was meant: `[0]` takes the first image. Equal widths only.
    """
    return refused(released.m_r_pooled, evidence.pooled, teacher_pooled(evidence))


@_form("diswot_released", "NAS-Bench-201 scripts", direction="higher")
def diswot_released(evidence: Evidence) -> Tensor:
    """-(m_s_released + m_r_released)."""
    return -(m_s_released(evidence) + m_r_released(evidence))


@_form("m_r_released_s0", "S0 scripts")
def m_r_released_s0(evidence: Evidence) -> Tensor:
    """As `m_r_released`, on the last map of the first image instead of its pooled channels."""
    return refused(released.m_r_map, evidence.last, teacher_map(evidence))


@_form("diswot_released_s0", "S0 scripts", direction="higher")
def diswot_released_s0(evidence: Evidence) -> Tensor:
    """-sum (R^T - R^S)^2 / (C H), R the H x H similarities between the rows of a channel, unit rows.

    Over the channels of the first image's last map. The only scoring line of the S0 script that is not commented out;
    neither M_s nor M_r.
    """
    return -refused(released.rows_map, evidence.last, teacher_map(evidence))
