"""Plugin files: any Python file whose decorators and register calls add to the project's registries.

What a file brings is remembered as `mine.py@1a2b3c4d`, its name and the first digits of its hash: an edited file is
another origin, so that nothing that was stored for the old one is taken for the new one.
"""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType

from diswot_errors import DataError, UsageError
from diswot_registry import HOME, JOURNAL, did_you_mean, origin

_LOADED: dict[Path, ModuleType] = {}
_SOURCES: dict[Path, bytes] = {}


def plugins() -> dict[Path, bytes]:
    """The plugin files loaded so far, in order, and what they held: what another process has to load to know the same
    names, whether it sees the files or not."""
    return {place: _SOURCES[place] for place in _LOADED}


def load_plugin(path: Path | str, source: bytes | None = None, *, registers: bool = True) -> ModuleType:
    """Run the file, once in a process, so that what it registers is found by name; the module it makes.

    `source`: what it held in the process that loaded it first, which is not asked of the disk again.
    `registers`: whether a file that registers nothing is refused; one of a network of one's own need not.
    `UsageError` where there is no such file, or it registers nothing or what is refused; `DataError` where it fails.
    Either names file and line, and what it had registered by then is forgotten. Ctrl-C stays Ctrl-C.
    """
    known = source is not None or path in _LOADED
    place = Path(path) if known else _file(path, "plugin" if registers else "file")
    if place in _LOADED:
        return _LOADED[place]
    try:
        source = place.read_bytes() if source is None else source
    except OSError as error:
        raise DataError(f"plugin {path} cannot be read: {error.strerror}") from error
    name = f"diswot_plugin_{place.stem}_{_digits(str(place).encode())}"  # the same in every process, for pickles
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    spec.loader_state = hashlib.sha256(source).hexdigest()  # of what is run, whatever becomes of the file
    module = importlib.util.module_from_spec(spec)
    _LOADED[place] = sys.modules[name] = module
    _SOURCES[place] = source
    try:
        _run(source, place, module, registers)
    except BaseException:
        del _LOADED[place], sys.modules[name]
        raise
    return module


@contextmanager
def restored() -> Iterator[None]:
    """For tests: afterwards no plugin is loaded and nothing registered but what was before, and what is built in."""
    there, kept = set(_LOADED), {id(registry): dict(registry._entries) for registry, _ in JOURNAL}
    try:
        yield
    finally:
        for registry in {id(registry): registry for registry, _ in JOURNAL}.values():
            built_in = {name: entry for name, entry in registry._entries.items() if entry[1] == HOME}
            registry._entries = kept.get(id(registry), {}) | built_in
        for place in _LOADED.keys() - there:
            sys.modules.pop(_LOADED.pop(place).__name__, None)


def _file(path: Path | str, kind: str) -> Path:
    place = Path(path).expanduser().absolute()
    if place.is_dir():
        raise UsageError(f"{kind} {path} is a folder: give a file, as in {Path(path) / 'mine.py'}")
    if place.suffix != ".py":
        raise UsageError(f"{kind} {path} is no Python file: expected a name that ends in .py")
    if not place.is_file():
        there = [found.name for found in place.parent.glob("*.py")] if place.parent.is_dir() else []
        raise UsageError(f"no {kind} {path}: there is no such file.{did_you_mean(place.name, there)}")
    return place.resolve()


def _run(source: bytes, place: Path, module: ModuleType, registers: bool) -> None:
    try:
        with origin(f"{place.name}@{_digits(source)}") as registered:
            exec(_compiled(source, place), module.__dict__)
        if registers and not registered:
            raise UsageError("it registers nothing: a plugin uses a decorator or calls a register function")
    except UsageError as error:
        raise UsageError(f"plugin {_where(place, error)}: {error}") from error
    except SystemExit as error:
        raise DataError(f"plugin {_where(place, error)} ends the program (exit {error.code}): take that out") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        advice = "install it, or write all into the one file" if isinstance(error, ModuleNotFoundError) else "mend it"
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        raise DataError(f"plugin {_where(place, error)}: {type(error).__name__}: {text}; {advice}") from error


def _compiled(source: bytes, place: Path) -> CodeType:
    """The program; null bytes are a SyntaxError with a line, whatever this Python makes of them."""
    before, null, _ = source.partition(b"\x00")
    if null:
        line = before.count(b"\n") + 1
        raise SyntaxError("a null byte: is this a text in UTF-8?", (str(place), line, None, None))
    return compile(source, str(place), "exec", dont_inherit=True)


def blamed(error: BaseException) -> DataError | None:
    """What a plugin did wrong after it was loaded, in words; None where the error did not pass through one."""
    if isinstance(error, DataError | UsageError):
        return None
    files = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    place = next((place for place in _LOADED if str(place) in files), None)
    if place is None:
        return None
    return DataError(f"plugin {_where(place, error)}: {type(error).__name__}: {error}; mend it")


def _where(place: Path, error: BaseException) -> str:
    """`/path/mine.py, line 3`: the innermost line of the file that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename == str(place):
        return f"{place}, line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(place)]
    return f"{place}, line {lines[-1]}" if lines else str(place)


def _digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
