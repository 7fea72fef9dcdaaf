"""What of a question is not known yet, and what a long run says of that before it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.scoring.measured import Ask
from benchmarks.scoring.runner import Runner
from nb201_data.datasets import parse_name
from nb201_data.spaces import get_space
from reports.schema import BASELINES
from reports.tables import format_count

LONG = 100  # networks to look at; fewer are soon done


def lacking(runner: Runner, ask: Ask) -> tuple[set[str], int]:
    """The proxies without an answer for some network, and how many networks have to be looked at."""
    jobs = [job for request in ask.requests for job in runner.plan(*request)[1]]
    return {name for job in jobs for name in job.proxies}, sum(len(job.archs) for job in jobs)


def ahead(runner: Runner, asks: Sequence[Ask]) -> str:
    """Of a long run how many networks it looks at, and what is there without it; of a short one nothing."""
    proxies: dict[str, bool] = {}  # whether they are the project's own
    short: set[str] = set()
    networks = 0
    for ask in asks:
        names, count = lacking(runner, ask)
        proxies |= {info.name: info.ours for info in ask.infos}
        short |= names
        networks += count
    if networks < LONG:
        return ""
    there = set(proxies) - short - set(BASELINES)
    said = [
        f"{format_count(networks, 'network')} to look at, for {len(short)} of {format_count(len(proxies), 'proxy')}: "
        "--dry-run says how long that takes."
    ]
    if not any(proxies[name] for name in short):  # a score of one's own, which is what one came for
        return said[0]
    if there:
        said.append(f"--stored shows at once what is there: {format_count(len(there), 'proxy')}.")
    elif other := _elsewhere(runner, asks):
        said.append(f"The released tables know these networks under {other}.")
    return " ".join(said)


def _elsewhere(runner: Runner, asks: Sequence[Ask]) -> str:
    """The options of the setting under which the released tables hold most scores of the networks; '' where none."""
    nets = {(ask.study.setting.space, str(ask.study.setting.skeleton)) for ask in asks}
    held: Counter[str] = Counter()
    for table in runner.released.tables if runner.released else ():
        setting = table.card.setting
        if (setting["space"], setting["skeleton"]) in nets:
            images = parse_name(setting["images"]).base
            usual = setting["batch_size"] == get_space(setting["space"]).batch_size
            batch = "" if usual else f" --batch-size {setting['batch_size']}"
            held[f"--images {images} --init {setting['init']}{batch}"] += table.card.networks * len(table.card.columns)
    return max(held, key=held.__getitem__, default="")
