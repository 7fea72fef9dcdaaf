"""How a command ends: 0 done, 1 failure, 2 wrong use, 130 interrupted, 143 told to end; a known error is one message.

Code 0 means that the command came to its end: nothing that it calls can end it early as if all had gone well.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from diswot_errors import DataError, UsageError
from diswot_plugins import blamed

INTERRUPTED, TOLD_TO_END = 130, 143
Main = Callable[[Sequence[str] | None], int]


def run(main: Main, argv: Sequence[str] | None = None) -> NoReturn:
    """Call `main(argv)` and exit with its code."""
    try:
        code = code_of(main, argv)
    finally:
        gc.freeze()  # what is left goes with the process: no last look through all that was loaded
    sys.exit(code)


def code_of(main: Main, argv: Sequence[str] | None = None) -> int:
    """Call `main(argv)`: its code, or that of what ended it, which is said."""
    told = False

    def end(*_: object) -> NoReturn:
        """By SIGTERM, as a batch system sends it. Remembered: Ray, for one, raises a `KeyboardInterrupt` of its own."""
        nonlocal told
        told = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        code = main(argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        said = "told to end" if told else "interrupted"
        print(f"\n{said}; what was finished is kept, the same command goes on from there", file=sys.stderr)
        return TOLD_TO_END if told else INTERRUPTED
    except SystemExit as error:
        if _by_parser(error):
            raise
        print(f"error: {_place(error)} ends the program by SystemExit({error.code!r}): take that out", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output left, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (UsageError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {explained(error)}", file=sys.stderr)
        return 1
    except Exception as error:
        if (known := blamed(error)) is None:  # a mistake of ours
            raise
        print(f"error: {known}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)


def _by_parser(error: SystemExit) -> bool:
    """Whether the parser of the options ends the program, as after --help."""
    *_, (frame, _line) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get("__name__") == "argparse"


def _place(error: BaseException) -> str:
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{frame.f_code.co_filename}, line {line},"


def explained(error: OSError) -> str:
    """What the system said, about which file, and what to do."""
    where = f" ({error.filename})" if error.filename else ""
    advice = {
        errno.ENOSPC: "free some space or choose another --out; what was finished is kept",
        errno.EDQUOT: "free some of your quota or choose another --out; what was finished is kept",
        errno.EACCES: "check the permissions or choose another place",
        errno.EROFS: "the place is read-only: choose another --out or --store",
        errno.EISDIR: "there is a folder: give the name of a file",
        errno.ENOTDIR: "a part of this path is a file: give another",
        errno.ENAMETOOLONG: "choose a shorter --out",
    }.get(error.errno or 0, "")
    return f"{error.strerror or error}{where}" + (f": {advice}" if advice else "")
