"""JSON that becomes typed records: every field is there, none is unknown, and each has its type and its limits."""

import json
import math
import types
import typing
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from diswot_errors import DataError
from reports import texts
from reports.csv_files import read_text, write_text
from reports.texts import shown

DEEPEST = 30  # lists and objects in one another
LONGEST_NUMBER = 30  # digits


def read_json(path: Path) -> Any:
    """What a file holds. Raises DataError when it is not JSON, nests too deep or holds what is no number."""
    text = read_text(path)
    try:
        content = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_number)
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    except RecursionError:
        raise DataError(f"{path}: lists and objects nest too deep, expected at most {DEEPEST} levels") from None
    level = [content]
    for _ in range(DEEPEST + 1):
        level = [each for parent in level if isinstance(parent, list | dict) for each in _children(parent)]
    if level:
        raise DataError(f"{path}: lists and objects nest too deep, expected at most {DEEPEST} levels")
    return content


def write_json(path: Path, content: Any) -> None:
    """Write plain data, atomically."""
    text = json.dumps(texts.all_cleaned(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, f"{text}\n")


def decoded(kind: Any, content: Any, where: str) -> Any:
    """`content` (of `json`) as a value of type `kind`: a record, an enumeration, a number, a text, or lists of them.

    Raises DataError with the place, what stands there and what was expected.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        return _record(kind, content, where)
    if kind is Any:
        return _plain(content, where)
    if origin is Annotated:
        value = decoded(arguments[0], content, where)
        for limit in arguments[1:]:
            if not limit.holds(value):
                raise DataError(f"{where}: {shown(value)}, expected {limit}")
        return value
    if origin in (types.UnionType, typing.Union):
        if content is None and type(None) in arguments:
            return None
        (kind,) = (each for each in arguments if each is not type(None))
        return decoded(kind, content, where)
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        for value in arguments or kind:
            if isinstance(content, str | int) and not isinstance(content, bool) and content == value:
                return value
        raise DataError(f"{where}: {shown(content)}, expected {' or '.join(str(each) for each in arguments or kind)}")
    if origin in (list, tuple):
        items = [decoded(arguments[0], each, f"{where}[{i}]") for i, each in enumerate(_typed(list, content, where))]
        return items if origin is list else tuple(items)
    if origin is dict:
        found = _typed(dict, content, where)
        return {
            _plain(key, where): decoded(arguments[1], value, f"{where}, {shown(key)}") for key, value in found.items()
        }
    return _plain(_typed(kind, content, where), where)


_NAMES = {str: "a text", int: "an integer", list: "a list", dict: "an object"}


def _typed(kind: type, content: Any, where: str) -> Any:
    if not isinstance(content, kind) or isinstance(content, bool):
        raise DataError(f"{where}: {shown(content)}, expected {_NAMES[kind]}")
    return content


def _plain(content: Any, where: str) -> Any:
    """Anything, with every text in it checked."""
    if isinstance(content, str):
        try:
            return texts.checked(content)
        except ValueError as error:
            raise DataError(f"{where}: {error}") from None
    for each in _children(content) if isinstance(content, list | dict) else ():
        _plain(each, where)
    return content


def _record(kind: Any, content: Any, where: str) -> Any:
    hints = typing.get_type_hints(kind, include_extras=True)
    names = sorted(field.name for field in fields(kind))
    article = kind.__name__.strip("_").lower()
    if not isinstance(content, dict):
        raise DataError(f"{where}: {shown(content)} does not describe a {article}; expected the keys {names}")
    if sorted(content) != names:
        missing, unknown = sorted(set(names) - set(content)), sorted(set(content) - set(names))
        raise DataError(
            f"{where} does not describe a {article} (missing {missing}, unknown {shown(unknown)}); "
            f"expected the keys {names}"
        )
    return kind(**{key: decoded(hints[key], content[key], f"{where}, {key}") for key in names})


def _children(parent: Any) -> list[Any]:
    return [*parent, *parent.values()] if isinstance(parent, dict) else parent


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"an integer of {len(text):,} digits, expected at most {LONGEST_NUMBER}")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shown(text)}, expected a finite number")
    return value
