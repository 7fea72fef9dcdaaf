"""Trained teachers, from a file of the user's or from the data folder."""

from pathlib import Path

from diswot_errors import DataError
from nb201_data.files import data_dir, is_there
from nb201_data.networks import RESNETS, Network, build_resnet, load_weights


def trained_teacher(name: str, images: str, classes: int, path: Path | str | None = None) -> Network:
    """The teacher `name` (`resnet56`) trained on `images`, in evaluation mode.

    Read from `path`, else from `teachers/{images}_{name}.pth` in the data folder.
    """
    network = build_resnet(name, classes)
    source = Path(path) if path is not None else data_dir() / "teachers" / f"{images}_{name}.pth"
    if not is_there(source):
        raise DataError(
            f"no trained {name} for {images}: expected {source}; train one with "
            f"`python -m benchmarks.distill --distiller ce --student {name} --images {images}` "
            f"and pass its file with --teacher-weights"
        )
    return load_weights(network, source).eval()


def teacher_names() -> tuple[str, ...]:
    """The networks that can teach."""
    return tuple(RESNETS)
