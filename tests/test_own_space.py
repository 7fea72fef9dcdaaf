"""A search space of one's own by file, one of whose networks is broken: one message, or no score for that one."""

from pathlib import Path

import pytest
from own_support import write

import diswot_ending
from benchmarks import correlation

pytestmark = pytest.mark.usefixtures("forgotten")
SPACE = """
from pathlib import Path
from torch import nn
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import ListSpace, register

class Two(nn.Sequential):
    def forward(self, x):
        return (super().forward(x), x)

def build(name, skeleton):
    width = int(name)
    if width == WRONG:
        BREAK
    return nn.Sequential(nn.Conv2d(3, width, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(width, skeleton.classes))

TABLE = Path(__file__).with_name("mine.csv")
NAMES = [str(width) for width in range(4, 16)]
register(ListSpace("mine", NAMES, build, Skeleton(1, 0, 4, 8), table=TABLE, teacher="resnet20"))
"""


def of_space(tmp_path: Path, broken: str, *more: str) -> None:
    """The command on the space, where the network of width 7 is broken in some way."""
    rows = "".join(f"{width},{40 + width % 5 + width / 10}\n" for width in range(4, 16))
    (tmp_path / "mine.csv").write_text(f"arch,accuracy\n{rows}")
    plugin = write(tmp_path, SPACE.replace("WRONG", "7").replace("BREAK", broken), "mine.py")
    where = ("--out", str(tmp_path / "run"), "--store", str(tmp_path / "s.sqlite"), "--device", "cpu")
    asked = ("--space", "mine", "--plugin", str(plugin), "--proxies", "m_s,snip", "--batch-size", "8")
    diswot_ending.run(correlation.main, [*asked, *where, *more])


@pytest.mark.parametrize(
    ("broken", "code", "message"),
    [
        ("pass", 0, ""),
        ("return None", 2, "mine:7 made a NoneType: expected an nn.Module"),
        ("return 1 / 0", 1, "mine.py, line 14: ZeroDivisionError: division by zero; mend it"),
    ],
)
def test_a_space_whose_function_is_broken_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str, code: int, message: str
) -> None:
    with pytest.raises(SystemExit) as end:
        of_space(tmp_path, broken, "--workers", "1")
    said = capsys.readouterr().err
    assert end.value.code == code and message in said and "Traceback" not in said, said


def test_a_network_that_gives_a_tuple_has_no_score_and_the_others_theirs(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        of_space(tmp_path, "return Two(nn.Flatten(), nn.Linear(192, 4))", "--workers", "2")
    lines = (tmp_path / "run" / "scores.csv").read_text().splitlines()[1:]
    broken = [line for line in lines if (line.startswith("mine,7,") and ",m_s," in line) or ",snip," in line]
    failed = [line for line in broken if ",failed," in line]
    assert end.value.code == 0 and len(failed) == 2
    assert all("the network returned tuple: expected logits (B, K)" in line for line in failed)
    assert sum(",ok," in line for line in lines) == 4 * 12 - len([line for line in lines if ",failed," in line])
