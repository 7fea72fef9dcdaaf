"""JSON that becomes typed records: every field is there, none is unknown, and each has its type."""

import json
import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from diswot_errors import DataError
from reports.csv_files import write_text


def read_json(path: Path) -> Any:
    """What a file holds. Raises DataError when it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error


def write_json(path: Path, content: Any) -> None:
    """Write plain data, atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def decoded(kind: Any, content: Any, where: str) -> Any:
    """`content` (of `json`) as a value of type `kind`: a record, an enumeration, a number, a text, or lists of them.

    Raises DataError with the place, what stands there and what was expected.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        return _record(kind, content, where)
    if kind is Any:
        return content
    if origin in (types.UnionType, typing.Union):
        if content is None and type(None) in arguments:
            return None
        (kind,) = (each for each in arguments if each is not type(None))
        return decoded(kind, content, where)
    if origin is Literal:
        return _one_of(arguments, lambda value: type(content) is type(value) and content == value, content, where)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _one_of(tuple(kind), lambda value: isinstance(content, str) and content == value, content, where)
    if origin in (list, tuple):
        items = [decoded(arguments[0], each, f"{where}[{i}]") for i, each in enumerate(_checked(list, content, where))]
        return items if origin is list else tuple(items)
    if origin is dict:
        found = _checked(dict, content, where)
        return {key: decoded(arguments[1], value, f"{where}.{key}") for key, value in found.items()}
    return _checked(kind, content, where)


_NAMES = {str: "a text", int: "an integer", float: "a number", list: "a list", dict: "an object"}


def _checked(kind: type, content: Any, where: str) -> Any:
    if not isinstance(content, kind) or isinstance(content, bool):
        raise DataError(f"{where}: {shown(content)}, expected {_NAMES[kind]}")
    return content


def _one_of(values: tuple[Any, ...], same: Callable[[Any], bool], content: Any, where: str) -> Any:
    for value in values:
        if same(value):
            return value
    raise DataError(f"{where}: {shown(content)}, expected {' or '.join(str(value) for value in values)}")


def _record(kind: Any, content: Any, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    name = kind.__name__.lower()
    if not isinstance(content, dict):
        raise DataError(f"{where}: {shown(content)} does not describe a {name}; expected the keys {sorted(names)}")
    if set(content) != set(names):
        missing, unknown = sorted(set(names) - set(content)), sorted(set(content) - set(names))
        raise DataError(
            f"{where} does not describe a {name} (missing {missing}, unknown {shown(unknown)}); "
            f"expected the keys {sorted(names)}"
        )
    return kind(**{key: decoded(hints[key], content[key], f"{where}, {key}") for key in names})


def shown(content: Any) -> str:
    """A value in a message: short, whatever it holds."""
    text = ascii(content)
    return text if len(text) <= 80 else f"{text[:80]}..."
