"""What can go wrong in `proxies`, with the exit code a command should end with."""


class UsageError(ValueError):
    """Wrong use: an unknown name, a value that does not fit. The message says what was expected."""

    exit_code = 2


class DataError(RuntimeError):
    """The call was right and still failed: a broken file, a network that cannot be scored."""

    exit_code = 1


class NotApplicable(Exception):  # noqa: N818 - a finding about a network, not a fault
    """A network lacks what a proxy needs; the message says what. Becomes the status 'not-applicable'."""
