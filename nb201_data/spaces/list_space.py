"""A search space that is a list of networks, written in a few lines: names, a function that builds, a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from diswot_errors import UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.spaces.protocol import Space

if TYPE_CHECKING:
    from nb201_data.networks import Network


@dataclass(frozen=True)
class ListSpace(Space):
    """The networks `make(arch, skeleton)` for each name in `archs`.

    >>> def widths(arch, skeleton):                                      # doctest: +SKIP
    ...     return MyNetwork(width=int(arch), classes=skeleton.classes)
    >>> register(ListSpace("mine", ("8", "16"), widths, table="mine.csv"))    # doctest: +SKIP
    """

    name: str
    archs: Sequence[str]
    make: "Callable[[str, Skeleton], Network]" = field(repr=False)
    skeleton: Skeleton = field(default_factory=Skeleton)
    table: Path | str = ""
    """A CSV with the columns `arch,accuracy` (and others, see `truth/user_csv.py`): the usual ground truth."""
    teacher: str = "resnet56"

    def __post_init__(self) -> None:
        object.__setattr__(self, "archs", tuple(self.archs))
        wrong = [arch for arch in self.archs if not isinstance(arch, str) or arch != arch.strip() or not arch]
        if wrong or not self.archs or len(set(self.archs)) != len(self.archs):
            what = f"{wrong[0]!r}" if wrong else "none" if not self.archs else "one twice"
            raise UsageError(f"space {self.name}: got {what}, expected different names without space around them")

    @property
    def truth(self) -> str:  # type: ignore[override]
        """The table, read as one about this space."""
        return f"{self.table}:space={self.name}" if self.table else ""

    def all(self) -> Sequence[str]:
        """The names, in the order given."""
        return self.archs

    def build(self, arch: str) -> "Network":
        """The network of this name."""
        return self.make(arch, self.skeleton)

    def with_skeleton(self, skeleton: Skeleton) -> "ListSpace":
        """The same names; what they make of the skeleton is up to `make`."""
        return replace(self, skeleton=skeleton)
