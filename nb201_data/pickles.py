"""Reading the official image files, which are pickles, without running anything that is in them."""

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from nb201_data.errors import DataError


def _encode(text: str, encoding: str) -> bytes:
    """`_codecs.encode` as pickles of bytes written by Python 3 use it, and no other codec."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"codec {encoding!r} is not allowed")
    return text.encode("latin1")


def _dtype(code: str | bytes, *_flags: Any) -> np.dtype[Any]:
    """dtype of plain numbers only, from a short code such as 'u1' or 'i8'."""
    text = code.decode("ascii") if isinstance(code, bytes) else str(code)
    kind = np.dtype(text)
    if kind.kind not in "biuf":
        raise pickle.UnpicklingError(f"array type {text!r} is not allowed")
    return kind


def _reconstruct(kind: type, _shape: object, _code: object) -> np.ndarray[Any, Any]:
    """An empty array that the pickle then fills."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"reconstruction of {kind!r} is not allowed")
    return np.ndarray.__new__(np.ndarray, (0,), dtype=np.uint8)


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encode,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Containers, numbers, text and arrays of numbers; every other name is refused before it is imported."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which image files never need") from None


def load_arrays(content: bytes, origin: str) -> dict[str, Any]:
    """The dictionary in an official image file (Python 2 or 3 pickle); keys as text, strings inside stay bytes.

    `origin` names the file in error messages.
    """
    try:
        loaded = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
        if not isinstance(loaded, dict):
            raise pickle.UnpicklingError(f"it holds a {type(loaded).__name__}, not a dictionary")
    except Exception as error:  # a hostile or cut pickle can raise almost anything
        raise DataError(
            f"{origin} is not a usable image file: {error}. Nothing in it was run. Delete it and fetch it again"
        ) from error
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in loaded.items()}
