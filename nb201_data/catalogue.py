"""Every external file the project can use: what it is, where it comes from, how it is recognised.

A hash is written `md5:<hex>` or `sha256:<hex>` as its publisher states it; `sha256-prefix:<hex>` where a publisher puts
the first digits into the file name; `table-sha256:<hex>` for a table whose values, not its bytes, are pinned.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """One file inside the data folder."""

    name: str  # 'cifar100/train': the part before the slash is its group, fetched together
    what: str
    path: str  # inside the data folder
    licence: str
    hash: str = ""  # empty: no hash is known, presence is all that can be checked
    size: int | None = None  # bytes, where known
    urls: tuple[str, ...] = ()  # direct download of this very file
    archive: str = ""  # name of an `Archive` that holds it
    sources: tuple[str, ...] = ()  # names of `Source` files it is converted from
    converter: str = ""  # the function of `convert.py` that makes it from `sources`
    manual: str = ""  # how to get it by hand, where no direct link exists

    @property
    def group(self) -> str:
        """'cifar100' of 'cifar100/train'."""
        return self.name.split("/")[0]


@dataclass(frozen=True)
class Archive:
    """A tar file that holds data files; its members keep their paths below `folder`."""

    name: str
    urls: tuple[str, ...]
    hash: str
    size: int
    folder: str  # inside the data folder


@dataclass(frozen=True)
class Source:
    """A published file that is converted after fetching and not kept."""

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    hash: str = ""


_CIFAR = "none stated (research use; cite Krizhevsky 2009)"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_IMAGENET16 = "ImageNet terms of access (non-commercial research)"
_GITHUB_RAW = "https://raw.githubusercontent.com/"
_TEACHER_RELEASE = "https://github.com/chenyaofo/pytorch-cifar-models/releases/download/resnet/"
_TEACHER_COPY = _GITHUB_RAW + "robtad/DANS/e0f876e613add351e409cf6aae9bb4061ec9c5a2/models/"

ARCHIVES: dict[str, Archive] = {
    archive.name: archive
    for archive in (
        Archive(
            "cifar-100-python.tar.gz",
            (_TORONTO + "cifar-100-python.tar.gz",),
            "md5:eb9058c3a382ffc7106e4002c42a8d85",
            169_001_437,
            "cifar100",
        ),
        Archive(
            "cifar-10-python.tar.gz",
            (_TORONTO + "cifar-10-python.tar.gz",),
            "md5:c58f30108f718f92721af3b95e74349a",
            170_498_071,
            "cifar10",
        ),
    )
}


def _cifar100(member: str, what: str, md5: str, size: int) -> DataFile:
    path = f"cifar100/cifar-100-python/{member}"
    return DataFile(f"cifar100/{member}", what, path, _CIFAR, f"md5:{md5}", size, archive="cifar-100-python.tar.gz")


def _cifar10(member: str, md5: str) -> DataFile:
    path = f"cifar10/cifar-10-batches-py/{member}"
    what = "CIFAR-10, 10,000 images 32x32"
    return DataFile(f"cifar10/{member}", what, path, _CIFAR, f"md5:{md5}", archive="cifar-10-python.tar.gz")


def _imagenet16(member: str, md5: str) -> DataFile:
    manual = (
        "no direct link is published: unpack ImageNet16.tar.gz from the Google Drive folder "
        "that the README of https://github.com/D-X-Y/AutoDL-Projects names for NAS-Bench-201, "
        "or the 16x16 archives of https://image-net.org (log-in needed)"
    )
    path, what = f"imagenet16-120/{member}", "ImageNet, 1,000 classes at 16x16 pixels (the first 120 are used)"
    return DataFile(f"imagenet16-120/{member}", what, path, _IMAGENET16, f"md5:{md5}", manual=manual)


_FILES = (
    _cifar100("train", "CIFAR-100, 50,000 images 32x32", "16019d7e3df5f24257cddd939b257f8d", 155_249_918),
    _cifar100("test", "CIFAR-100, 10,000 images 32x32", "f0ef6b0ae62326f3e7ffdfab6717acfc", 31_049_707),
    _cifar100("meta", "CIFAR-100, names of the classes", "7973b15100ade9c7d40fb424638fde48", 1_473),
    _cifar10("data_batch_1", "c99cafc152244af753f735de768cd75f"),
    _cifar10("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
    _cifar10("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
    _cifar10("data_batch_4", "634d18415352ddfa80567beed471001a"),
    _cifar10("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    _cifar10("test_batch", "40351d587109b95175f43aff81a1287e"),
    _imagenet16("train_data_batch_1", "27846dcaa50de8e21a7d1a35f30f0e91"),
    _imagenet16("train_data_batch_2", "c7254a054e0e795c69120a5727050e3f"),
    _imagenet16("train_data_batch_3", "4333d3df2e5ffb114b05d2ffc19b1e87"),
    _imagenet16("train_data_batch_4", "1620cdf193304f4a92677b695d70d10f"),
    _imagenet16("train_data_batch_5", "348b3c2fdbb3940c4e9e834affd3b18d"),
    _imagenet16("train_data_batch_6", "6e765307c242a1b3d7d5ef9139b48945"),
    _imagenet16("train_data_batch_7", "564926d8cbf8fc4818ba23d2faac7564"),
    _imagenet16("train_data_batch_8", "f4755871f718ccb653440b9dd0ebac66"),
    _imagenet16("train_data_batch_9", "bb6dd660c38c58552125b1a92f86b5d4"),
    _imagenet16("train_data_batch_10", "8f03f34ac4b42271a294f91bf480f29b"),
    _imagenet16("val_data", "3410e3017fdaefba8d5073aaa65e4bd6"),
)

FILES: dict[str, DataFile] = {file.name: file for file in _FILES}
