"""What a run leaves on disk: every record of every table, typed, in one place.

A run is a folder:

    manifest.json      Manifest: everything needed to repeat the run
    scores.csv         ScoreRow: one row per question asked (arch, proxy, seed), failures included
    truth.csv          TruthRow: one row per arch
    names.csv          ArchName: one row per arch that others know by a shorter name
    formulas.csv       Formula: one row per proxy, what it computes and who proposed it
    correlations.csv   Correlation: one row per proxy, all statistics
    sections.json      further sections of a command's page; their tables lie beside it as SECTION.csv and their
                       figures as SECTION.FIGURE.svg
    card.md            the data card of the ground truth, where it has one

Rules for all tables: UTF-8, a header with exactly the columns of the record, an empty field for "not known", numbers as
Python's repr (reading gives the same bits back), and no NaN: what is not a number has a status and a reason.
`reports.records` reads and writes these files.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from reports.limits import Between, Pattern

COEFFICIENTS = ("kendall", "spearman", "pearson")
FEWEST = 10
"""Networks: on fewer a rank correlation says nothing."""
BASELINES = ("params", "flops")
RANKED_PAGE = ("proxies", "intervals", "scatter", "agreement", "cost", "left-out")
"""The sections that the page of a run with correlations has by itself."""
COUNTS = (*BASELINES, "flops_pruned")
"""Rows that count a network's size and are no proxies; every row is held against the baselines among them."""


Name = Annotated[str, Pattern("[a-z0-9][a-z0-9_-]{0,79}", "a name of a-z, 0-9, - and _, at most 80 of them")]
Count = Annotated[int, Between(0, 2**53)]


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

    @property
    def told(self) -> "VerdictKind":
        """Of a difference: better or worse where the interval leaves zero out, else not told apart."""
        return {1: VerdictKind.BETTER, -1: VerdictKind.WORSE, 0: VerdictKind.NOT_TOLD_APART}[self.separated]


@dataclass(frozen=True)
class ScoreRow:
    """One proxy on one network: the question, then the answer. `value` is None unless status is 'ok'."""

    space: str
    arch: str  # str(arch), the key that truth.csv shares
    proxy: str
    proxy_version: Count
    init: str
    seed: Count
    images: str  # image source, e.g. 'cifar100' or 'embedded'
    batch_size: Count
    teacher: str
    device: str
    precision: str
    value: float | None
    status: Annotated[str, Pattern("[a-z][a-z-]{0,39}", "a status such as ok, nan or out-of-memory")]
    reason: str
    seconds: Annotated[float, Between(0, 1e12)]


@dataclass(frozen=True)
class TruthRow:
    """What is true about one network: its accuracy in percent under the run's ground truth."""

    arch: str
    accuracy: float


@dataclass(frozen=True)
class ArchName:
    """By which name others know a network, such as its number in a benchmark."""

    arch: str
    name: str


@dataclass(frozen=True)
class Formula:
    """What a proxy computes."""

    proxy: str
    version: Count
    origin: str  # who brought it: a distribution, a plugin file
    summary: str  # the formula in one line
    formula: str  # and in full
    paper: str
    needs_teacher: Annotated[str, Pattern("yes|no", "yes or no")]


@dataclass(frozen=True)
class Correlation:
    """How well one proxy predicts the truth. Scores with direction 'lower' are negated first: higher is better."""

    proxy: str
    direction: Annotated[
        str, Pattern("higher|lower", "higher or lower")
    ]  # which end of the score predicts the better network
    status: Annotated[
        str, Pattern("ok|constant|too-few", f"ok, constant (equal scores) or too-few (under {FEWEST} cells)")
    ]
    scored: Count  # cells with a score for every seed
    left_out: Count  # cells without
    reasons: str  # why, with counts: 'nan 3, not-applicable 1'
    seeds: Count
    resamples: Count
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


class Topic(StrEnum):
    """What a note is about, so that it can be found without reading it."""

    TRUTH = "truth"
    IMAGES = "images"
    NETWORKS = "networks"
    PRECISION = "precision"
    PROTOCOL = "protocol"
    MEMORY = "memory"
    ORIGIN = "origin"
    LEFT_OUT = "left-out"


@dataclass(frozen=True)
class Note:
    """A condition that a reader must know before any number."""

    topic: Topic
    text: str


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
    notes: list[Note] = field(default_factory=list)  # shown as the conditions of the page


Tone = Literal["good", "bad", "neutral"]


class VerdictKind(StrEnum):
    """What can be said of a number or a claim; the value stands in files, the label on pages, the tone is its colour.

    Published numbers: within to not-measured, see `reports.verdicts`. Claims: holds, fails, better, worse, open.
    Rows beside another: better, worse, not told apart.
    """

    label: str
    tone: Tone

    def __new__(cls, value: str, label: str, tone: Tone) -> Self:
        """A member that is its value."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone = value, label, tone
        return member

    WITHIN = "within", "within the interval", "good"
    OUTSIDE = "outside", "outside the interval", "bad"
    SETTING_UNKNOWN = "setting-unknown", "setting unknown", "neutral"
    OTHER_SETTING = "other-setting", "other setting", "neutral"
    NOT_MEASURED = "not-measured", "not measured", "neutral"
    HOLDS = "holds", "holds", "good"
    FAILS = "fails", "fails", "bad"
    BETTER = "better", "better", "good"
    WORSE = "worse", "worse", "bad"
    OPEN = "open", "open", "neutral"
    NOT_TOLD_APART = "not-told-apart", "not told apart", "neutral"


@dataclass(frozen=True)
class Verdict:
    """What became of a number or a claim, and why. In a table it takes two columns: NAME and NAME_detail."""

    kind: VerdictKind
    detail: str = ""


Cell = str | int | float | Estimate | Verdict | None
Kind = Literal["text", "integer", "number", "estimate", "verdict"]


@dataclass(frozen=True)
class Column:
    """A column of a table: its name (CSV header, unique), how it is shown, and what it means."""

    name: str
    kind: Kind = "text"
    digits: Annotated[int, Between(0, 15)] = 3  # after the point, when shown; files hold all of them
    label: str = ""  # shown instead of the name
    note: str = ""  # shown as a hint

    @property
    def head(self) -> str:
        """What stands above it."""
        return self.label or self.name

    @property
    def of_words(self) -> bool:
        """Whether it stands to the left, as words do; numbers stand to the right."""
        return self.kind in ("text", "verdict")


@dataclass(frozen=True)
class Table:
    """Named columns and rows of cells; None is 'not known'. Numbers go in unrounded."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """An SVG (from `reports.figures`), with a name for its file and what it shows."""

    name: Name
    svg: str
    caption: str = ""
    width: Literal["small", "medium", "wide", "full"] = "medium"


@dataclass(frozen=True)
class Claim:
    """One claim and what became of it."""

    claim: str
    verdict: Verdict


@dataclass(frozen=True)
class Section:
    """A part of a page. `name` names its files; `intro` is one paragraph a string; `code` is shown as it is.

    `level` is that of its heading: 2, or 3 for a part of the section above, which the list of contents leaves out.
    """

    name: Name
    title: str
    intro: tuple[str, ...] = ()
    table: Table | None = None
    figures: tuple[Figure, ...] = ()
    claims: tuple[Claim, ...] = ()
    code: str = ""
    note: str = ""  # below table and figures
    level: Literal[2, 3] = 2
