"""Reading official image and benchmark files, which are pickles, without running anything that is in them.

Even numpy's own reconstruction is not called: the names that image files use stand for the small classes below,
which only remember what the file says; arrays are then built from their plain bytes.
"""

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np

from diswot_errors import DataError


class _Kind:
    """Stands for numpy.dtype: plain numbers only."""

    def __init__(self, code: Any, *_flags: Any) -> None:
        text = _text(code)
        self.dtype = np.dtype(text)
        if self.dtype.kind not in "biuf":
            raise pickle.UnpicklingError(f"array type {text!r} is not allowed")

    def __setstate__(self, state: Any) -> None:
        order = _text(state[1])
        if order not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError(f"byte order {order!r} is not known")
        self.dtype = np.dtype(order + self.dtype.str[1:])


class _Array:
    """Stands for an array: its numbers arrive as shape, type, order and bytes."""

    def __init__(self, *_arguments: Any) -> None:
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        _version, shape, kind, fortran, content = state
        if not isinstance(kind, _Kind) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array of something other than plain numbers")
        flat = np.frombuffer(content, dtype=kind.dtype)
        self.value = flat.reshape(tuple(int(n) for n in shape), order="F" if fortran else "C").copy()


def _scalar(kind: _Kind, content: bytes) -> float:
    """Stands for a single number of numpy."""
    number: float = np.frombuffer(content, dtype=kind.dtype)[0].item()
    return number


def _encode(text: str, encoding: Any) -> bytes:
    """Stands for the codec by which Python 3 writes bytes into old pickles, and for no other."""
    if _text(encoding) != "latin1":
        raise pickle.UnpicklingError(f"codec {encoding!r} is not allowed")
    return text.encode("latin1")


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encode,
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _ALLOWED[_module, "_reconstruct"] = _Array
    _ALLOWED[_module, "scalar"] = _scalar


class _ArrayUnpickler(pickle.Unpickler):
    """Containers, numbers, text and arrays of numbers; every other name is refused before it is imported."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which data never need") from None


def load_arrays(content: bytes, origin: str) -> dict[str, Any]:
    """The dictionary in an official image file (Python 2 or 3 pickle); keys as text, strings inside stay bytes.

    `origin` names the file in error messages.
    """
    try:
        loaded = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
        if not isinstance(loaded, dict):
            raise pickle.UnpicklingError(f"it holds a {type(loaded).__name__}, not a dictionary")
        return {_text(key): value.value if isinstance(value, _Array) else value for key, value in loaded.items()}
    except Exception as error:  # a hostile or cut pickle can raise almost anything
        raise DataError(
            f"{origin} is not a usable image file: {error}. Nothing in it was run. Delete it and fetch it again"
        ) from error


class _ResultsUnpickler(_ArrayUnpickler):
    """The same, and the two further containers of benchmark files."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in (("builtins", "set"), ("__builtin__", "set")):
            return set
        return super().find_class(module, name)


def load_results(content: bytes, origin: str) -> dict[Any, Any]:
    """The dictionary in a benchmark file (Python 3 pickle): containers, text and numbers."""
    try:
        loaded = _ResultsUnpickler(io.BytesIO(content)).load()
        if not isinstance(loaded, dict):
            raise pickle.UnpicklingError(f"it holds a {type(loaded).__name__}, not a dictionary")
        return loaded
    except Exception as error:  # a hostile or cut pickle can raise almost anything
        raise DataError(f"{origin} is not a usable benchmark file: {error}. Nothing in it was run") from error
