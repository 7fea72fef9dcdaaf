"""The answer of a correlation page: three sentences, one picture, one line of conditions. Computed from the records."""

from collections import Counter
from collections.abc import Sequence

from reports import figures
from reports.glossary import in_words
from reports.records import Run
from reports.schema import BASELINES, COUNTS, Correlation, Estimate, Figure, VerdictKind
from reports.tables import best_of, format_count, format_estimate, placed, places, standings

SHOWN = {"params": "params", "flops": "FLOPs", "diswot": "DisWOT"}
SUBJECT = "diswot"  # the score that the paper is about: its rank is always named
FEW = 12  # rows: of so many each proxy that ranks nothing is named with the reason


def headline(run: Run, mind: bool = True) -> tuple[str, ...]:
    """The best proxy, DisWOT, and how sure that is; a sentence each. `mind`: with what to mind of many intervals."""
    ranked = placed(run.correlations)
    best = best_of(ranked)
    if best is None:
        return _no_best(run, ranked)
    parts = (_answer(ranked, best), _subject(run, ranked, best), *_silent(run), _sure(run.correlations, mind))
    return tuple(part for part in parts if part)


def picture(run: Run) -> Figure | None:
    """The intervals of the best proxy, DisWOT, params and FLOPs."""
    ranked = placed(run.correlations)
    best, place = best_of(ranked), places(ranked)
    names = {*BASELINES, SUBJECT} | ({best.proxy} if best else set())
    shown = [(place[row.proxy], row) for row in ranked if row.proxy in names]
    if not shown:
        return None
    labels = [f"{place}. {SHOWN.get(row.proxy, row.proxy)}" for place, row in shown]
    counted = [label for label, (_, row) in zip(labels, shown, strict=True) if row.proxy in COUNTS]
    drawn = figures.intervals(
        labels,
        [row.spearman for _, row in shown],
        title="Spearman with the accuracy, 95 % interval",
        highlight=counted,
        width=320.0,
        written=True,
    )
    return Figure("answer", drawn, width="wide")


def conditions(run: Run) -> str:
    """What was measured on what, on one line."""
    manifest = run.manifest
    networks = max((row.scored for row in run.correlations), default=0)
    words = in_words(manifest.skeleton)
    parts = (
        f"{networks:,} networks{f' of {manifest.space}' if manifest.space else ''}" if networks else manifest.space,
        f"truth {manifest.ground_truth}" if manifest.ground_truth else "",
        f"{manifest.skeleton}{f' ({words})' if words else ''}" if manifest.skeleton else "",
        *setting_in_words(run),
        format_count(len(manifest.seeds), "seed") if manifest.seeds else "",
    )
    return " · ".join(part for part in parts if part)


def setting_in_words(run: Run) -> tuple[str, str, str]:
    """Under which images, weights and batches; one phrase where each proxy has those of its authors."""
    studies = run.manifest.config.get("studies", ())
    if studies and all("setting" in study for study in studies):
        return ("each proxy under the setting of its authors", "", "")
    weights, batches = ({getattr(score, name) for score in run.scores} for name in ("init", "batch_size"))
    return (
        f"{run.manifest.images} images" if run.manifest.images else "",
        f"{_listed(sorted(weights))} weights" if weights else "",
        f"batches of {_listed(sorted(batches))}" if batches else "",
    )


def _answer(ranked: Sequence[Correlation], best: Correlation) -> str:
    """The best proxy, and which others are exactly as good."""
    alike = [row.proxy for row in ranked if row.spearman.value == best.spearman.value and row.proxy not in COUNTS]
    names = [SHOWN.get(name, name) for name in alike]
    first = f"best proxy is {names[0]}: its" if len(names) == 1 else f"best proxies are {' and '.join(names)}: their"
    end = _beside(best) or "there is no params or FLOPs row to hold it against"
    return f"The {first} Spearman correlation with the accuracy is {_with_interval(best.spearman)}, {end}."


def _beside(row: Correlation) -> str:
    """'better than params and not told apart from FLOPs', by the paired intervals; '' without such rows."""
    known = {name: difference for name in BASELINES if (difference := _difference(row, name)).value is not None}
    words = {1: "better than", 0: "not told apart from", -1: "worse than"}
    groups = {sign: [SHOWN[name] for name, each in known.items() if each.separated == sign] for sign in words}
    return " and ".join(f"{words[sign]} {' and '.join(names)}" for sign, names in groups.items() if names)


