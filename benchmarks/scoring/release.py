"""Writing released tables: what a store, or any other source, holds of built-in proxies, one file a setting."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.engines import provenance
from benchmarks.scoring.order import LISTED, places, space_order
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.released import (
    FORMAT,
    SHARED,
    Card,
    Column,
    Released,
    ScoreTable,
    forms_of,
    order_hash,
    planes,
    read_card,
    release_of,
    shared_by,
    table_name,
    waiting,
)
from benchmarks.scoring.setting import RECIPE, torch_version
from diswot_errors import DataError
from diswot_registry import HOME
from nb201_data.datasets import parse_name
from nb201_data.sealed import locked, write_whole
from nb201_data.spaces import SPACES
from proxies.registry import PROXIES
from reports.tables import format_count

LOCK = ".tables.lock"
Found = dict[str, Answer]
Book = Iterable[tuple[Question, Found]]
"""Questions and all answers to them."""


def release(book: Book, folder: Path) -> list[str]:
    """Add what is releasable to the tables of a folder; one sentence for each table that grew, and each conflict.

    An answer that is released stays. One column holds one version of its proxy: the registry's.
    """
    by_setting: dict[tuple[Any, ...], dict[str, tuple[Question, Found]]] = defaultdict(dict)
    for question, found in book:
        if releasable(question):
            columns = by_setting[shared_by(question)]
            before = columns[question.proxy][1] if question.proxy in columns else {}
            columns[question.proxy] = (question, found | before)  # another build of torch is no other question
    if not by_setting:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    said: list[str] = []
    with locked(folder / LOCK):
        there = {shared_by(table.card.any_question): table for table in Released(folder).tables}
        for setting, columns in by_setting.items():
            said += _grow(there.get(setting), columns, folder)
    return said


def releasable(question: Question) -> bool:
    """Built-in proxy at its present version, space and images of the project, this recipe and this torch."""
    present = question.present and question.origin == HOME
    own = question.space in SPACES and SPACES.origin(question.space) == HOME and not brought(question)
    now = question.recipe == RECIPE and release_of(question.torch) == release_of(torch_version())
    return present and own and now


def brought(question: Question) -> bool:
    """Whether images, teacher or its weights are somebody's own."""
    named = any(" of " in name or ".py:" in name for name in (question.images, question.teacher))
    return named or parse_name(question.images).is_folder or question.teacher_init.startswith("sha256:")


def _grow(table: ScoreTable | None, columns: Mapping[str, tuple[Question, Found]], folder: Path) -> list[str]:
    """Write a table with what it held and what is new."""
    some = next(iter(columns.values()))[0]
    merged: dict[str, tuple[Question, Found]] = {}
    said: list[str] = []
    if table is not None and (torch := release_of(some.torch)) not in table.card.reproduces:
        return [
            f"{table.path.stem}: nothing added, since it is of torch {', '.join(table.card.reproduces)}, these of "
            f"{torch}: `python -m benchmarks.scores verify --record` says whether both give the same"
        ]
    if table is not None:
        for proxy in table.card.columns:
            question = table.card.question(proxy)
            if releasable(replace(question, torch=some.torch)):  # an older version of a proxy is left behind
                merged[proxy] = (question, table.answers(proxy))
    before = sum(len(found) for _, found in merged.values())
    for proxy, (question, found) in columns.items():
        old = merged.get(proxy, (question, {}))[1]
        known = {arch: answer for arch, answer in found.items() if arch in places(question.space)}
        other = sum(not same(old[arch], known[arch]) for arch in old.keys() & known.keys())
        if other:
            said.append(f"{proxy}: {other:,} answers differ from the released ones, which stay")
        merged[proxy] = (question, known | old)
    archs = {arch for _, found in merged.values() for arch in found}
    merged = {proxy: (question, completed(question, found, archs)) for proxy, (question, found) in merged.items()}
    grown = sum(len(found) for _, found in merged.values()) - before
    if grown or (table is not None and merged.keys() != table.card.columns.keys()):
        path = table.path if table is not None else folder / f"{table_name(some)}.json"
        reproduces = table.card.reproduces if table is not None else (release_of(some.torch),)
        networks = write_table(path, merged, reproduces, table.card.machine if table is not None else "")
        counted = (networks, "network"), (len(merged), "proxy"), (grown, "new score")
        said.append(f"{path.stem}: {', '.join(format_count(*each) for each in counted)}")
    return said


