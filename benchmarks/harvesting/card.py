"""The data card of a harvested table as Markdown: recipe, noise, agreement, all computed from the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields

from benchmarks.distill.protocols import get_protocol
from benchmarks.harvesting import agreement
from benchmarks.harvesting.agreement import Rows
from benchmarks.harvesting.rows import COLUMNS, DISTILLER, PLAIN, PairRow
from reports.markdown import plain_table


def card(protocol: str, rows: Rows, rival: str, rival_rows: Rows, others: Sequence[Rows] = ()) -> str:
    """The card of one table; `others`: the same cells by another teacher or distiller."""
    sections = [
        f"# kd-nb201, protocol {protocol}",
        _what(rows),
        "## Recipe\n\n" + _recipe(protocol),
        "## Where it was measured\n\n" + _hardware(rows),
        "## Noise between runs, and the ceiling it puts on any rank correlation\n\n" + agreement.noise(rows),
        "## Does distillation change the order?\n\n" + agreement.order(rows),
        *(
            f"## Does the order depend on {agreement.changed(rows, other)}?\n\n" + agreement.other_recipe(rows, other)
            for other in others
        ),
        "## Agreement with the full networks\n\n" + agreement.with_full_networks(protocol, rows, rival, rival_rows),
        "## Limits\n\n" + _limits(rows, others),
    ]
    return "\n\n".join(sections) + "\n"


def _what(rows: Rows) -> str:
    distilled, alone = agreement.means(rows, "distilled_top1"), agreement.means(rows, "vanilla_top1")
    gains = [distilled[arch] - alone[arch] for arch in distilled]
    helped = sum(gain > 0 for gain in gains)
    first = rows[0]
    by = "0.1 CE + 0.9 KL, T = 4" if first.distiller == DISTILLER else first.distiller
    columns = PLAIN if first.distiller == DISTILLER else COLUMNS
    return (
        f"Test top-1 of {len(distilled)} cells of NAS-Bench-201 in the skeleton `{first.skeleton}` on {first.images}, "
        f"each trained twice under one schedule and seed: distilled from {first.teacher} ({by}) and alone. "
        f"{len(rows)} pairs of runs, {len({row.seed for row in rows})} seeds. Distilled {_range(distilled)}, alone "
        f"{_range(alone)}; distillation helps {helped} of {len(gains)} cells, by {sum(gains) / len(gains):.2f} points "
        "on average.\n\n"
        "Cells come in one fixed random order of the 9,445 cells without dead branches, after the 15 cells of the "
        "authors' unpublished benchmark; the first n rows of a seed are always the first n of that order that were "
        "finished.\n\n"
        f"Columns: {', '.join(f'`{column}`' for column in columns)}. `_top1` is after the last epoch, `_best` the best "
        "tested epoch (chosen on the test images, so optimistic), `_loss` the mean training loss of the last epoch, "
        "`seconds` those of the pair."
    )


def _range(values: Mapping[str, float]) -> str:
    return f"{min(values.values()):.2f} to {max(values.values()):.2f} %"


def _recipe(protocol: str) -> str:
    chosen = get_protocol(protocol)
    values = {field.name: getattr(chosen, field.name) for field in fields(chosen)}
    del values["teacher_epochs"]  # the teacher of a table comes trained
    rows = [(name.replace("_", " "), value) for name, value in values.items() if value or name != "milestones"]
    return plain_table(("setting", "value"), rows)


def _hardware(rows: Rows) -> str:
    groups: dict[tuple[str, str], list[PairRow]] = defaultdict(list)
    for row in rows:
        groups[row.device, row.torch].append(row)
    lines = []
    for (device, version), members in sorted(groups.items()):
        seconds = sorted(row.seconds for row in members)[len(members) // 2]
        dates = sorted({row.date for row in members})
        lines.append((device, version, len(members), f"{seconds:.0f}", f"{dates[0]} to {dates[-1]}"))
    table = plain_table(("device", "torch", "pairs", "median seconds a pair", "dates"), lines)
    return table + "\n\nSeconds are wall time on a machine that other work shared; they are no benchmark."


def _limits(rows: Rows, others: Sequence[Rows]) -> str:
    first = rows[0]
    varied = {what for other in others for what in agreement.changed(rows, other).split(" and ")}
    single = [what.replace("the ", "one ") for what in ("the teacher", "the loss") if what not in varied]
    one = f"- {' and '.join(single).capitalize()}: another may prefer other students.\n" if single else ""
    return (
        f"- These are accuracies of small networks (`{first.skeleton}`) after {first.epochs} epochs, not of the "
        "benchmark's. Score and search in the same skeleton: every command here does.\n"
        f"{one}"
        "- Test accuracies: choosing a cell by this table and reporting it by the same table is optimistic.\n"
        "- Licence: MIT, as the project. Images: CIFAR-100, whose terms are its authors'."
    )
