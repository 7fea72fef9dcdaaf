"""ResNet-56 to ResNet-20 on CIFAR-100 as printed, the last epoch apart from the best: the two are not one protocol."""

from reports.printed import table

RESNET56_RESNET20 = table(
    "distillers-resnet56-resnet20",
    "Distillers from ResNet-56 to ResNet-20 on CIFAR-100",
    "READMEs of RepDistiller (last), mdistiller and logit-standardization-KD (best); ReviewKD at second hand",
    "240 epochs, SGD with momentum .9 and weight decay 5e-4, batch 64, rate .05, x .1 after epochs 150, 180 and 210, "
    "crops and flips; top-1 of the last epoch, or of the best of all epochs on the test images, averages of runs",
    "last best",
    {
        "teacher: ResNet-56": "72.34 -",
        "ce: ResNet-20 alone": "69.06 -",
        "kd: KD": "70.66 -",
        "fitnet: FitNet": "69.21 -",
        "at: AT": "70.55 -",
        "sp: SP": "69.67 -",
        "cc: CC": "69.63 -",
        "vid: VID": "70.38 -",
        "rkd: RKD": "69.61 -",
        "pkt: PKT": "70.34 -",
        "nst: NST": "69.60 -",
        "crd: CRD": "71.16 -",
        "review: ReviewKD": "- 71.89",
        "dkd: DKD": "- 71.97",
        "kd_ls: KD + LS": "- 71.43",
        "dkd_ls: DKD + LS": "- 72.32",
    },
    unit="%",
    notes={
        "kd": "a user of RepDistiller measured 71.54",
        "review": "batch 128, rate .1 and Nesterov in its authors' own script",
    },
)
