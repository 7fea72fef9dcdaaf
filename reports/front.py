"""What the first page of the site says: in three sentences who ranks best, and below them a line for each truth."""

from collections import Counter
from collections.abc import Iterable, Sequence

from reports.entry import Entry
from reports.headline import SHOWN, SUBJECT, setting_in_words
from reports.schema import Cell, Column, Correlation, Section, Table
from reports.tables import STANDINGS, against_params, best_of, standings

COLUMNS = (
    Column("truth"),
    Column("networks", "integer"),
    Column("best", label="best proxy"),
    Column("spearman", "estimate", label="its Spearman ρ"),
    Column("best_params", "verdict", label="beside params", note="the best proxy, by the paired interval"),
    Column("place", "integer", label="rank of DisWOT"),
    Column("rows", "integer", label="of"),
    Column("diswot_params", "verdict", label="DisWOT beside params", note="by the paired interval"),
)


def answer(truths: Sequence[Entry]) -> tuple[str, ...]:
    """Which proxies are first how often, where DisWOT stands, and how to take that.

    Of one truth under one setting only the ranking of most networks counts, of those that of most rows, of those the
    first: another one is no further case.
    """
    truths = _widest(truths)
    first = Counter(best.proxy for entry in truths if (best := best_of(entry.run.correlations)))
    if not first:
        return ("No proxy is ranked here.",)
    most, total = max(first.values()), first.total()
    leaders = [SHOWN.get(name, name) for name, count in first.items() if count == most]
    of = f"on {most} of {total} ground truths and settings{', each' * (len(leaders) > 1)}" if total > 1 else "here"
    rest = len(first) - len(leaders)
    others = f"; {rest} other{'s are' if rest > 1 else ' is'} first on the rest" if rest else ""
    sentences = [f"The networks are ranked best by {' and '.join(leaders)} {of}{others}."]
    if subject := beside_params((entry.run.correlations for entry in truths), SUBJECT):
        sentences.append(f"DisWOT is {subject}.")
    sentences.append("The best of many is chosen after the fact, so it looks better than it is.")
    return tuple(sentences)


def _widest(truths: Sequence[Entry]) -> list[Entry]:
    def width(entry: Entry) -> tuple[int, int]:
        return max((row.scored for row in entry.rows.values()), default=0), entry.ranked()

    alike: dict[tuple[str, ...], list[Entry]] = {}
    for entry in truths:
        alike.setdefault((entry.run.manifest.ground_truth, *setting_in_words(entry.run)), []).append(entry)
    return [max(entries, key=width) for entries in alike.values()]


def section(truths: Sequence[Entry]) -> Section:
    """A line for each truth."""
    note = "Every truth is one question: whose accuracies, and the images and weights that the proxies looked at. "
    note += "Each name leads to its page."
    return Section("best", "The best on each truth", table=Table(COLUMNS, tuple(map(_row, truths))), note=note)


def _row(entry: Entry) -> tuple[Cell, ...]:
    best, subject = best_of(entry.run.correlations), entry.rows.get(SUBJECT)
    networks = max((row.scored for row in entry.run.correlations), default=None)
    first = (best.proxy, best.spearman, against_params(best)) if best else ("", None, None)
    second = against_params(subject) if subject else None
    return (entry.title, networks, *first, entry.place(SUBJECT), entry.ranked(), second)


def beside_params(rankings: Iterable[Iterable[Correlation]], proxy: str) -> str:
    """'better than params on 1 of 13, not told apart from it on 6 and worse on 6'; '' where it stands nowhere."""
    kinds = Counter(standing for rows in rankings for standing in standings(row for row in rows if row.proxy == proxy))
    if not kinds:
        return ""
    better, same, worse = (kinds[kind] for kind in STANDINGS)
    return f"better than params on {better} of {kinds.total()}, not told apart from it on {same} and worse on {worse}"
