"""Teachers: which network a name means, how to build it, and trained ones from a file or from the data folder."""

from pathlib import Path

from diswot_errors import DataError, UsageError
from diswot_registry import did_you_mean
from nb201_data.files import data_dir, is_there, select, status
from nb201_data.networks import RESNETS, Network, build_resnet
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import SPACES, SearchSpace, get_space, reads_as_own
from nb201_data.weights import load_weights

BEST = "best-cell"


def resolve_teacher(name: str | None, space: SearchSpace) -> str:
    """The full name of a teacher for networks of `space`; None: the usual one of the space.

    A ResNet's name stays as it is; `best-cell` is the best cell of NAS-Bench-201 with as many classes; a cell, three
    depths of S0 and an architecture of the space itself are checked; `SPACE:ARCH` is an architecture of any space,
    `SPACE@SKELETON:ARCH` in a skeleton of its own; `my.py:build` is a network of one's own, named in full.
    """
    name = name or space.teacher
    if reads_as_own(name):
        return get_space(name).name
    if name in RESNETS:
        return name
    if name == BEST:
        return str(get_space("nb201").best(space.skeleton.classes))
    owner, arch = _architecture(name, space)
    if name.startswith(f"{owner.name}@"):
        return f"{owner.name}@{owner.skeleton}:{arch}"
    return str(arch) if owner.name in ("nb201", "s0") else f"{owner.name}:{arch}"


def build_teacher(name: str, space: SearchSpace) -> Network:
    """The network of a resolved name, with the classes and image size of `space`; PyTorch's default initialisation.

    An architecture of the space itself gets the skeleton that its students have, any other that of its own space,
    unless its name says another; where students see larger images than the space's `teacher_resolution`, a teacher of
    another space sees them at that.
    """
    if reads_as_own(name):
        owner = get_space(name)
        return owner.build(owner.all()[0])
    classes, side = space.skeleton.classes, space.teacher_resolution
    if name in RESNETS:
        network: Network = build_resnet(name, classes)
    else:
        owner, arch = _around(name, space)
        if owner.name == space.name:
            return owner.build(arch)
        network = owner.build(arch)
    network.side = side if side < space.skeleton.resolution else None
    return network


def full_name(name: str, space: SearchSpace) -> str:
    """A resolved name together with what it leaves to the space: one network has one full name in all of them."""
    if name in RESNETS or reads_as_own(name):
        return name
    owner, arch = _around(name, space)
    return f"{owner.name}@{owner.skeleton}:{arch}"


def _around(name: str, space: SearchSpace) -> tuple[SearchSpace, object]:
    """The space, in the skeleton that the teacher gets, and the architecture."""
    owner, arch = _architecture(name, space)
    if name.startswith(f"{owner.name}@"):
        return owner, arch
    if owner.name == space.name:
        return space, arch
    return owner.fitted(space.skeleton.classes, space.teacher_resolution), arch


def _architecture(name: str, space: SearchSpace) -> tuple[SearchSpace, object]:
    """The space and architecture that `name` means. A plain name is a cell, else depths of S0, else of `space`."""
    prefix, colon, rest = name.partition(":")
    prefix, at, skeleton = prefix.partition("@")
    if colon and prefix in SPACES:
        owner = SPACES[prefix].with_skeleton(Skeleton.parse(skeleton)) if at else SPACES[prefix]
        if at and owner.skeleton.classes != space.skeleton.classes:
            raise UsageError(f"teacher {name!r}: its classes are not those of the students ({space.skeleton})")
        best = owner.best(owner.skeleton.classes) if rest == BEST else None
        return owner, owner.parse(rest) if best is None else best
    if name.startswith("|"):
        return SPACES["nb201"], SPACES["nb201"].parse(name)
    for owner in (SPACES["s0"], space):
        try:
            return owner, owner.parse(name)
        except (UsageError, DataError):  # a number, where the benchmark's own numbering is not on disk
            continue
    raise UsageError(
        f"unknown teacher {name!r}.{did_you_mean(name, [BEST, *RESNETS])} Expected {BEST}, {', '.join(RESNETS)}, three "
        f"depths of S0 such as 777, a cell of NAS-Bench-201 as an arch string, SPACE:ARCH with a space out of "
        f"{', '.join(SPACES)}, or a function of a file, my.py:build"
    )


def trained_teacher(name: str, images: str, classes: int, path: Path | str | None = None) -> Network:
    """The teacher `name` (`resnet56`) trained on `images`, in evaluation mode.

    Read from `path`, else from `teachers/{images}_{name}.pth` in the data folder.
    """
    network = build_resnet(name, classes)
    source = Path(path) if path is not None else teacher_file(name, images)
    if not is_there(source):
        raise DataError(
            f"no trained {name} for {images}: expected {source}; train one with "
            f"`python -m benchmarks.distill --distiller ce --student {name} --images {images}` "
            f"and pass its file with --teacher-weights"
        )
    return load_weights(network, source).eval()


def teacher_file(name: str, images: str) -> Path:
    """Where the data folder has the weights of a teacher trained on `images`, if it has them."""
    return data_dir() / "teachers" / f"{images}_{name}.pth"


def altered(name: str, images: str) -> bool:
    """Whether the data folder's weights of a teacher are other than those of this name that the catalogue knows."""
    place = teacher_file(name, images)
    states = [status(one.name).state for one in select("all") if data_dir() / one.path == place]
    return any(state.startswith("wrong") for state in states)
