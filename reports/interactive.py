"""What the script of a page knows: plain data that it reads from the page itself.

cells       [[arch, short name, its letters or ''], ...]: the networks that are drawn
ranks       their places by accuracy among all networks, of which there are `networks`
truth       their accuracies
scores      proxy -> their scores, null where there is none; five digits, for the eye
panels      [[proxy, [the network behind each dot, in the order drawn]], ...]
pair        the two proxies that are held against each other at first
lower       proxies of which a lower score predicts a better network
switch      coefficient -> proxy -> column -> [number to sort by, text, small text] or [number, label, '', tone]
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from reports.cells import LETTERS, cell_of, short_name
from reports.figures.plane import at_the_edge
from reports.headline import SUBJECT
from reports.panels import Panels, panels_of
from reports.records import Run
from reports.schema import COEFFICIENTS, COUNTS, Correlation, Estimate
from reports.tables import against_params, format_interval, format_number, places

SIGNS = {"kendall": "τ", "spearman": "ρ", "pearson": "r"}
DIFFERENCES = ("params", "flops")


def data_of(run: Run) -> dict[str, Any]:
    """All of it; empty where nothing was correlated."""
    if not run.correlations:
        return {}
    panels = panels_of(run)
    names = {row.arch: row.name for row in run.names}
    drawn = bool(panels.means and panels.accuracy)
    return {
        "switch": {coefficient: _switched(run, coefficient) for coefficient in COEFFICIENTS},
        "signs": SIGNS,
        "lower": [row.proxy for row in run.correlations if row.direction == "lower"],
        **(_drawn(panels, names) if drawn else {"cells": [], "truth": [], "scores": {}, "panels": []}),
    }


def as_script(data: Mapping[str, Any]) -> str:
    """Data as the text of a script element: JSON in which nothing ends the element or begins a comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _drawn(panels: Panels, names: Mapping[str, str]) -> dict[str, Any]:
    archs = panels.archs
    place = {arch: number for number, arch in enumerate(archs)}
    rank: dict[float, int] = {}
    for number, accuracy in enumerate(sorted(panels.accuracy.values(), reverse=True), 1):
        rank.setdefault(accuracy, number)
    order = []
    for proxy in panels.means:
        shown, scores, accuracies = panels.points(proxy)
        edge = set(at_the_edge(scores, accuracies))
        inside = [number for number in range(len(shown)) if number not in edge]
        order.append([proxy, [place[shown[number]] for number in (*inside, *sorted(edge))]])
    return {
        "cells": [[arch, short_name(arch, names), _letters(arch)] for arch in archs],
        "truth": [_rounded(panels.accuracy[arch]) for arch in archs],
        "ranks": [rank[panels.accuracy[arch]] for arch in archs],
        "networks": len(panels.accuracy),
        "scores": {proxy: [_rounded(found.get(arch)) for arch in archs] for proxy, found in panels.means.items()},
        "panels": order,
        "pair": _pair(list(panels.means)),
    }


def _pair(proxies: list[str]) -> list[str]:
    """The two proxies to look at first: the best, and DisWOT or else the next."""
    ranked = [proxy for proxy in proxies if proxy not in COUNTS] or proxies
    second = SUBJECT if SUBJECT in ranked[1:] else ranked[min(1, len(ranked) - 1)]
    return [ranked[0], second]


def _letters(arch: str) -> str:
    cell = cell_of(arch)
    return "".join(LETTERS[operation] for operation in cell.ops) if cell else ""


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.5g}")


def _switched(run: Run, coefficient: str) -> dict[str, dict[str, list[Any]]]:
    """The cells of the ranked table that depend on the coefficient."""
    rank = places(run.correlations, coefficient)
    return {row.proxy: _row(row, coefficient, rank.get(row.proxy)) for row in run.correlations}


def _row(row: Correlation, coefficient: str, place: int | None) -> dict[str, list[Any]]:
    verdict = against_params(row, coefficient)
    cells: dict[str, list[Any]] = {"rank": [place, "–" if place is None else str(place), ""]}
    cells["verdict"] = [verdict.kind.label, verdict.kind.label, "", verdict.kind.tone] if verdict else [None, "", ""]
    for baseline in DIFFERENCES:
        difference: Estimate = getattr(row, f"{coefficient}_minus_{baseline}")
        text = "–" if difference.value is None else format_number(difference.value)
        cells[f"spearman_minus_{baseline}"] = [difference.value, text, format_interval(difference)]
    return cells
