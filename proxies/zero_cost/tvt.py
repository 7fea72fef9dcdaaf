"""TVT: how far the attention of a transformer's blocks is from that of a convolutional teacher's stages."""

import torch
from torch import Tensor
from torch.nn import functional

from diswot_errors import NotApplicable
from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

PAIRS = ((1, 1), (2, 6))  # (stage of the teacher, block of the student), from 0
AUTHORS = AuthorsSetting(
    "default",
    "real",
    16,
    "Auto-DAS at 3a3c537",
    "weights as the network draws them; 224 x 224, 32 x 32 for the teacher",
)


def attention(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, HW) of length 1: mean over channels of the squares."""
    return functional.normalize(maps.square().mean(1).flatten(1))


@proxy("tvt_teacher", direction="lower", needs=["token_maps"], teacher=True, paper="Wei et al., 2023", authors=AUTHORS)
def tvt_teacher(evidence: Evidence) -> Tensor:
    """mean over (stage 1, block 1), (stage 2, block 6) of mean (A(f^S) - A(f^T))^2, A the direction of mean_c f_c^2.

    Stages of the teacher and blocks of the student are counted from 0; both maps are brought to the larger grid, by
    bilinear interpolation. The class token is left out. The other number of TVT, sum_l ||W_l||_2, is `l2_norm`; how
    the authors join the two is not in their code.
    """
    blocks, stages = evidence.token_maps, evidence.teacher.features.stages
    if not {block for _, block in PAIRS} <= blocks.keys():
        raise NotApplicable(f"needs 7 blocks that hand on tokens, got those of {sorted(blocks)}")
    if len(stages) < 3:
        raise NotApplicable(f"needs a teacher with three stages of maps, got {len(stages)}")
    terms = []
    for stage, block in PAIRS:
        maps = blocks[block], stages[stage]
        side = [max(sizes) for sizes in zip(maps[0].shape[2:], maps[1].shape[2:], strict=True)]
        student, teacher = (attention(functional.interpolate(f, side, mode="bilinear")) for f in maps)
        terms.append((student - teacher).square().mean())
    return torch.stack(terms).mean()