def _subject(run: Run, ranked: Sequence[Correlation], best: Correlation) -> str:
    """Where DisWOT stands, or why it stands nowhere, if it is a row."""
    row = next((row for row in ranked if row.proxy == SUBJECT), None)
    if row is None:
        return ""
    place = f"{places(ranked)[SUBJECT]} of {len(ranked)} rows"
    counts = [SHOWN.get(each.proxy, each.proxy) for each in ranked if each.proxy in COUNTS]
    among = f" ({' and '.join([', '.join(counts[:-1]), counts[-1]] if counts[1:] else counts)} among them)"
    place = f"number {place}{among if counts else ''}"
    if row is best:
        return f"That is {SHOWN[SUBJECT]} itself, {place}."
    beside = _beside(row)
    return f"{SHOWN[SUBJECT]} is {place}, with {_with_interval(row.spearman)}{f', {beside}' if beside else ''}."


def _no_best(run: Run, ranked: Sequence[Correlation]) -> tuple[str, ...]:
    """Why no proxy is the best: none was asked, or none gave a ranking; and what the counts of size say."""
    counts = [f"{SHOWN.get(row.proxy, row.proxy)} {_with_interval(row.spearman)}" for row in ranked]
    beside = f"The counts of size alone: Spearman {', '.join(counts)}." if counts else ""
    silent = _silent(run)
    proxies = len(run.correlations) - len(ranked)
    first = f"None of {format_count(proxies, 'proxy')} gave a ranking to compare." if proxies else ""
    return tuple(part for part in (first, *silent, beside) if part)


def _silent(run: Run) -> list[str]:
    """Why DisWOT ranks nothing, and why others do not where few were asked; the page names the rest."""
    rows = [row for row in run.correlations if row.spearman.value is None]
    named = rows if len(run.correlations) <= FEW else [row for row in rows if row.proxy == SUBJECT]
    return [f"{SHOWN.get(row.proxy, row.proxy)} ranks nothing here: {_why(run, row)}." for row in named]


def _why(run: Run, row: Correlation) -> str:
    if row.status == "constant":
        return f"it gives all {row.scored} networks{' that it scores' if row.left_out else ''} the same score"
    why = Counter(score.reason for score in run.scores if score.proxy == row.proxy and score.reason)
    most = f", most often because of '{why.most_common(1)[0][0]}'" if why else ""
    return f"it has no score for {format_count(row.left_out, 'network')}{most}"


def _sure(rows: Sequence[Correlation], mind: bool) -> str:
    """How many proxies these networks tell from params."""
    proxies = [row for row in rows if row.proxy not in COUNTS]
    kinds = standings(proxies)
    if len(kinds) < 2:
        return ""
    better, worse = kinds.count(VerdictKind.BETTER), kinds.count(VerdictKind.WORSE)
    without = len(proxies) - len(kinds)
    rest = f", and {without} gave no ranking" if without else ""
    networks = max(row.scored for row in proxies)
    fewer = sum(row.spearman.value is not None and 2 * row.scored < networks for row in proxies)
    of_fewer = f" ({fewer} of them by fewer than half)" if fewer else ""
    seeds = max(row.seeds for row in proxies)
    drawn = f" and these {seeds} draws of weights" if seeds > 1 else ""
    careful = f" Each interval stands alone, so the best of {len(kinds)} looks better than it is." if mind else ""
    same = _are(kinds.count(VerdictKind.NOT_TOLD_APART))
    return (
        f"Of {len(proxies)} proxies {_are(better)} better than params, {_are(worse)} worse and {same} not told apart "
        f"from it by {networks:,} networks{of_fewer}{drawn}"
        f"{rest}.{careful}"
    )


def _are(number: int) -> str:
    return {0: "none is", 1: "1 is"}.get(number, f"{number} are")


def _difference(row: Correlation, baseline: str) -> Estimate:
    difference: Estimate = getattr(row, f"spearman_minus_{baseline}")
    return difference


def _with_interval(estimate: Estimate) -> str:
    return format_estimate(Estimate(estimate.value, estimate.low, estimate.high))


def _listed(items: Sequence[object]) -> str:
    return ", ".join(map(str, items))
