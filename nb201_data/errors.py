"""What can go wrong in `nb201_data`, with the exit code a command should end with."""


class UsageError(ValueError):
    """Wrong use: an unknown name, a value that does not fit. The message says what was expected."""

    exit_code = 2


class DataError(RuntimeError):
    """The call was right and still failed: a broken file, a download that did not arrive."""

    exit_code = 1
