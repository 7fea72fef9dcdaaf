"""What is scored, on which images, and what is true about it. Importing this package does not import torch."""

from typing import TYPE_CHECKING, Any

from nb201_data.space import Cell

if TYPE_CHECKING:
    from nb201_data.ground_truth import load_ground_truth
    from nb201_data.images import load_images
    from nb201_data.networks import build_network

__all__ = ["Cell", "build_network", "load_ground_truth", "load_images"]
_HOMES = {
    "build_network": "nb201_data.networks",
    "load_ground_truth": "nb201_data.ground_truth",
    "load_images": "nb201_data.images",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nb201_data' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
