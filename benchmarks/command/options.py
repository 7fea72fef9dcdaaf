"""The options of all commands, in groups that a command takes or leaves: one name, one default, one meaning."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.command import numbers
from benchmarks.scoring.authors import COMMON, INIT, SETTINGS
from benchmarks.scoring.released import RELEASED
from benchmarks.scoring.resolve import PAINTED
from benchmarks.scoring.setting import AS_BUILT
from benchmarks.scoring.study import SAMPLE, SMALL
from diswot_errors import Parser
from proxies.authors import INITS

PRECISIONS = ("fp32", "bf16")
TIME_LIMIT = 600.0  # seconds a network


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Defaults are shown where they say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        said = "(default" in (action.help or "")  # it says itself what is taken
        if said or action.default in (None, False, True, "", argparse.SUPPRESS) or action.default == []:
            return action.help
        return super()._get_help_string(action)


def parser(command: str, description: str, parents: Iterable[argparse.ArgumentParser] = ()) -> argparse.ArgumentParser:
    """A parser of `python -m benchmarks.COMMAND` that shows defaults and takes no abbreviated options."""
    return Parser(
        prog=f"python -m benchmarks.{command}",
        description=description,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
        parents=[*parents, plugins()],
    )


def plugins() -> Parser:
    """Of every command."""
    group = Parser(add_help=False)
    group.add_argument(
        "--plugin",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.py",
        help="a file that adds proxies, distillers, spaces, data sets, strategies, engines or tables; repeatable",
    )
    return group


def output(default: str = "runs/COMMAND-...", what: str = "done") -> Parser:
    """Of commands that leave a run folder. The default is named by the settings, so that two runs never meet."""
    group = Parser(add_help=False)
    group.add_argument("--out", type=Path, metavar="DIR", help=f"run folder (default: {default}); goes on in it")
    group.add_argument("--replace", action="store_true", help="throw away a run of other settings that --out holds")
    return Parser(add_help=False, parents=[group, dry_run(what)])


def dry_run(what: str = "done") -> Parser:
    """Of every command."""
    group = Parser(add_help=False)
    group.add_argument("--dry-run", action="store_true", help=f"say what would be {what} and how long, and stop")
    return group


def device() -> Parser:
    """Of commands that compute, in this process or in others."""
    group = Parser(add_help=False)
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    return group


def machine() -> Parser:
    """Of commands that compute."""
    group = Parser(add_help=False, parents=[device()])
    group.add_argument(
        "--workers", type=numbers.positive, help="processes (default: cores on a CPU, 1 on a GPU; 1 is this process)"
    )
    group.add_argument("--engine", default="local", metavar="NAME", help="local, or ray: the nodes of a cluster")
    group.add_argument("--address", metavar="HOST:PORT", help="of the Ray cluster (default: one of this machine)")
    group.add_argument(
        "--gpus-per-worker", type=numbers.above_zero, metavar="X", help="with --engine ray, 0.25 for four on a GPU (1)"
    )
    return group


def store_file(several: bool = False) -> Parser:
    """Of commands that read or write stored scores; `several`: of those that look scores up and compute none."""
    group = Parser(add_help=False)
    kept = "where scores are kept (default: the cache folder)"
    further = "further scores: a score store, a folder of released tables, a .csv or .parquet file; repeatable"
    how: dict[str, Any] = {"action": "append", "default": []} if several else {}
    group.add_argument(
        "--store", type=Path, metavar="SOURCE" if several else "FILE", help=further if several else kept, **how
    )
    return group


def tables() -> Parser:
    """Of commands that work on released tables."""
    group = Parser(add_help=False)
    group.add_argument("--tables", type=Path, default=RELEASED, metavar="DIR", help="released tables (the project's)")
    return group


def scores() -> Parser:
    """Of commands that look scores up and compute none."""
    return Parser(add_help=False, parents=[store_file(several=True), tables()])


def cases() -> Parser:
    """Of commands that look at one half of the networks."""
    group = Parser(add_help=False)
    group.add_argument("--init", choices=INITS, help="scores of one initialisation (default: of every one there is)")
    group.add_argument(
        "--log", type=Path, default=RELEASED.parent, metavar="DIR", help="folder of looks.csv and searches.csv"
    )
    return group


def aggregate() -> Parser:
    """Of commands that rank scores."""
    group = Parser(add_help=False)
    what = "a score made of scores, ranked as the others: jacob+synflow+nst, rank(a)+rank(b), a*b/c; repeatable"
    group.add_argument("--aggregate", action="append", default=[], metavar="FORMULA", help=what)
    return group


def proxies() -> Parser:
    """Of commands that look at some of the proxies."""
    group = Parser(add_help=False)
    names = "names or globs, by commas: m_s,az_nas_*; or all"
    group.add_argument("--proxies", default="all", metavar="NAMES", help=names)
    return group


def sampled(default: int | str | None, of: str, kind: Callable[[str], int | str]) -> Parser:
    """A random sample of so many."""
    group = Parser(add_help=False)
    group.add_argument("--sample", type=kind, default=default, metavar="N", help=of)
    group.add_argument("--sample-seed", type=numbers.seed, default=0, help="another sample")
    return group


def store() -> Parser:
    """Of commands that score networks."""
    group = Parser(add_help=False, parents=[store_file()])
    group.add_argument("--no-tables", action="store_true", help="compute what the released tables of scores hold too")
    group.add_argument("--together", type=numbers.positive, help="networks in flight in each process (1; 8 on a GPU)")
    group.add_argument(
        "--time-limit",
        type=numbers.above_zero,
        metavar="S",
        help=f"seconds a network may take ({TIME_LIMIT:g}; without limits one worker is this process, which has none)",
    )
    group.add_argument(
        "--memory-limit",
        type=numbers.above_zero,
        metavar="GIB",
        help="of a process (its share of 90 %% of the machine)",
    )
    return group


def seeds(default: int | None = 1, of: str = "repetitions: weights, batch and teacher") -> Parser:
    """How often all is repeated."""
    group = Parser(add_help=False)
    group.add_argument("--seeds", type=numbers.seeds, default=default, help=of)
    return group


def study(
    batch_size: int | None = None,
    split: str | None = "train",
    sample: int | str | None = None,
    teacher: str | None = None,
    images: str | None = PAINTED,
) -> Parser:
    """Of commands that score networks of a ground truth. None: decided by the space, or the command for its groups;
    of images: by what is released, see `scoring.usual`."""
    text = f"networks of the ground truth, or all ({SAMPLE}; all of a truth of up to {SMALL})"
    parents = [shown(batch_size, teacher, images), sampled(sample, text, numbers.sample), split_of(split)]
    return Parser(add_help=False, parents=parents)


def split_of(default: str | None = "train") -> Parser:
    """Which images of a data set."""
    group = Parser(add_help=False)
    group.add_argument("--split", choices=("train", "test"), default=default, help="of the images")
    return group


def shown(batch_size: int | None = None, teacher: str | None = None, images: str | None = PAINTED) -> Parser:
    """Of commands that score networks: the images that they are shown, and the teacher."""
    group = Parser(add_help=False)
    group.add_argument(
        "--images",
        default=images,
        help="embedded (no download), real (those of the ground truth, where on disk), cifar100, noise, a folder, ..."
        + ("" if images else f" (default: {PAINTED}; where no scores on it are released, those of most that are)"),
    )
    text = "images that are looked at" + ("" if batch_size else " (default: what the space says)")
    group.add_argument("--batch-size", type=numbers.batch, default=batch_size, help=text)
    group.add_argument(
        "--teacher",
        default=teacher,
        metavar="NAME",
        help="best-cell (usual on nb201), resnet20 to resnet110, an architecture, or one of yours: FILE.py:FUNCTION",
    )
    group.add_argument(
        "--teacher-weights", type=Path, metavar="FILE", help="a trained teacher (default: random weights)"
    )
    return group


def init(default: str = INIT) -> Parser:
    """Of commands with one initialisation."""
    group = Parser(add_help=False)
    text = f"initialisation of all networks; {AS_BUILT}: what their constructors draw or read"
    group.add_argument("--init", choices=(*INITS, AS_BUILT), default=default, help=text)
    return group


def setting(usual: str = INIT) -> Parser:
    """Of commands that score each proxy under one setting or that of its authors: see `scoring.authors.settled`.

    usual: what is told of the weights where nobody says.
    """
    group = Parser(add_help=False)
    group.add_argument(
        "--setting",
        choices=SETTINGS,
        default=COMMON,
        help="common: the same weights, images and batch for every proxy; authors: for each those of its own paper",
    )
    text = f"initialisation of all networks (common: {usual}); {AS_BUILT}: what their constructors draw or read"
    group.add_argument("--init", choices=(*INITS, AS_BUILT), help=text)
    return group


def truth(several: bool = False) -> Parser:
    """Which ground truth."""
    group = Parser(add_help=False)
    what = "names or files, by commas (those at hand of kd-nb201, s0:kd)" if several else "see `nb201_data list`"
    group.add_argument("--ground-truth", metavar="NAMES" if several else "NAME|FILE", help=what)
    return group


def unsaid(options: Parser) -> Parser:
    """The same options, which change nothing where they are not given: for a place where they may stand once more."""
    for action in options._actions:
        action.default = argparse.SUPPRESS
    return options


def config_of(options: argparse.Namespace) -> dict[str, Any]:
    """As a manifest keeps them."""
    return {key: _plain(value) for key, value in vars(options).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
