"""The numbers of the DisWOT paper (CVPR 2023, arXiv 2303.15678), each as printed, with its source and what is unknown.

The paper's body was not at hand: the numbers are those of the authors' slides and of literals in their released code
(lliai/DisWOT-CVPR2023 at dffe4e6). Where a setting could not be recovered, `unknown` says which one, and
`reports.verdicts` gives no verdict of agreement.
"""

from diswot_errors import UsageError
from reports.printed import Number, PublishedTable, table

__all__ = ["SEARCHED_CELLS", "TABLES", "Number", "PublishedTable", "published"]

SLIDES = "authors' slides"
PLOTS = "released code, plot_figures.py"
ZOO = "released code, nb201_cifar_model_zoo.py"

_TIMES = "speed-ups as printed; `python -m benchmarks.search_table` checks which follow from the printed times"
_COPIED = "copied 'from their original papers': not distilled"

TABLES: dict[str, PublishedTable] = {
    made.name: made
    for made in (
        table(
            "correlation",
            "Correlation comparison",
            SLIDES,
            "S0: 64 CIFAR ResNets against distilled accuracy on CIFAR-100. Classic proxies on networks without "
            "residual connections, Gaussian weights, 3 batches of 64 test images, 10 repeats; DisWOT on networks with "
            "them, one batch of 128 training images",
            "kendall spearman pearson",
            {
                "flops: FLOPs": "51.61 72.92 76.40",
                "fisher: Fisher": "62.86 81.37 20.90",
                "grad_norm: Grad_Norm": "63.75 82.35 39.35",
                "snip: SNIP": "67.22 85.07 51.09",
                "nwot: NWOT": "31.87 45.66 48.99",
                "diswot: DisWOT": "73.98 91.38 84.83",
            },
            unit="x 100",
            unknown_rows={"diswot": "which line of the scoring script made this row; teacher resnet56 or resnet110"},
            notes={"flops": "needs no image and no weights: the printed digits are truncated, not rounded"},
        ),
        table(
            "rank",
            "Rank table",
            SLIDES,
            "NAS-Bench-201, CIFAR-10, trained alone (inferred from the values): Spearman on 50 cells drawn with "
            "replacement, 10 repeats (DisWOT 5), accuracy of a random seed after 200 epochs; classic proxies and "
            "DisWOT with Gaussian weights, KD-based ones with PyTorch's own",
            "spearman",
            {
                "grad_norm: Grad_Norm": "58.70±.11",
                "snip: SNIP": "58.17±.15",
                "fisher: Fisher": "35.91±.09",
                "nwot: NWOT": "64.41±.08",
                "synflow: Synflow": "74.61±.08",
                "jacob: Jacob": "73.42±.03",
                "zen: Zen": "41.36±.06",
                "flops: FLOPs": "63.38±.06",
                "kd: KD": "54.43±.09",
                "fitnet: FitNet": "56.18±.09",
                "sp: SP": "51.24±.08",
                "rkd: RKD": "25.71±.17",
                "pkt: PKT": "52.65±.09",
                "cc: CC": "65.90±.08",
                "nst: NST": "72.35±.09",
                "diswot: DisWOT": "72.36±.02",
            },
            unit="x 100",
            note="± is printed without a unit and is taken as a fraction: .11 is 11 points",
            notes={"diswot": "the mean equals the M_r row of 'Different metrics'; ±.02 is below the sampling noise"},
        ),
        table(
            "metrics",
            "Different metrics",
            SLIDES,
            "Spearman; the values fit S0",
            "spearman",
            {
                "fitnet: FitNet": "64.06±6.11",
                "m_s: M_s": "73.68±5.45",
                "rkd: RKD": "13.52±11.51",
                "m_r: M_r": "72.36±3.42",
                "diswot: M_s & M_r": "77.51±2.76",
            },
            unit="x 100",
            unknown="space, images and variant of the formulas are not stated",
            note="± in points",
        ),
        table(
            "init",
            "Different initialization",
            SLIDES,
            "Kaiming and Gaussian N(0, 1) weights",
            "kaiming gaussian",
            {"m_s: M_s": "82.96 77.24", "m_r: M_r": "29.92 49.38", "diswot: DisWOT": "36.55 77.51"},
            unit="x 100",
            unknown="space, coefficient, images and variant of the formulas are not stated",
            note="its M_r (49.38) contradicts that of 'Different metrics' (72.36): not one protocol",
        ),
        table(
            "search",
            "Table 8: search on NAS-Bench-201",
            SLIDES,
            "accuracy of the found cell, distilled, unless copied; seconds of search; speed-up over random search",
            "cifar10 cifar10_seconds cifar10_speedup cifar100 cifar100_seconds cifar100_speedup "
            "imagenet16-120 imagenet16-120_seconds imagenet16-120_speedup",
            {
                "random: RS": "93.63 216K 1 71.28 460K 1 44.88 1M 1",
                "reinforce: RL": "92.83 216K 1 71.71 460K 1 44.35 1M 1",
                "bohb: BOHB": "93.49 216K 1 70.84 460K 1 44.33 1M 1",
                "rsps: RSPS": "91.67 10K 21.6 57.99 46K 21.6 36.87 104K 9.6",
                "gdas: GDAS": "93.39 22K 12.0 70.70 39K 11.7 42.35 130K 7.7",
                "darts: DARTS": "89.22 23K 9.4 66.24 80K 5.8 43.18 110K 9.1",
                "nwot: NWOT": "93.73 2.2K 100 73.31 4.6K 100 45.43 10K 100",
                "te-nas: TE-NAS": "93.92 2.2K 100 71.24 4.6K 100 44.38 10K 100",
                "diswot: DisWOT M_s & M_r": "93.55 1.2K 180 74.21 9.2K 180 47.30 20K 180",
                "m_r: DisWOT M_r": "93.49 .72K 300 73.62 18.4K 300 45.63 40K 300",
            },
            unit="%",
            units={"_seconds": "s", "_speedup": "x"},
            unknown="hyper-parameters of the final trainings differ between rows; seeds are not stated",
            note=_TIMES,
            notes={"nwot": _COPIED, "te-nas": _COPIED},
        ),
        table(
            "distillers-resnet34",
            "Table 9: distillers on ImageNet, teacher ResNet34",
            SLIDES,
            "students: ResNet18; in the DisWOT row a searched network of similar size",
            "top1 top5",
            {
                "teacher: ResNet34": "73.40 91.42",
                "ce: ResNet18 alone": "69.75 89.07",
                "kd: KD": "70.66 89.88",
                "eskd: ESKD": "70.89 90.06",
                "atkd: ATKD": "70.78 89.99",
                "one: ONE": "70.55 89.59",
                "dml: DML": "71.03 90.28",
                "crd: CRD": "71.17 90.32",
                "diswot: DisWOT": "72.08 90.38",
            },
            unit="%",
            unknown="training recipe",
            notes={"diswot": "another student than the other rows: network and distiller are changed at once"},
        ),
        table(
            "distillers-resnet50",
            "Table 9: distillers on ImageNet, teacher ResNet50",
            SLIDES,
            "students: ResNet18; in the DisWOT row a searched network of similar size",
            "top1 top5",
            {
                "teacher: ResNet50": "76.16 92.86",
                "ce: ResNet18 alone": "69.75 89.07",
                "kd: KD": "70.68 90.30",
                "atkd: ATKD": "70.72 90.03",
                "review: Review": "71.32 90.62",
                "ofd: OFD": "71.25 90.34",
                "dml: DML": "71.13 90.22",
                "crd: CRD": "71.20 90.22",
                "diswot: DisWOT": "72.30 90.51",
            },
            unit="%",
            unknown="training recipe",
            notes={"diswot": "another student than the other rows: network and distiller are changed at once"},
        ),
        table(
            "vanilla-distilled",
            "Figure: agreement with vanilla and with distilled accuracy",
            PLOTS,
            "Kendall on S0, CIFAR-100; literals of a plotting script",
            "vanilla distilled",
            {
                "fisher: Fisher": ".8168 .6286",
                "nwot: NWOT": ".4029 .3187",
                "snip: SNIP": ".8466 .6722",
                "accuracy: vanilla accuracy": "1 .8521",
            },
            unknown_rows={"accuracy": "which version of the accuracy files: the released ones give .8356"},
        ),
        table(
            "two-students",
            "Figure: two students of similar size",
            PLOTS,
            "S0 by depths, CIFAR-100; the score is plotted as 0.002 minus the distance",
            "vanilla distilled score distance",
            {
                "713: R[7,1,3] 259.89k": "69.13 71.01 4.4e-4 1.5596e-3",
                "333: R[3,3,3] 278.32k": "69.57 70.76 3.3e-4 1.6668e-3",
            },
            units={"score": "", "distance": "", "vanilla": "%", "distilled": "%"},
            unknown="which variant of the score, which seed",
        ),
        table(
            "teachers",
            "Figure: growing teachers",
            PLOTS,
            "students of the size of ResNet20, CIFAR-100",
            "kd diswot diswot+",
            {
                "resnet32": "70.24 71.01 71.85",
                "resnet44": "70.56 71.25 72.12",
                "resnet56": "70.98 71.63 72.56",
                "resnet110": "70.79 71.84 72.92",
            },
            unit="%",
            unknown="students of the DisWOT columns, DisWOT+ training, seeds",
        ),
        table(
            "ten-runs",
            "Figure: Kendall over 10 runs",
            PLOTS,
            "NAS-Bench-201, CIFAR-10",
            "kendall",
            {"ickd: ICKD": ".438", "diswot: DisWOT": ".470", "sp: SP": ".422"},
            unknown="number of cells, variant of the formulas",
        ),
        table(
            "curves",
            "Figure: evolution against random search",
            PLOTS,
            "range of the plotted scores over 1,000 logged steps on ImageNet",
            "low high steps",
            {"score": "-5.3e-4 -1.8e-4 1000"},
            unknown="the logs were not released",
        ),
        table(
            "zoo",
            "Searched cells in the model zoo",
            ZOO,
            "comment beside a cell string: its index in NAS-Bench-201 and its accuracy on CIFAR-10",
            "index accuracy",
            {"diswot": "10598 -", "diswot_sp": "2725 93.45"},
            units={"accuracy": "%"},
            unknown_rows={"diswot": "the same index stands beside many cells"},
        ),
    )
}

SEARCHED_CELLS = {
    "diswot": "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    "diswot_sp": "|nor_conv_1x1~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_3x3~2|",
    "diswot_ss": "|skip_connect~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|",
}
"""The cells that the authors' search found, by their name in the model zoo."""


def published(name: str) -> PublishedTable:
    """The table of that name."""
    if name not in TABLES:
        raise UsageError(f"unknown published table {name!r}: expected one of {', '.join(TABLES)}")
    return TABLES[name]
