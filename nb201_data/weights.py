"""Weights read from a file; nothing in it is unpickled freely."""

import pickle
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from diswot_errors import DataError

M = TypeVar("M", bound=nn.Module)


def load_weights(network: M, path: Path | str) -> M:
    """Read a state dict (bare, or under 'state_dict' or 'model') into `network`; nothing is unpickled freely."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise DataError(f"no weights at {path}: give the path of a file written by torch.save") from None
    except pickle.UnpicklingError as error:  # torch's own words advise to run what is in it
        raise DataError(
            f"cannot read weights from {path}: expected tensors alone, as torch.save(network.state_dict(), FILE) "
            "writes them; anything else is not unpickled"
        ) from error
    except Exception as error:  # a broken zip, an unsafe pickle, a truncated file: torch raises many kinds
        raise DataError(f"cannot read weights from {path}: {error}".splitlines()[0]) from error
    for key in ("state_dict", "model"):
        state = state.get(key, state) if isinstance(state, dict) else state
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise DataError(f"the weights in {path} do not fit {type(network).__name__}: {error}") from error
    return network
