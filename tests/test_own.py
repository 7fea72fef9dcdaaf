"""A network of one's own by file: what its name says, and what is refused."""

import sys
from pathlib import Path

import pytest
import torch
from own_support import NETWORK, SHIFTED, WRONG, named, write
from processes_support import in_fresh_python
from scoring_support import TINY

from diswot_errors import DataError, UsageError
from diswot_plugins import load_plugin, plugins, restored
from nb201_data.own import outputs_of, own_network
from nb201_data.spaces import get_space
from nb201_data.teachers import resolve_teacher

pytestmark = pytest.mark.usefixtures("forgotten")


class TestTheName:
    def test_is_the_same_in_every_process_wherever_the_file_lies(self, tmp_path: Path) -> None:
        first = named(write(tmp_path, NETWORK + SHIFTED), "Shifted")
        torch.manual_seed(9)
        other = write(tmp_path / "elsewhere", NETWORK + SHIFTED)
        code = f"from nb201_data.own import own_network; print(own_network({f'{other}:Shifted'!r}).name)"
        found, _ = in_fresh_python(code)
        assert first == named(other, "Shifted") == found.strip() and first.startswith("my.py:Shifted@")

    def test_changes_with_the_file_its_classes_and_its_weights(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(str(tmp_path))
        helper = "from torch import nn\nclass Net(nn.Linear):\n    def forward(self, x): return super().forward(x{})\n"
        reading = (
            "import torch\nfrom helper_of_own import Net\n"
            "def build():\n    net = Net(3, 10)\n    net.load_state_dict(torch.load({!r}))\n    return net\n"
        )
        weights = tmp_path / "w.pth"
        found = set()
        for part, seed, comment in (("", 0, ""), ("", 1, ""), (" * 2", 1, ""), (" * 2", 1, "# more")):
            torch.manual_seed(seed)
            torch.save(torch.nn.Linear(3, 10).state_dict(), weights)
            write(tmp_path, helper.format(part), "helper_of_own.py")
            sys.modules.pop("helper_of_own", None)
            found.add(named(write(tmp_path, reading.format(str(weights)) + comment)))
        sys.modules.pop("helper_of_own", None)
        assert len(found) == 4

    def test_leaves_the_process_as_it_was(self, tmp_path: Path) -> None:
        torch.manual_seed(4)
        before = torch.random.get_rng_state().clone()
        named(write(tmp_path))
        assert torch.equal(before, torch.random.get_rng_state())

    def test_finds_the_network_again_or_says_that_it_changed(self, tmp_path: Path) -> None:
        name = named(write(tmp_path))
        load_plugin(tmp_path / "my.py", registers=False)
        assert get_space(name).name == name and len(get_space(name)) == 1
        (tmp_path / "my.py").unlink()  # what is loaded is found without its file
        assert get_space(name).name == name
        with restored():
            load_plugin(write(tmp_path / "edited", NETWORK + "# changed\n"), registers=False)
            assert list(plugins())[-1].parent.name == "edited"
            assert get_space(name).name == name  # the one of the two that is meant
        with pytest.raises(DataError, match="is not what it was"):
            get_space(name[:-12] + "0" * 12)


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        ("two", UsageError, r"missing 1 required positional argument.*expected a network of one input"),
        ("pair", UsageError, r"gives a tuple on images in training mode: expected .* one output, logits \(B, K\)"),
        ("maps", UsageError, r"gives \(2, 10, 8, 8\) on images \(2, 3, 8, 8\)"),
        ("large", UsageError, r"fails on images \(2, 3, 8, 8\) \(RuntimeError: mat1 and mat2.*other sizes"),
        ("needs", UsageError, r"needs arguments \(missing a required argument: 'width'\)"),
        ("nothing", UsageError, r"wrong.py:nothing made a NoneType: expected an nn.Module"),
        ("number", UsageError, r"wrong.py:number is a int"),
        ("network", UsageError, r"is a network: expected a function .*def build\(\): return network"),
        ("empty", UsageError, r"made a Flatten without parameters"),
        ("other", UsageError, r"makes another network each time it is called: draw random numbers from PyTorch alone"),
        ("fails", DataError, r"wrong.py, line \d+: ZeroDivisionError: division by zero; mend it"),
        ("lazy", DataError, r"uninitialized parameter"),
        ("pairs", UsageError, r"has no function 'pairs'. Did you mean pair"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, function: str, kind: type[Exception], message: str) -> None:
    write(tmp_path, WRONG, "wrong.py")
    with pytest.raises(kind, match=message):
        outputs_of(own_network(f"{tmp_path / 'wrong.py'}:{function}").with_skeleton(TINY))


def test_what_is_no_reference(tmp_path: Path) -> None:
    write(tmp_path)
    for text, message in (
        (str(tmp_path / "my.py"), "names no function: expected FILE.py:FUNCTION"),
        (f"{tmp_path / 'may.py'}:build", r"no file .*may.py: there is no such file. Did you mean my.py\?"),
        (f"{tmp_path / 'my.py'}:", "names no function"),
    ):
        with pytest.raises(UsageError, match=message):
            resolve_teacher(text, get_space("nb201"))
