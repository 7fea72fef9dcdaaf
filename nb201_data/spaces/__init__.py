"""Search spaces: one file each. A new one is a record given to `register`, here or in a package or plugin file."""

from nb201_data.spaces.autoformer import AutoFormer
from nb201_data.spaces.list_space import ListSpace
from nb201_data.spaces.nb201 import NasBench201
from nb201_data.spaces.numbered import Numbered
from nb201_data.spaces.pit import PiT
from nb201_data.spaces.protocol import SearchSpace, Space
from nb201_data.spaces.registry import SPACES, get_space, reads_as_own, register
from nb201_data.spaces.s0 import DEPTHS, S0, Depths

__all__ = [
    "DEPTHS", "S0", "SPACES", "AutoFormer", "Depths", "ListSpace", "NasBench201", "Numbered", "PiT", "SearchSpace",
    "Space", "get_space", "reads_as_own", "register",
]  # fmt: skip
