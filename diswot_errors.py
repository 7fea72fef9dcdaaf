"""What can go wrong, for the whole project, with the exit code that a command ends with. Every room may import it."""

import argparse
from typing import NoReturn


class UsageError(ValueError):
    """Wrong use: an unknown name, a value that does not fit. The message says what was expected."""

    exit_code = 2


class DataError(RuntimeError):
    """The call was right and still failed: a broken file, a download that did not arrive, a network without a score."""

    exit_code = 1


class NotApplicable(Exception):  # noqa: N818 - a finding about a network, not a fault
    """A network lacks what a proxy needs; the message says what. Becomes the status 'not-applicable'."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one message, as all others are: what, what was expected, where to read on."""

    def error(self, message: str) -> NoReturn:
        """End with code 2."""
        self.exit(UsageError.exit_code, f"error: {message}. `{self.prog} --help` shows what there is\n")
