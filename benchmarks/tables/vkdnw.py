"""Table 1 of VKDNW (CVPR 2025) as printed: 9,445 cells, test accuracy after 200 epochs, mean of five runs."""

from __future__ import annotations

IMAGES = ("cifar10", "cifar100", "imagenet16-120")
_PRINTED = """
flops .623 .799 .745 .586 .763 .576 .545 .718 .403
grad_norm .328 .438 .509 .341 .451 .278 .310 .418 .265
grasp .352 .505 .518 .349 .498 .284 .359 .502 .281
snip .431 .591 .513 .440 .597 .286 .389 .521 .286
synflow .561 .758 .709 .553 .750 .594 .531 .719 .511
jacob .616 .800 .540 .639 .820 .402 .602 .779 .356
nwot .571 .762 .607 .607 .799 .475 .605 .794 .490
zen .102 .103 .120 .079 .072 .115 .091 .109 .073
zico .607 .802 .751 .614 .809 .607 .587 .779 .523
te_nas .536 .722 .602 .537 .723 .327 .523 .709 .330
az_nas .712 .892 .749 .696 .880 .549 .673 .859 .534
convolutions .626 .767 .671 .646 .787 .525 .623 .764 .497
trainable_layers .626 .767 .671 .646 .787 .525 .623 .764 .497
vkdnw_single .618 .815 .751 .634 .829 .617 .622 .814 .608
vkdnw_agg .750 .919 .785 .753 .919 .636 .743 .906 .664
"""


def printed(score: str, truth: str) -> tuple[float | None, float | None, float | None]:
    """Kendall, Spearman and nDCG of a score as printed, for `nb201:IMAGES:test:200`; None where nothing is."""
    rows = {line.split()[0]: [float(text) for text in line.split()[1:]] for line in _PRINTED.strip().splitlines()}
    source, _, rest = truth.partition(":")
    images, _, how = rest.partition(":")
    if source != "nb201" or how != "test:200" or score not in rows:
        return None, None, None
    begin = 3 * IMAGES.index(images)
    kendall, spearman, gain = rows[score][begin : begin + 3]
    return kendall, spearman, gain
