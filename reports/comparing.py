"""Two runs beside one another: which settings differ, and which proxies changed beyond noise."""

import json
from collections.abc import Mapping
from math import hypot
from pathlib import Path
from typing import Any

from reports.pages import Made
from reports.records import Run, read_run
from reports.schema import COEFFICIENTS, Column, Correlation, Estimate, Section, Table, Verdict
from reports.tables import HEADLINE, as_text, by_rank

SAME_FACTS = ("device", "ground_truth", "images", "skeleton", "space", "seeds")


def compared(first: Path, second: Path) -> Made:
    """What changed from the first run to the second."""
    old, new = read_run(first), read_run(second)
    settings, proxies, alone = _settings(old, new), _proxies(old, new), _alone(old, new)
    changed = [row[0] for row in proxies.rows if isinstance(row[1], Verdict) and row[1].kind.tone != "neutral"]
    answer = (
        f"Of {len(proxies.rows)} proxies in both runs {len(changed)} rank otherwise beyond noise"
        f"{': ' + ', '.join(map(str, changed)) if changed else ''}.",
        f"{len(settings.rows)} settings differ." if settings.rows else "All settings are the same.",
    )
    sections = [
        Section("settings", "Settings that differ", table=settings) if settings.rows else None,
        Section(
            "compared",
            "Proxies in both runs",
            table=proxies,
            note="The interval of a change is made from those of both runs as if their networks were drawn apart; on "
            "the same networks it is wider than it need be, so what is called better or worse is.",
        ),
        Section("alone", "Proxies in one run", table=alone) if alone.rows else None,
    ]
    title = "What changed between two runs"
    return Made(title, answer, None, f"{first} → {second}", "", tuple(each for each in sections if each))


def as_lines(made: Made) -> str:
    """For a terminal."""
    parts = [made.title, made.conditions, *made.answer]
    parts += [f"{each.title}\n\n{as_text(each.table)}" for each in made.sections if each.table]
    return "\n\n".join(parts)


def change(old: Estimate, new: Estimate) -> Estimate:
    """new - old, its 95 % interval from both (the method of variance estimates recovery, for independent estimates)."""
    if old.value is None or new.value is None:
        return Estimate()
    gap = new.value - old.value
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return Estimate(gap)
    low = gap - hypot(new.value - new.low, old.high - old.value)
    return Estimate(gap, low, gap + hypot(new.high - new.value, old.value - old.low))


def _proxies(old: Run, new: Run) -> Table:
    before, after = ({row.proxy: row for row in run.correlations} for run in (old, new))
    columns = (
        Column("proxy"),
        Column("verdict", "verdict", label="in the second"),
        *(Column(f"{each}_{when}", "estimate", label=f"{each}, {when}") for each in (HEADLINE,) for when in _WHEN),
        *(Column(f"{each}_change", "estimate", label=f"{each}, change") for each in (HEADLINE, *_OTHERS)),
    )
    both = [row for row in by_rank(new.correlations) if row.proxy in before]
    return Table(columns, tuple(_row(before[row.proxy], after[row.proxy]) for row in both))


_WHEN = ("first", "second")
_OTHERS = tuple(each for each in COEFFICIENTS if each != HEADLINE)


def _row(old: Correlation, new: Correlation) -> tuple[Any, ...]:
    moved = [change(getattr(old, each), getattr(new, each)) for each in (HEADLINE, *_OTHERS)]
    verdict = None if moved[0].value is None else Verdict(moved[0].told)
    return new.proxy, verdict, getattr(old, HEADLINE), getattr(new, HEADLINE), *moved


def _alone(old: Run, new: Run) -> Table:
    names = [{row.proxy for row in run.correlations} for run in (old, new)]
    rows = [(name, _WHEN[place]) for place in (0, 1) for name in sorted(names[place] - names[1 - place])]
    return Table((Column("proxy"), Column("run")), tuple(rows))


def _settings(old: Run, new: Run) -> Table:
    before, after = (_flat(_facts(run)) for run in (old, new))
    keys = [key for key in dict.fromkeys((*before, *after)) if before.get(key) != after.get(key)]
    rows = tuple((key, _written(before.get(key)), _written(after.get(key))) for key in keys)
    return Table((Column("setting"), Column("first"), Column("second")), rows)


def _facts(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    facts = {name: getattr(manifest, name) for name in SAME_FACTS}
    return {**facts, "versions": manifest.versions, "commit": manifest.commit, "config": manifest.config}


def _flat(content: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(content, Mapping | list):
        return {name: content}
    pairs = content.items() if isinstance(content, Mapping) else enumerate(content, 1)
    found: dict[str, Any] = {}
    for key, value in pairs:
        found |= _flat(value, f"{name} {key}".strip())
    return found


def _written(value: Any) -> str:
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
