"""`python -m reports RUN`: make the page of a run from its records, without scoring anything."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, make the page, print where it is."""
    parser = argparse.ArgumentParser(
        prog="python -m reports", description="Make the HTML page of a run from its records."
    )
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="the folder that a command wrote (it holds manifest.json)"
    )
    run = parser.parse_args(arguments).run

    from nb201_data.errors import DataError, UsageError
    from reports.html import render

    try:
        print(render(run))
    except (UsageError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: cannot read or write {error.filename or run}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
