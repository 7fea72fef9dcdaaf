"""Small questions, one or more for each command: what a rebuilt command must answer as it did before.

A question is the lines that a user types, with `{out}` for its run folder, `{store}` for its store of scores and
`{tables}` for the frozen tables beside this file. No sample holds a cell with a convolution on a dead branch.
"""

from dataclasses import dataclass

QUICK = "--device cpu --store {store} --out {out}"
SMALL = f"--sample 10 --batch-size 8 --workers 1 {QUICK}"
TRAINING = "--protocol glance --images embedded:4@8 --device cpu --workers 1"
TINY = "--skeleton c4n1k10r8"


@dataclass(frozen=True)
class Question:
    """Command lines in their order, and what their numbers are like."""

    name: str
    lines: tuple[str, ...]
    reference: bool = False  # needs the reference data
    slow: bool = False  # more than 5 seconds
    trains: bool = False  # the bits of a training run are those of one kind of CPU
    hidden: tuple[str, ...] = ()  # columns that hold reference data: their hash is kept in their place
    printed: bool = False  # what it prints is its answer
    teacher: bool = False  # finds a teacher for the painted images in the data folder


QUESTIONS = (
    Question(
        "correlation-all",
        (f"benchmarks.correlation --proxies all --sample 12 --batch-size 16 --workers 1 {QUICK}",),
        slow=True,
    ),
    Question(
        "correlation-bf16", (f"benchmarks.correlation --proxies m_s,synflow,nwot --precision bf16 --seeds 2 {SMALL}",)
    ),
    Question(
        "correlation-own-csv",
        (
            "benchmarks.correlation --ground-truth {tables}/mine-distilled.csv --proxies m_?,diswot*,grad_norm,zen "
            f"--images embedded --split test --init kaiming --teacher resnet20 --seeds 2 {SMALL}",
        ),
    ),
    Question(
        "correlation-nb201",
        (
            "benchmarks.correlation --ground-truth nb201:cifar100:test:200 --images cifar100 --sample-seed 30 "
            f"--proxies m_s,m_r,synflow,nwot {SMALL}",
        ),
        reference=True,
        slow=True,
    ),
    Question(
        "correlation-s0",
        (f"benchmarks.correlation --ground-truth s0:kd --images cifar100 --proxies diswot,snip,l2_norm {SMALL}",),
        reference=True,
    ),
    Question(
        "init-ablation",
        (f"benchmarks.init_ablation --ground-truth kd-nb201 --sample 10 --seeds 2 --batch-size 8 --workers 2 {QUICK}",),
        slow=True,
    ),
    Question(
        "metric-ablation",
        (f"benchmarks.metric_ablation --ground-truth kd-nb201,{{tables}}/mine-alone.csv --seeds 2 {SMALL}",),
    ),
    Question("s0-table", (f"benchmarks.s0_table --seeds 2 {SMALL}",), reference=True, slow=True),
    Question("rank-table", (f"benchmarks.rank_table --seeds 1 {SMALL}",)),
    Question(
        "rank-table-published",
        (f"benchmarks.rank_table --seeds 1 --sample-seed 30 {SMALL}",),
        reference=True,
        slow=True,
    ),
    Question("best-student", ("benchmarks.best_student --draws 300 --out {out}",)),
    Question(
        "best-student-own",
        (
            "benchmarks.best_student --pair {tables}/mine-distilled.csv {tables}/mine-alone.csv --draws 300 "
            "--noise 0.5 --seed 1 --out {out}",
        ),
    ),
    Question(
        "distiller-table",
        (
            f"benchmarks.distiller_table --student resnet20 --distiller ce,kd,diswot+ --seeds 2 {TRAINING} "
            "--out {out}",
        ),
        slow=True,
        trains=True,
    ),
    Question(
        "proxy-facts", (f"benchmarks.proxy_facts --proxies nwot,m_s,diswot --grid diswot,nwot --seeds 2 {SMALL}",)
    ),
    Question(
        "all-tables",
        (f"benchmarks.all_tables --only best_student,init_ablation --seeds 1 --workers 1 {QUICK}",),
        slow=True,
    ),
    Question(
        "search-two-workers",
        (
            f"benchmarks.search --strategy evolution --score m_s,synflow,l2_norm --budget 14 --workers 2 {TINY} "
            f"--set population=5 --max-params 60e3 {QUICK}",
        ),
        slow=True,
    ),
    Question(
        "search-reinforce",
        (f"benchmarks.search --strategy reinforce --score diswot --budget 8 --batch-size 8 {TINY} --seed 3 {QUICK}",),
    ),
    Question(
        "search-exhaustive",
        (f"benchmarks.search --strategy exhaustive --space s0 --score params --budget 64 --max-flops 60e6 {QUICK}",),
    ),
    Question(
        "search-shared",
        (f"benchmarks.search --strategy rsps --epochs 1 --max-images 256 {TINY} {QUICK}",),
        trains=True,
    ),
    Question(
        "search-table-of-accuracies",
        (f"benchmarks.search --strategy evolution-aging --score nb201:cifar10:valid --budget 60 {QUICK}",),
        reference=True,
        hidden=("value",),
    ),
    Question(
        "search-two-fidelities",
        (f"benchmarks.search --strategy bohb --score nb201:cifar10:valid:12 --budget 60 {QUICK}",),
        reference=True,
        hidden=("value",),
    ),
    Question(
        "search-table",
        (
            "benchmarks.search_table --data cifar100 --rows random,bohb,evolution,diswot,draw,largest --seeds 2 "
            f"--compute --budget 6 --batch-size 8 --workers 1 {QUICK}",
        ),
        reference=True,
        slow=True,
        hidden=(
            "accuracy",
            "final",
            "limit",
            "measured",
            "measured_low",
            "measured_high",
            "regret",
            "regret_low",
            "regret_high",
        ),
    ),
    Question(
        "distill",
        (f"benchmarks.distill --student s0:333 --distiller kd,diswot --seeds 1 {TRAINING} --out {{out}}",),
        slow=True,
        trains=True,
    ),
    Question(
        "harvest",
        (
            "benchmarks.harvest --protocol glance --cells 20 --share 20/20 --device cpu --workers 1 "
            "--table {out}/harvested.csv",
        ),
        slow=True,
        trains=True,
        teacher=True,
    ),
    Question(
        "harvest-merge",
        ("benchmarks.harvest --merge {tables}/kd-nb201-lite.csv {tables}/kd-nb201-lite.csv --table {out}/merged.csv",),
    ),
    Question("data-card", ("benchmarks.data_card --table {tables}/kd-nb201-lite.csv --out {out}/card.md",)),
    Question(
        "pipeline",
        (
            f"benchmarks.pipeline --strategy random --budget 4 --students 1 --seeds 1 {TRAINING} --store {{store}} "
            "--out {out}",
        ),
        slow=True,
        trains=True,
    ),
    Question("data-list", ("nb201_data list",), printed=True),
    Question(
        "markdown",
        (
            f"benchmarks.correlation --proxies m_s,m_r,l2_norm {SMALL}",
            "reports {out} --markdown {out}/page.md",
        ),
    ),
)
