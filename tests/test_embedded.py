"""The painted images: reproducible, natural in their statistics, learnable without being easy."""

import hashlib
import time

import numpy as np
import pytest
import torch
from torch import nn

from nb201_data import embedded
from nb201_data.augment import augmented_epoch, batches
from nb201_data.images import load_images
from nb201_data.networks import build_resnet


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    """Luminance (600,32,32) in [0,1], each image without its mean."""
    x = load_images("embedded").train.take(range(600))[0].double().mean(1).numpy() / 255
    return x - x.mean(axis=(1, 2), keepdims=True)


def test_every_machine_paints_the_same_pixels() -> None:
    """Hashes of pixels, recorded once: a change of any bit of any image on any machine shows here."""
    source = load_images("embedded")
    for split, expected in (
        (source.train, "e59deae97c93a119b2599389f3def152d8de01e1a8ce13a6cd13f44493640898"),
        (source.test, "8e0ed4ca359449cb32320d6a53be4e6cf01d42dae485d7a047da3bc23f4adff2"),
    ):
        assert hashlib.sha256(split.take(range(200))[0].numpy().tobytes()).hexdigest() == expected


def test_an_image_depends_on_its_index_only() -> None:
    split = load_images("embedded").train
    indices = [9_999, 3, 600, 3]
    together, labels = split.take(indices)
    alone = torch.cat([split.take([i])[0] for i in indices])
    assert torch.equal(together, alone) and torch.equal(together[1], together[3])
    assert labels.tolist() == [i % 20 for i in indices]
    assert len(torch.unique(split.take(range(500))[0].flatten(1), dim=0)) == 500


def test_painting_all_at_once_gives_the_same_images() -> None:
    split = embedded.PaintedSplit(300, 20, seed=1, stream=1)
    parts = split.take([5, 299])
    assert torch.equal(split.x[[5, 299]], parts[0])
    after = split.take([5, 299])
    assert torch.equal(after[0], parts[0]) and torch.equal(after[1], parts[1])
    assert split.take([])[0].shape == (0, 3, 32, 32)


def test_seed_and_stream_matter() -> None:
    base = embedded.PaintedSplit(20, 20, seed=0, stream=1).x
    for seed, stream in ((1, 1), (0, 2)):
        assert (embedded.PaintedSplit(20, 20, seed, stream).x != base).float().mean() > 0.9


def test_sizes_and_labels() -> None:
    default, hundred = load_images("embedded"), load_images("embedded:100")
    assert (default.classes, len(default.train), len(default.test)) == (20, 10_000, 2_000)
    assert (hundred.classes, len(hundred.train), len(hundred.test)) == (100, 50_000, 10_000)
    assert default.train_y.bincount().tolist() == [500] * 20
    assert hundred.test_y.bincount().tolist() == [100] * 100
    assert load_images("embedded@16").batch(8, 0)[0].shape == (8, 3, 16, 16)


def test_no_attribute_belongs_to_one_class() -> None:
    triples = list(
        zip(*(a.tolist() for a in embedded.attributes_of(np.arange(embedded.most_classes()), 0)), strict=True)
    )
    assert len(set(triples)) == len(triples) == 216
    for position in range(3):
        worn = [triple[position] for triple in triples[:20]]
        assert max(worn.count(value) for value in worn) < 10 and min(worn.count(value) for value in worn) >= 1
        assert len(set(worn)) >= 5


def test_power_spectrum_falls_like_natural_images(sample: np.ndarray) -> None:
    """Radially averaged power of Hann-windowed luminance goes as 1/f^a with a = 2 +- 0.6 (CIFAR-100 itself: 2.9)."""
    window = np.hanning(32)[:, None] * np.hanning(32)
    power = (np.abs(np.fft.fft2(sample * window)) ** 2).mean(axis=0)
    cycles = np.hypot(*np.meshgrid(np.fft.fftfreq(32, 1 / 32), np.fft.fftfreq(32, 1 / 32)))
    radii = np.arange(2, 13)
    rings = [power[(cycles >= r - 0.5) & (cycles < r + 0.5)].mean() for r in radii]
    slope = np.polyfit(np.log(radii), np.log(rings), 1)[0]
    assert -2.6 < slope < -1.5


def test_gradients_have_heavy_tails(sample: np.ndarray) -> None:
    """Kurtosis of pixel differences: 3 for a Gaussian, about 10 for CIFAR-100."""
    gradient = np.diff(sample, axis=2)
    kurtosis = (gradient**4).mean() / (gradient**2).mean() ** 2
    assert 6 < kurtosis < 20


def test_channels_are_correlated_and_few_pixels_clipped() -> None:
    x = load_images("embedded").train.take(range(600))[0]
    matrix = np.corrcoef(x.permute(1, 0, 2, 3).reshape(3, -1).double().numpy())
    assert (matrix[np.triu_indices(3, 1)] > 0.7).all() and matrix.min() < 0.95
    assert ((x == 0) | (x == 255)).float().mean() < 0.04


def test_statistics_normalise_the_whole_split() -> None:
    source = load_images("embedded")
    x = source.normalise(source.test.take(range(1_000))[0])
    assert x.mean(dim=(0, 2, 3)).abs().max() < 0.05
    assert (x.std(dim=(0, 2, 3)) - 1).abs().max() < 0.05


def test_a_scoring_batch_is_cheaper_than_one_look_at_it() -> None:
    """A fifth of a ResNet-20's forward pass, when measured."""
    source, network = load_images("embedded"), build_resnet("resnet20", 20)
    x, _ = source.batch(64, 0)
    seconds: dict[str, list[float]] = {"paint": [], "look": []}
    for seed in range(5):
        start = time.process_time()
        source.batch(64, seed)
        painted = time.process_time()
        network(x)
        seconds["paint"].append(painted - start)
        seconds["look"].append(time.process_time() - painted)
    assert min(seconds["paint"]) < min(seconds["look"])


def accuracy_after(epochs: int, widths: tuple[int, int, int]) -> float:
    """Test accuracy of a plain three-layer convolutional network trained from a fixed seed."""
    source = load_images("embedded")
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for entering, leaving in zip((3, *widths), widths, strict=False):
            convolution = nn.Conv2d(entering, leaving, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(leaving), nn.ReLU(), nn.MaxPool2d(2)]
        network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], source.classes))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.2, total_steps=epochs * 100)
    for epoch in range(epochs):
        for x, y in batches(*augmented_epoch(source.train_x, source.train_y, 0, epoch), size=100):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(source.normalise(x)), y).backward()
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        right = sum(
            (network(source.normalise(x)).argmax(1) == y).sum()
            for x, y in batches(source.test_x, source.test_y, size=500)
        )
    return float(right) / len(source.test)


@pytest.mark.slow
def test_a_small_network_learns_but_does_not_saturate() -> None:
    """20,000 parameters, three epochs: far above chance (5 %), far below 95 %; a narrower network does worse."""
    wide, narrow = accuracy_after(3, (16, 32, 48)), accuracy_after(3, (6, 8, 12))
    assert 0.40 < wide < 0.80
    assert narrow < wide - 0.05
