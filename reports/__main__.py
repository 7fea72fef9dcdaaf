"""`python -m reports RUN`: make the page of a run from its records, as HTML or Markdown, without scoring anything."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, make the page, print where it is."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Make the page of a run from its records.")
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="the folder that a command wrote (it holds manifest.json)"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it as Markdown into FILE instead")
    parser.add_argument(
        "--without", default="", metavar="NAMES", help="sections that the Markdown leaves out, by commas; globs"
    )
    options = parser.parse_args(arguments)
    run = options.run
    if options.without and not options.markdown:
        parser.error("--without is about the Markdown: give --markdown FILE too")

    from diswot_errors import DataError, UsageError
    from reports import html, markdown

    try:
        if options.markdown:
            print(markdown.render(run, options.markdown, [name.strip() for name in options.without.split(",")]))
        else:
            print(html.render(run))
    except (UsageError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: cannot read or write {error.filename or run}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
