"""What a teacher reaches on the test images: measured once, and kept by what it depends on."""

from __future__ import annotations

import hashlib
import json
import sys

import torch

from benchmarks.distill.stream import Stream, digest_of
from benchmarks.distill.trainer import accuracy
from diswot_errors import DataError
from nb201_data.files import cache_dir
from nb201_data.networks import Network
from nb201_data.sealed import read_sealed, write_sealed


def top1(network: Network, images: str, device: torch.device) -> float:
    """Top-1 in percent on the test split of `images`."""
    stream = Stream(images, 0, device)
    x, y = stream.test
    about = hashlib.sha256(f"{images} {device.type} {torch.__version__}".encode())
    key = digest_of(about, {"y": y, "x": x, **network.state_dict()})
    file = cache_dir() / "teacher-top1" / f"{key}.json"
    try:
        kept = read_sealed(file)
    except DataError as error:
        print(f"warning: {error}; the teacher is tested again", file=sys.stderr, flush=True)
        kept = None
    if kept is None:
        found, _, _ = accuracy(network.to(device), stream)
        kept = json.dumps(found).encode()
        write_sealed(file, kept)
    return float(json.loads(kept))
