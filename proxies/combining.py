"""Asking an aggregate: one value a network from the columns of its parts, whoever wrote it."""

import math
from collections.abc import Iterable, Sequence

from diswot_errors import DataError
from proxies.guests.shared import kept
from proxies.outcome import scalar, tidy
from proxies.registry import AggregateInfo


def combined(info: AggregateInfo, columns: Sequence[Sequence[float]]) -> list[float | None]:
    """`info.function(*columns)`: as many values as networks (the length of a column), None where one is not finite.

    `DataError` where the function fails, gives anything else, or changes what the process shares.
    """
    networks = len(columns[0])
    with kept() as shared:
        try:
            found = _values(info.function(*map(tuple, columns)), networks)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also `sys.exit(0)`, which would end the command as if all had gone well
            raise DataError(_said(info, f"failed with {type(error).__name__}: {tidy(error)}")) from error
    if shared.changed:
        raise DataError(_said(info, f"changed {', '.join(shared.changed[:3])}, which is not its own"))
    return found


def _values(answer: Iterable[object], networks: int) -> list[float | None]:
    if isinstance(answer, str | bytes):
        raise TypeError("it gave a text, expected a list of numbers")
    try:
        given = [value for value, _ in zip(answer, range(networks + 1), strict=False)]  # it may never end
    except TypeError as error:
        raise TypeError(f"it gave {type(answer).__name__}, expected a list of numbers") from error
    if len(given) != networks:
        number = f"more than {networks}" if len(given) > networks else len(given)
        raise ValueError(f"it gave {number} values for {networks} networks")
    numbers = (float(scalar(value)) for value in given)
    return [value if math.isfinite(value) else None for value in numbers]


def _said(info: AggregateInfo, what: str) -> str:
    whose = info.origin or "an unknown package"
    return f"the aggregate {info.name} of {whose} {what}; mend it, or leave {info.name} out"
