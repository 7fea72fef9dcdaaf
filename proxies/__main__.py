"""`python -m proxies`: the table of all proxies, from the registry, in Markdown; or `--formulas`, `--settings`."""

from collections.abc import Sequence

import diswot_ending
from diswot_errors import Parser
from diswot_plugins import load_plugin
from proxies.authors import AuthorsSetting
from proxies.registry import aggregates, all_proxies


def table() -> str:
    """One row a proxy: what it computes, which end is better, whether it looks at a teacher, where it comes from."""
    lines = ["| proxy | formula | better | teacher | evidence | paper | origin |", "|---|---|---|---|---|---|---|"]
    for info in all_proxies():
        teacher = "yes" if info.teacher else ""
        needs = ", ".join(sorted(info.needs)) or "none"
        cells = [f"`{info.name}`", _cell(info.summary), info.direction, teacher, needs, info.paper, info.origin]
        lines.append(f"| {' | '.join(cells)} |")
    for group in aggregates():
        needs = "a set of networks: " + ", ".join(group.parts)
        summary = " ".join(group.formula.split(".")[0].split())
        lines.append(f"| `{group.name}` | {_cell(summary)} | higher |  | {needs} | {group.paper} | {group.origin} |")
    return "\n".join(lines) + "\n"


def settings() -> str:
    """One row for each setting of authors, with the proxies that are asked under it by `--setting authors`."""
    asked: dict[AuthorsSetting, list[str]] = {}
    for info in all_proxies():
        if info.authors is not None:
            asked.setdefault(info.authors, []).append(f"`{info.name}`")
    lines = ["| proxies | weights | images | batch | source | not met here |", "|---|---|---|---|---|---|"]
    for one, names in asked.items():
        cells = [", ".join(names), one.init, one.images, str(one.batch_size), one.source, one.note]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def formulas() -> str:
    """Every proxy with its whole docstring: the formula, and where it differs from other code on purpose."""
    parts = [f"### `{info.name}`\n\n{_paragraphs(info.formula)}\n" for info in all_proxies()]
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _paragraphs(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = Parser(prog="python -m proxies", description=__doc__)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--formulas", action="store_true", help="every formula in full instead of the table")
    group.add_argument("--settings", action="store_true", help="the settings of the authors instead of the table")
    parser.add_argument("--plugin", metavar="FILE.py", action="append", default=[], help="a file that brings proxies")
    options = parser.parse_args(argv)
    for plugin in options.plugin:
        load_plugin(plugin)
    print(settings() if options.settings else formulas() if options.formulas else table(), end="")
    return 0


if __name__ == "__main__":
    diswot_ending.run(main)
