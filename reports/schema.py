"""What a run leaves on disk: every record of every table, typed, in one place.

A run is a folder:

    manifest.json      Manifest: everything needed to repeat the run
    scores.csv         Score: one row per question asked (arch, proxy, seed), failures included
    truth.csv          Truth: one row per arch
    correlations.csv   Correlation: one row per proxy, all statistics
    sections.json      further sections of a command's page; their tables lie beside it as SECTION.csv and their
                       figures as SECTION.FIGURE.svg

Rules for all tables: UTF-8, a header with exactly the columns of the record, an empty field for "not known", numbers as
Python's repr (reading gives the same bits back), and no NaN: what is not a number has a status and a reason.
`reports.records` reads and writes these files.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

COEFFICIENTS = ("kendall", "spearman", "pearson")
BASELINES = ("params", "flops")


@dataclass(frozen=True)
class Estimate:
    """A number and how far to trust it; None where the data leave it undefined, never NaN.

    In a table it takes four columns: NAME, NAME_low, NAME_high, NAME_spread.
    """

    value: float | None = None
    low: float | None = None  # 95 % bootstrap interval over cells
    high: float | None = None
    spread: float | None = None  # standard deviation over seeds; None with one seed

    @property
    def separated(self) -> int:
        """+1 or -1 when the whole interval lies above or below zero, 0 when it does not tell."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True)
class Score:
    """One proxy on one network: the question, then the answer. `value` is None unless status is 'ok'."""

    space: str
    arch: str  # str(arch), the key that truth.csv shares
    proxy: str
    proxy_version: int
    init: str
    seed: int
    images: str  # image source, e.g. 'cifar100' or 'embedded'
    batch_size: int
    teacher: str
    device: str
    precision: str
    value: float | None
    status: str  # 'ok', 'nan', 'infinite', 'not-applicable', 'out-of-memory', 'failed', 'violation'
    reason: str
    seconds: float


@dataclass(frozen=True)
class Truth:
    """What is true about one network: its accuracy in percent under the run's ground truth."""

    arch: str
    accuracy: float


@dataclass(frozen=True)
class Correlation:
    """How well one proxy predicts the truth. Scores with direction 'lower' are negated first: higher is better."""

    proxy: str
    direction: str  # 'higher' or 'lower': which end of the score predicts the better network
    status: str  # 'ok', 'constant' (all scores equal), 'too-few' (fewer than 3 cells)
    scored: int  # cells with a score for every seed
    left_out: int  # cells without
    reasons: str  # why, with counts: 'nan 3, not-applicable 1'
    seeds: int
    resamples: int
    kendall: Estimate = Estimate()  # tau-b
    spearman: Estimate = Estimate()
    pearson: Estimate = Estimate()
    kendall_minus_params: Estimate = Estimate()  # paired: the same cells, the same resamples
    spearman_minus_params: Estimate = Estimate()
    pearson_minus_params: Estimate = Estimate()
    kendall_minus_flops: Estimate = Estimate()
    spearman_minus_flops: Estimate = Estimate()
    pearson_minus_flops: Estimate = Estimate()
    partial_spearman: Estimate = Estimate()  # given params
    precision_top5: Estimate = Estimate()  # share of the top 5 % by score that is among the true top 5 %
    regret_top1: Estimate = Estimate()  # best accuracy minus that of the proxy's first choice; no interval


@dataclass(frozen=True)
class Manifest:
    """Everything needed to repeat a run. `config` is the resolved configuration, defaults included."""

    command: list[str]  # e.g. ['python', '-m', 'benchmarks.correlation', '--proxies', 'all']
    date: str  # ISO 8601, UTC
    config: dict[str, Any]
    versions: dict[str, str]  # 'diswot-bench', 'python', 'torch', ...
    device: str
    seeds: list[int]
    ground_truth: str
    ground_truth_note: str  # what a reader must know about it: protocol, what is unknown
    images: str
    skeleton: str
    space: str = ""
    commit: str | None = None  # None outside a git checkout
    notes: list[str] = field(default_factory=list)  # shown at the top of the page


Cell = str | int | float | Estimate | None
Kind = Literal["text", "integer", "number", "estimate", "verdict"]


@dataclass(frozen=True)
class Column:
    """A column of a table: its name (CSV header, unique), how it is shown, and what it means.

    A 'verdict' is a short text that is shown as a badge: green when it begins with 'within', 'holds' or 'better', red
    with 'outside', 'fails' or 'worse', grey otherwise.
    """

    name: str
    kind: Kind = "text"
    digits: int = 3  # after the point, when shown; files hold all of them
    label: str = ""  # shown instead of the name
    note: str = ""  # shown as a hint


@dataclass(frozen=True)
class Table:
    """Named columns and rows of cells; None is 'not known'. Numbers go in unrounded."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """An SVG (from `reports.figures`), with a name for its file and what it shows."""

    name: str
    svg: str
    caption: str = ""
    width: Literal["small", "medium", "wide"] = "medium"


@dataclass(frozen=True)
class Verdict:
    """One claim, what became of it (see Column for the colours), and why."""

    claim: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page. `name` names its files; `intro` is one paragraph a string; `code` is shown as it is.

    `level` is that of its heading: 2, or 3 for a part of the section above, which the list of contents leaves out.
    """

    name: str
    title: str
    intro: tuple[str, ...] = ()
    table: Table | None = None
    figures: tuple[Figure, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    code: str = ""
    note: str = ""  # below table and figures
    level: Literal[2, 3] = 2
