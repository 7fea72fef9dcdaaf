"""Every external file the project can use: what it is, where it comes from, how it is recognised.

A hash is written `md5:<hex>` or `sha256:<hex>` as its publisher states it; `sha256-prefix:<hex>` where a publisher puts
the first digits into the file name; `table-sha256:<hex>` for a table whose values, not its bytes, are pinned.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A published file at one or more addresses, tried in order."""

    name: str
    urls: tuple[str, ...]
    hash: str = ""
    size: int | None = None  # bytes, where known
    redirects: tuple[str, ...] = ()  # hosts that its addresses may lead on to


@dataclass(frozen=True)
class Archive(Source):
    """A tar file that holds data files; they keep their paths below `folder` of the data folder."""

    folder: str = ""


@dataclass(frozen=True)
class Conversion:
    """A table made from published files by a function of `published_tables.py`; the files themselves are not kept."""

    function: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class DataFile:
    """One file inside the data folder."""

    name: str  # 'cifar100/train': the part before the slash is its group, fetched together
    what: str
    path: str  # inside the data folder
    licence: str
    origin: str  # the page or repository that publishes it
    hash: str = ""  # empty: no hash is published, presence is all that can be checked
    also: tuple[str, ...] = ()  # hashes of other files that serve as well
    size: int | None = None  # bytes, where known
    urls: tuple[str, ...] = ()  # direct downloads of this very file
    redirects: tuple[str, ...] = ()  # hosts that they may lead on to
    archive: str = ""  # name of an `Archive` that holds it
    conversions: tuple[Conversion, ...] = ()  # ways to make it: the first that gives the pinned table is taken
    manual: str = ""  # how to get it by hand, alone or where the download fails

    @property
    def group(self) -> str:
        """'cifar100' of 'cifar100/train'."""
        return self.name.split("/")[0]

    @property
    def automatic(self) -> bool:
        """Whether `fetch` can get it."""
        return bool(self.urls or self.archive or self.conversions)


_RAW = "https://raw.githubusercontent.com/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_DISWOT = _RAW + "lliai/DisWOT-CVPR2023/63c8ae2944a2d115f2dd5510192667cd5df2fb53/exps/"
_AUTO_PROX = _RAW + "lliai/Auto-Prox-AAAI24/69ccf82bfa8897ce3c955a700a5b0f046d8e5f87/gt_results/"
_RELEASE = "https://github.com/chenyaofo/pytorch-cifar-models/releases/download/resnet/"
_RELEASE_HOSTS = ("objects.githubusercontent.com", "release-assets.githubusercontent.com")
_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="

_ARCHIVES = (
    Archive(
        "cifar-100-python.tar.gz",
        (_TORONTO + "cifar-100-python.tar.gz",),
        "md5:eb9058c3a382ffc7106e4002c42a8d85",
        169_001_437,
        folder="cifar100",
    ),
    Archive(
        "cifar-10-python.tar.gz",
        (_TORONTO + "cifar-10-python.tar.gz",),
        "md5:c58f30108f718f92721af3b95e74349a",
        170_498_071,
        folder="cifar10",
    ),
)
ARCHIVES: dict[str, Archive] = {archive.name: archive for archive in _ARCHIVES}


def _cifar(archive: Archive, folder: str, member: str, what: str, md5: str, size: int | None = None) -> DataFile:
    return DataFile(
        f"{archive.folder}/{member}",
        what,
        f"{archive.folder}/{folder}/{member}",
        "none stated; cite Krizhevsky 2009",
        _TORONTO + "cifar.html",
        f"md5:{md5}",
        size=size,
        archive=archive.name,
    )


def _cifar100(member: str, what: str, md5: str, size: int) -> DataFile:
    return _cifar(ARCHIVES["cifar-100-python.tar.gz"], "cifar-100-python", member, what, md5, size)


def _cifar10(member: str, md5: str) -> DataFile:
    archive = ARCHIVES["cifar-10-python.tar.gz"]
    return _cifar(archive, "cifar-10-batches-py", member, "CIFAR-10, 10,000 images 32x32", md5)


def _imagenet16(member: str, md5: str) -> DataFile:
    return DataFile(
        f"imagenet16-120/{member}",
        "ImageNet, 1,000 classes at 16x16 pixels, of which the first 120 are used",
        f"imagenet16-120/{member}",
        "ImageNet terms of access: non-commercial research",
        "https://github.com/D-X-Y/AutoDL-Projects",
        f"md5:{md5}",
        manual="no direct link is published: unpack ImageNet16.tar.gz from the Google Drive folder that the README of "
        "https://github.com/D-X-Y/AutoDL-Projects names for NAS-Bench-201, or the 16x16 archives of "
        "https://image-net.org (log-in needed)",
    )


def _teacher(images: str, name: str, digits: str, *also: str) -> DataFile:
    return DataFile(
        f"teachers/{images}_{name}",
        f"{name} trained on {images}",
        f"teachers/{images}_{name}.pth",
        "BSD-3-Clause",
        "https://github.com/chenyaofo/pytorch-cifar-models",
        f"sha256-prefix:{digits}",
        also,
        urls=(f"{_RELEASE}{images}_{name}-{digits}.pt",),
        redirects=_RELEASE_HOSTS,
    )


def _table(name: str, what: str, origin: str, hash_of_values: str, *conversions: Conversion) -> DataFile:
    return DataFile(
        f"distillation/{name}",
        what,
        f"distillation/{name}.csv",
        "Apache-2.0",
        origin,
        f"table-sha256:{hash_of_values}",
        conversions=conversions,
    )


