"""How a command ends: 0 done, 1 failure, 2 wrong use, 130 interrupted; a known error is one message, no traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from diswot_errors import DataError, UsageError

INTERRUPTED = 130
Main = Callable[[Sequence[str] | None], int]


def run(main: Main, argv: Sequence[str] | None = None) -> NoReturn:
    """Call `main(argv)` and exit with its code."""
    try:
        code = main(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept, the same command goes on from there", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except (UsageError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except OSError as error:
        print(f"error: {explained(error)}", file=sys.stderr)
        code = 1
    sys.exit(code)


def explained(error: OSError) -> str:
    """What the system said, about which file, and what to do."""
    where = f" ({error.filename})" if error.filename else ""
    advice = {
        errno.ENOSPC: "free some space or choose another --out; what was finished is kept",
        errno.EDQUOT: "free some of your quota or choose another --out; what was finished is kept",
        errno.EACCES: "check the permissions or choose another place",
        errno.EROFS: "the place is read-only: choose another --out or --store",
        errno.ENAMETOOLONG: "choose a shorter --out",
    }.get(error.errno or 0, "")
    return f"{error.strerror or error}{where}" + (f": {advice}" if advice else "")
