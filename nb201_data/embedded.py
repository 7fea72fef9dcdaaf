"""Procedural images that need no download: dead leaves with textures, in labelled classes.

Leaves of power-law size (density r^-3) hide one another, which gives the statistics of natural images: a power
spectrum near 1/f^2, heavy-tailed gradients, correlated colour channels (Lee, Mumford and Huang, 2001). A class is a
triple (shape, texture, palette) that a share of its leaves wears; all other leaves wear random attributes, and no
attribute belongs to one class alone.

An image is a function of (seed, split, index): integers are hashed, floats only added, multiplied, divided and
square-rooted (all exact under IEEE 754), and pixels rounded to uint8 last, so every machine paints the same.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from diswot_errors import UsageError
from nb201_data.image_set import ImageSet, MadeSplit, channel_statistics, in_turn
from nb201_data.numerals import shown, whole

Array = npt.NDArray[Any]

SIDE = 32  # pixels
TRAIN_PER_CLASS, TEST_PER_CLASS = 500, 100
CLASS_SHARE = 0.65  # of the leaves wear the attributes of the class

# Shapes: the leaf is u^2 + v^2 + bend |u v| <= 1 in its own axes, stretched along u by `aspect`.
SHAPES = (  # (bend, aspect)
    (0.0, 1.0),  # disc
    (0.0, 2.5),  # ellipse
    (2.0, 1.0),  # diamond
    (-1.0, 2.0),  # rounded bar
    (-1.7, 1.0),  # four petals
    (9.0, 1.0),  # star
)
# Palettes: chroma along red-green and blue-yellow, in steps of 1/256 of the pixel range.
PALETTES = ((20, 8), (-20, 8), (0, -24), (14, -14), (-14, -11), (3, 24))
TEXTURES = 6  # rows of `_bank`

_LEAVES = 80
_LARGE_EVERY = 5  # every fifth leaf is drawn from the largest fifth of the size distribution
_SMALLEST, _LARGEST = 2.0, 20.0  # radius in pixels
_WINDOW = 16  # pixels that contain any small leaf
_MARGIN = 8  # leaves may be centred this far outside
_TILE = 96  # a texture tile; a leaf starts anywhere in its first 64 x 64
_BLOCK = 256  # images painted together
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(z: Array) -> Array:
    """The finaliser of SplitMix64: a bijection of 64-bit integers that leaves no visible pattern."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hashed(keys: Array, count: int) -> Array:
    """uint64 keys (N,) -> 16-bit random numbers as int32 (N, count); number j of a key never depends on `count`."""
    words = -(-count // 4)
    steps = np.arange(1, words + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    mixed = _mix(keys[:, None] + steps)
    parts = [(mixed >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    return np.stack(parts, axis=2).reshape(len(keys), -1)[:, :count].astype(np.int32)


def keys_of(seed: int, stream: int, indices: Array) -> Array:
    """One key for each index, different for each seed and stream."""
    base = _mix(np.array([seed % 2**64], dtype=np.uint64) + np.uint64(_GOLDEN))
    return _mix(_mix(base + np.uint64(stream)) + indices.astype(np.uint64) * np.uint64(_GOLDEN))


def _unit(numbers: Array) -> Array:
    """16-bit integers -> float32 in [0, 1), exact."""
    return numbers.astype(np.float32) * np.float32(2**-16)


@cache
def _bank() -> Array:
    """int16 (TEXTURES * _TILE * _TILE,), values about -128 to 127: rough 1/f noise, soft 1/f noise, waves, dots."""
    rough = _noise(1, first=8)
    soft = _noise(2, first=3)
    y, x = np.mgrid[0:_TILE, 0:_TILE].astype(np.int32)
    wave = [_triangle(x, 5), _triangle(y, 5), _triangle(x + y, 9)]
    dots = np.minimum(_triangle(x, 6), _triangle(y, 6))
    tiles = [rough, soft, *(w * 3 // 4 + soft // 4 for w in wave), dots * 3 // 4 + soft // 4]
    return np.stack(tiles).astype(np.int16).reshape(-1)


def _triangle(position: Array, period: int) -> Array:
    """Triangle wave of a whole period, -128 to 127."""
    phase = (position % period) * 2 - period
    return np.abs(phase) * 255 // period - 128


def _noise(stream: int, first: int) -> Array:
    """Octaves of value noise on lattices of first, 2 first, 4 first, ... points: amplitude as 1 / frequency."""
    total = np.zeros((_TILE, _TILE), dtype=np.int32)
    lattice, weight = first, 64
    while lattice <= _TILE and weight >= 4:
        points = hashed(keys_of(0, 100 + stream, np.arange(lattice + 2) + 1000 * lattice), lattice + 2) - 32768
        total += _stretch(_stretch(points, lattice).T, lattice).T * weight // 128
        lattice, weight = lattice * 2, weight // 2
    return np.clip(total // 160, -128, 127)


def _stretch(points: Array, lattice: int) -> Array:
    """Linear interpolation along the first axis from `lattice` intervals to _TILE pixels, in integers."""
    position = np.arange(_TILE) * lattice
    left, part = position // _TILE, (position % _TILE)[:, None]
    return (points[left] * (_TILE - part) + points[left + 1] * part) // _TILE


@cache
def _turns() -> Array:
    """Cosine of 64 angles around the circle, rounded to 1/1024 (so that the last bit of `cos` does not matter)."""
    return np.round(np.cos(np.arange(64) * (2 * np.pi / 64)) * 1024).astype(np.float32) / np.float32(1024)


def attributes_of(label: Array, seed: int) -> tuple[Array, Array, Array]:
    """Shape, texture and palette of each class: distinct triples, in an order shuffled by the seed."""
    total = len(SHAPES) * TEXTURES * len(PALETTES)
    order = np.argsort(_mix(keys_of(seed, 7, np.arange(total))), kind="stable")
    triple = order[label]
    return triple % len(SHAPES), triple // len(SHAPES) % TEXTURES, triple // (len(SHAPES) * TEXTURES)


def most_classes() -> int:
    """Number of different triples of attributes."""
    return len(SHAPES) * TEXTURES * len(PALETTES)


def paint(indices: Array, labels: Array, seed: int, stream: int) -> Array:
    """Images of one split by index: uint8 (N,3,SIDE,SIDE)."""
    blocks = [
        _paint_block(keys_of(seed, stream, indices[i : i + _BLOCK]), labels[i : i + _BLOCK], seed)
        for i in range(0, len(indices), _BLOCK)
    ]
    return np.concatenate(blocks) if blocks else np.zeros((0, 3, SIDE, SIDE), dtype=np.uint8)


def _paint_block(keys: Array, labels: Array, seed: int) -> Array:
    count = len(keys)
    fields = 16
    numbers = hashed(keys, (_LEAVES + 2) * fields).reshape(count, _LEAVES + 2, fields)
    shape, texture, palette = _leaf_attributes(numbers[:, 1:], labels, seed)
    owner = _cover(numbers[:, 2:], shape[:, 1:])
    return _colour(owner, numbers, texture, palette)


def _leaf_attributes(numbers: Array, labels: Array, seed: int) -> tuple[Array, Array, Array]:
    """Shape, texture and palette of every leaf (N, leaves): those of the class or random ones."""
    worn = numbers[:, :, 0] < int(CLASS_SHARE * 65536)
    random_attributes = (numbers[:, :, 1:4] * np.array([len(SHAPES), TEXTURES, len(PALETTES)])) >> 16
    of_class = attributes_of(labels, seed)
    chosen = [np.where(worn, of_class[k][:, None], random_attributes[:, :, k]) for k in range(3)]
    return chosen[0], chosen[1], chosen[2]


def _cover(numbers: Array, shape: Array) -> Array:
    """Which leaf is seen at each pixel: uint8 (N,SIDE,SIDE), 0 for the ground, k for the k-th leaf."""
    count = len(numbers)
    bend, aspect = (np.array([s[k] for s in SHAPES], dtype=np.float32)[shape] for k in range(2))
    radius = _radius(numbers[:, :, 4])
    cosine, sine = _turns()[numbers[:, :, 5] % 64], _turns()[(numbers[:, :, 5] + 48) % 64]
    long, short = radius * np.sqrt(aspect), radius / np.sqrt(aspect)
    place = _unit(numbers[:, :, 6:8]) * np.float32(SIDE + 2 * _MARGIN) - np.float32(_MARGIN)

    pad = _WINDOW  # so that every window lies inside
    owner = np.zeros((count, SIDE + 2 * pad, SIDE + 2 * pad), dtype=np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(owner, (_WINDOW, _WINDOW), axis=(1, 2), writeable=True)
    everyone = np.arange(count)
    for leaf in range(_LEAVES):
        large = leaf % _LARGE_EVERY == 0
        side = SIDE if large else _WINDOW
        centre = place[:, leaf]  # (N,2): y, x
        start = np.zeros((count, 2), dtype=np.int64) if large else np.floor(centre).astype(np.int64) - _WINDOW // 2 + 1
        grid = np.arange(side, dtype=np.float32) + (start[:, :, None] - centre[:, :, None])  # (N,2,side)
        y, x = grid[:, 0].astype(np.float32), grid[:, 1].astype(np.float32)
        c, s = cosine[:, leaf, None], sine[:, leaf, None]
        u = ((c * x) / long[:, leaf, None])[:, None, :] + ((s * y) / long[:, leaf, None])[:, :, None]
        v = ((c * y) / short[:, leaf, None])[:, :, None] - ((s * x) / short[:, leaf, None])[:, None, :]
        cross = np.abs(u * v)
        cross *= bend[:, leaf, None, None]
        u *= u
        v *= v
        u += v
        u += cross
        inside = (u <= 1).view(np.uint8) * np.uint8(leaf + 1)
        if large:
            seen = owner[:, pad : pad + SIDE, pad : pad + SIDE]
            np.maximum(seen, inside, out=seen)
        else:
            at = (everyone, start[:, 0] + pad, start[:, 1] + pad)
            windows[at] = np.maximum(windows[at], inside)
    return owner[:, pad : pad + SIDE, pad : pad + SIDE]


def _radius(numbers: Array) -> Array:
    """Radii with density r^-3 between _SMALLEST and _LARGEST, stratified: each fifth leaf from the largest fifth."""
    large = (np.arange(numbers.shape[1]) % _LARGE_EVERY == 0).astype(np.float32)
    one, share = np.float32(1), np.float32(1 / _LARGE_EVERY)
    u = np.where(large, one - share + share * _unit(numbers), (one - share) * _unit(numbers)).astype(np.float32)
    tail = np.float32(1 - (_SMALLEST / _LARGEST) ** 2)
    return np.float32(_SMALLEST) / np.sqrt(one - u * tail)


def _colour(owner: Array, numbers: Array, texture: Array, palette: Array) -> Array:
    """Colour and texture of the leaf seen at each pixel, light of the whole image, a little blur; uint8 (N,3,H,W)."""
    count = len(owner)
    leaf = numbers[:, 1:]  # the ground first, then the leaves
    light = 40 + (leaf[:, :, 8] * 176 >> 16)
    contrast = 24 + (leaf[:, :, 9] * 72 >> 16)
    chroma = np.array(PALETTES)[palette] + (leaf[:, :, 10:12] * 20 >> 16) - 10
    red_green, blue_yellow = chroma[:, :, 0], chroma[:, :, 1]
    colours = np.stack(
        [light + red_green + blue_yellow // 2, light - red_green + blue_yellow // 2, light - blue_yellow]
    )
    start = (texture * _TILE + (leaf[:, :, 12] & 63)) * _TILE + (leaf[:, :, 13] & 63)

    image = np.arange(count)[:, None] * (_LEAVES + 1)
    flat = owner.reshape(count, -1) + image  # (N, pixels): row of the leaf tables
    pixel = (np.arange(SIDE)[:, None] * _TILE + np.arange(SIDE)).reshape(-1)
    grain = _bank()[start.reshape(-1)[flat] + pixel].astype(np.int32)
    grain = grain * contrast.reshape(-1)[flat] >> 7

    gain = 192 + (numbers[:, 0, 0] * 128 >> 16)  # of 256
    tint = (numbers[:, 0, 1:4] * 32 >> 16) - 16
    planes = []
    for k in range(3):
        plane = (colours[k].reshape(-1)[flat] + grain - 128) * gain[:, None] // 256 + 128 + tint[:, k, None]
        planes.append(plane.reshape(count, SIDE, SIDE))
    return np.clip(_soften(np.stack(planes, axis=1)), 0, 255).astype(np.uint8)


def _soften(x: Array) -> Array:
    """Three parts of the image, one part of it blurred by (1 2 1) along both axes, edges repeated; in integers."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    blurred = rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]  # 16 times the mean
    return (48 * x + blurred + 32) >> 6


class PaintedSplit(MadeSplit):
    """A split whose images are painted."""

    def __init__(self, length: int, classes: int, seed: int, stream: int) -> None:
        super().__init__(in_turn(length, classes))
        self._classes, self._seed, self._stream = classes, seed, stream

    def made(self, indices: Array) -> Array:
        """Painted."""
        return paint(indices, indices % self._classes, self._seed, self._stream)


def painted(option: str) -> ImageSet:
    """`embedded` (20 classes) or, with `option`, so many classes."""
    classes = (whole(option, most_classes()) or 0) if option else 20
    if classes < 2:
        raise UsageError(f"{shown(f'embedded:{option}')}: expected a number of classes from 2 to {most_classes()}")
    train = PaintedSplit(TRAIN_PER_CLASS * classes, classes, seed=0, stream=1)
    test = PaintedSplit(TEST_PER_CLASS * classes, classes, seed=0, stream=2)
    name = f"embedded:{classes}" if option else "embedded"
    return ImageSet(name, classes, SIDE, *channel_statistics(train), train, test)
