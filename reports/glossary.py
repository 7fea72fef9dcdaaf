"""The words of these pages in plain English. A page explains those that it uses."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nb201_data.skeleton import Skeleton
from reports.cells import LETTERS, WORDS
from reports.schema import Column, Section, Table
from reports.tables import format_count


@dataclass(frozen=True)
class Term:
    """A word, the texts that it is found by, and what it means."""

    name: str
    pattern: str
    meaning: str


TERMS = (
    Term(
        "proxy",
        r"\bprox(y|ies)\b",
        "A score that a network gets without being trained, meant to tell how accurate it would be once trained.",
    ),
    Term(
        "ground truth",
        r"ground truth|\btruth\b",
        "The accuracies that the proxies should predict: those of the same networks after real training.",
    ),
    Term(
        "teacher, distilled",
        r"distilled|teacher|distillation",
        "A network trained to imitate a larger one, the "
        "teacher, beside learning the labels, is distilled; its accuracy is that of a student.",
    ),
    Term("trained alone", r"vanilla|trained alone", "Without a teacher; some tables call it vanilla."),
    Term(
        "params, FLOPs",
        r"\bparams\b|FLOPs",
        "The number of a network's parameters, and of its multiplications and "
        "additions for one image: what a proxy must beat to be worth computing.",
    ),
    Term("flops_pruned", r"flops_pruned", "FLOPs without the layers that no signal passes through."),
    Term(
        "Spearman ρ",
        r"Spearman|ρ",
        "How alike two orders are: 1 the same, 0 unrelated, −1 reversed. The correlation of the ranks.",
    ),
    Term(
        "Kendall τ-b",
        r"Kendall|τ",
        "As Spearman, from pairs: the share that both orders agree on minus the share that "
        "they do not, ties allowed for.",
    ),
    Term(
        "Pearson r",
        r"Pearson",
        "The correlation of the values themselves, not of the order: high where a straight line fits.",
    ),
    Term(
        "bootstrap interval",
        r"bootstrap",
        "In square brackets: the range that the number falls into in 95 of 100 redraws of the networks with "
        "replacement; cells that are one network, dead branches aside, are redrawn together. Wide with few networks.",
    ),
    Term(
        "t interval",
        r"t intervals?\b|noise of training",
        "In square brackets: where the mean of many trainings lies with 95 %, from how far those that were made lie "
        "apart (Student's t). Wide with few trainings.",
    ),
    Term(
        "paired difference",
        r"paired|− params|− FLOPs",
        "The correlation of a proxy minus that of params, on the same "
        "networks in the same redraws: much surer than two intervals side by side.",
    ),
    Term(
        "better, worse, not told apart",
        r"not told apart|than params",
        "Beside params: the whole interval of the paired "
        "difference lies above zero, below it, or holds zero, so that these networks do not decide.",
    ),
    Term(
        "partial rank correlation",
        r"partial",
        "The rank correlation of proxy and accuracy after what the number of "
        "parameters explains is taken out of both. Near zero: the proxy says nothing that size does not.",
    ),
    Term(
        "top 5 %",
        r"top 5 %",
        "Of the networks that the proxy puts into its best 5 %, the share that are among the truly best 5 %.",
    ),
    Term(
        "regret",
        r"\bregret\b",
        "What choosing by the proxy costs: the accuracy of the best network minus that of the "
        "proxy's first choice, in percentage points.",
    ),
    Term(
        "n, left out",
        r"left out|\bn\b",
        "Networks with a score, and networks without one because the proxy failed on "
        "them; a failure is never counted as a number.",
    ),
    Term(
        "seed",
        r"\bseeds?\b",
        "The number that random weights and images are drawn by. Behind ± stands the standard "
        "deviation over seeds, where there are several.",
    ),
    Term(
        "skeleton",
        r"\bc\d+n\d+k\d+r\d+\b|skeleton",
        "What stands around a cell. c16n1k100r16 is read: 16 "
        "channels, 1 cell a stage, 100 classes, images of 16 × 16 pixels.",
    ),
    Term(
        "cell",
        r"\bcells?\b",
        "A network of NAS-Bench-201: four nodes joined by six edges. Short names such as 3/s1/p03 "
        "list the operations into nodes 1, 2 and 3: "
        + ", ".join(f"{letter} {WORDS[operation]}" for operation, letter in LETTERS.items())
        + ". Drawings show the edges: blue and thick 3×3, green 1×1, orange pooling, grey skip.",
    ),
    Term(
        "embedded",
        r"\bembedded\b",
        "Images painted by this program instead of photographs, so that nothing has to be "
        "downloaded; embedded:100@16 has 100 classes of 16 × 16 pixels.",
    ),
    Term(
        "lite",
        r"\blite\b",
        "The short training recipe of this project's own accuracies: 12 epochs on a quarter of "
        "CIFAR-100 at 16 × 16 pixels. Small networks, small numbers.",
    ),
    Term(
        "initialisation",
        r"\binit(ialisation)?\b|gaussian|kaiming",
        "How the random weights of an untrained network are "
        "drawn: gaussian from a bell curve, kaiming scaled by the size of each layer.",
    ),
    Term("hundredths", r"hundredths", "Correlations times 100, as the paper prints them: 88.42 is 0.8842."),
)


def used(texts: Iterable[str]) -> list[Term]:
    """The terms that occur in any of these texts."""
    whole = "\n".join(texts)
    return [term for term in TERMS if re.search(term.pattern, whole, re.IGNORECASE if term.name == "proxy" else 0)]


def section(texts: Iterable[str]) -> Section | None:
    """The words of a page in words; None where it uses none of them."""
    rows = tuple((term.name, term.meaning) for term in used(texts))
    columns = (Column("term", label=" "), Column("meaning", label=" "))
    return Section("glossary", "What the words mean", table=Table(columns, rows)) if rows else None


def texts_of(sections: Iterable[Section]) -> Iterable[str]:
    """All that sections say, column heads included, cells of text too."""
    for section in sections:
        yield from (section.title, *section.intro, section.note, *(figure.caption for figure in section.figures))
        yield from (one.claim for one in section.claims)
        if section.table is not None:
            yield from (column.head for column in section.table.columns)
            yield from (column.note for column in section.table.columns)
            yield from (cell for row in section.table.rows for cell in row if isinstance(cell, str))


def in_words(skeleton: str) -> str:
    """'16 channels, 1 cell a stage, 100 classes, 16 × 16 pixels' of `c16n1k100r16`; '' where it is none.

    `c16n0k100r224` is of networks without cells: '100 classes, 224 × 224 pixels'.
    """
    if not re.fullmatch(r"c\d{1,6}n\d{1,6}k\d{1,6}r\d{1,6}", skeleton):
        return ""
    one = Skeleton.parse(skeleton)
    seen = f"{one.classes} classes, {one.resolution} × {one.resolution} pixels"
    if not one.cells_per_stage:  # networks that are not made of cells have widths of their own
        return seen
    cells = f"{format_count(one.cells_per_stage, 'cell')} a stage"
    return f"{one.channels} channels, {cells}, {seen}"