def completed(question: Question, found: Found, archs: Iterable[str]) -> Found:
    """With answers of their equals for networks that are not scored themselves: a sweep does not score what an equal
    answers. For all up to the last one in the order of the space, or for those of `archs`, where that leaves no gap
    among them. Elsewhere as it is, since a sample would be none any more.
    """
    if not found or not PROXIES[question.proxy].equal_on_equals:
        return found
    place, order = places(question.space), space_order(question.space)
    last = max(place[arch] for arch in found)
    for some in (order[:last] if len(order) <= LISTED else (), archs):
        forms = forms_of(question.space, [arch for arch in some if arch not in found and place[arch] < last])
        if forms and all(form in found for form in forms.values()):
            return found | {arch: found[form] for arch, form in forms.items()}
    return found


def same(one: Answer, other: Answer) -> bool:
    """Whether two answers agree to the bit; seconds and reasons may differ."""
    return (one.value, one.status) == (other.value, other.status)


def write_table(
    path: Path, columns: Mapping[str, tuple[Question, Found]], reproduces: tuple[str, ...], before: str = ""
) -> int:
    """Write a table and its card; how many networks it holds. `before`: the machines that made what was there."""
    some = next(iter(columns.values()))[0]
    place = places(some.space)
    archs = sorted({arch for _, found in columns.values() for arch in found}, key=place.__getitem__)
    row = {arch: number for number, arch in enumerate(archs)}
    kind = np.promote_types(np.uint16, np.min_scalar_type(len(place) - 1))
    arrays: dict[str, Any] = {"places": np.array([place[arch] for arch in archs], dtype=kind)}
    described: dict[str, Column] = {}
    for proxy, (question, found) in sorted(columns.items()):
        outcomes = sorted({(answer.status, answer.reason) for answer in found.values()})
        code = {outcome: number for number, outcome in enumerate(outcomes, start=1)}
        codes, values = np.zeros(len(archs), dtype=np.min_scalar_type(len(outcomes))), np.zeros(len(archs))
        for arch, answer in found.items():
            codes[row[arch]] = code[answer.status, answer.reason]
            values[row[arch]] = 0.0 if answer.value is None else answer.value
        arrays[f"outcome.{proxy}"], arrays[f"value.{proxy}"] = codes, planes(values)
        seconds = float(f"{fmean(answer.seconds for answer in found.values()):.3g}")
        described[proxy] = Column(question.version, question.origin, len(found), seconds, tuple(outcomes))
    machine = provenance.device_name("cpu") if some.device == "cpu" else some.device
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    content = packed.getvalue()
    card = Card(
        format=FORMAT,
        setting={name: getattr(some, name) for name in SHARED},
        order=order_hash(some.space),
        networks=len(archs),
        reproduces=reproduces,
        versions=provenance.versions(),
        machine=", ".join(dict.fromkeys([*filter(None, before.split(", ")), machine])),
        columns=described,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    packed_path = path.with_suffix(".npz")
    write_whole(waiting(packed_path), content)  # whenever this is killed, card and one of both files belong together
    write_whole(path, card.text().encode())
    waiting(packed_path).replace(packed_path)
    return len(archs)


def record_torch(table: ScoreTable, torch: str) -> None:
    """Write into a card that a version of torch gives the same scores; not where the table is another one by now."""
    with locked(table.path.with_name(LOCK)):
        card = read_card(table.path)
        if card.sha256 != table.card.sha256:
            raise DataError(f"{table.path} has grown since it was verified: verify it again")
        reproduces = tuple(sorted({*card.reproduces, release_of(torch)}))
        write_whole(table.path, replace(card, reproduces=reproduces).text().encode())