def _vision_transformers(file: str) -> Conversion:
    return Conversion("vision_transformers", (Source(file, (_AUTO_PROX + file,)),))


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
    DataFile(
        "nb201/benchmark",
        "NAS-Bench-201 v1.1, the official file: every training run of 15,625 cells",
        "nb201/NAS-Bench-201-v1_1-096897.pth",
        "MIT",
        "https://github.com/D-X-Y/NAS-Bench-201",
        "md5:55e847143ce1f7c2d89b676f6b096897",  # the digits in its name are the last six of its md5
        size=5_003_180_601,
        urls=(_DRIVE + "16Y0UwGisiouVRxW-W5hEtbxmcHw_0hF_",),
        manual="download NAS-Bench-201-v1_1-096897.pth in a browser from "
        "https://drive.google.com/file/d/16Y0UwGisiouVRxW-W5hEtbxmcHw_0hF_/view",
    ),
    DataFile(
        "nb201/accuracies",
        "NAS-Bench-201 as one small table: accuracies of 15,625 cells",
        "nb201/accuracies.csv.gz",
        "MIT",
        "https://github.com/D-X-Y/NAS-Bench-201",
        manual="it is made from the official file: python -m nb201_data convert NAS-Bench-201-v1_1-096897.pth",
    ),
    DataFile(
        "nats/topology",
        "NATS-Bench, topology space v1.0 (simple): the same cells, one small file each; unpack it to convert it",
        "nats/NATS-tss-v1_0-3ffb9-simple.tar",
        "MIT",
        "https://github.com/D-X-Y/NATS-Bench",
        "sha256:580fd8f3425fed9f495640b0f12ccb7744f89dec7aff263bd75aed37ab0b8bb6",  # as users of the file record it
        size=1_145_989_120,
        urls=(_DRIVE + "17_saCsj_krKjlCBLOJEpNtzPXArMCqxU",),
        manual="download NATS-tss-v1_0-3ffb9-simple.tar in a browser from "
        "https://drive.google.com/file/d/17_saCsj_krKjlCBLOJEpNtzPXArMCqxU/view",
    ),
    _table(
        "s0_resnet_cifar100",
        "64 residual networks, CIFAR-100 accuracy alone and distilled, as the DisWOT authors published it",
        "https://github.com/lliai/DisWOT-CVPR2023",
        "d59e4d968f9b5cf44e3bae5c458d3ff6c7a814bc6ec009313a4eb233d0e24fe2",
        Conversion(
            "s0_networks",
            (
                Source("s1-gt-cls.txt", (_DISWOT + "s1-gt-cls.txt",)),
                Source("s1-gt-kd.txt", (_DISWOT + "s1-gt-kd.txt",)),
            ),
        ),
    ),
    _table(
        "autoformer",
        "100 AutoFormer transformers, three data sets, accuracy alone and distilled, from the Auto-Prox authors",
        "https://github.com/lliai/Auto-Prox-AAAI24",
        "12622953695e99c2e874cb7636eeba05c5566dae3a382ce4d46c8493bba65741",
        _vision_transformers("gt_autoformer.pth"),
    ),
    _table(
        "autoformer_2",
        "100 further AutoFormer transformers, three data sets, accuracy distilled only, from the Auto-Prox authors",
        "https://github.com/lliai/Auto-Prox-AAAI24",
        "cce594124a20612e6889fda4fb341030c0eed4160c187955915e1caef3b437eb",
        _vision_transformers("gt_autoformer_2.pth"),
    ),
    _table(
        "pit",
        "100 PiT transformers, three data sets, accuracy alone and distilled, from the Auto-Prox authors",
        "https://github.com/lliai/Auto-Prox-AAAI24",
        "c7ee1589724f86990388bc3894390c197bcfe942dbe00aa470abfbf3248c05f9",
        _vision_transformers("gt_pit.pth"),
    ),
    _teacher("cifar10", "resnet20", "4118986f"),
    _teacher("cifar10", "resnet32", "ef93fc4d"),
    _teacher("cifar10", "resnet44", "2a3cabcb"),
    _teacher("cifar10", "resnet56", "187c023a"),
    _teacher(
        "cifar100",
        "resnet20",
        "23dac2f1",
        "sha256:0d7818eb35f95925455f13e548a72cfd79faf9174e293faefba0dd56cef1e164",  # the same network, saved again
    ),
    _teacher("cifar100", "resnet32", "84213ce6"),
    _teacher("cifar100", "resnet44", "ffe32858"),
    _teacher(
        "cifar100",
        "resnet56",
        "f2eff4c8",
        "sha256:f7e590a0e2fe80795aaeb7c5c75f53bd1050a2161c8e53e523ce2835fffd52e2",  # the same network, saved again
    ),
)

FILES: dict[str, DataFile] = {file.name: file for file in _FILES}

GROUPS = {
    "cifar100": "CIFAR-100: 60,000 photographs of 32 x 32 in 100 classes",
    "cifar10": "CIFAR-10: 60,000 photographs of 32 x 32 in 10 classes",
    "imagenet16-120": "ImageNet at 16 x 16 pixels, its first 120 classes",
    "nb201": "NAS-Bench-201 v1.1: the accuracies as one small table, made from the official file",
    "nats": "NATS-Bench, topology space v1.0: the same cells, another official file to make the table from",
    "distillation": "published accuracies of 64 ResNets and 300 vision transformers, alone and distilled",
    "teachers": "trained CIFAR ResNets",
}
"""What each group of files is, in the order in which they are listed."""
