"""Plugin files: loaded once, named where they fail, gone where they fail."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import diswot_registry
from diswot_errors import DataError, UsageError
from diswot_plugins import load_plugin, plugins, restored
from proxies.registry import PROXIES

ONE = '''
from proxies.registry import proxy

@proxy("images_in_batch", direction="higher", needs=[], paper="none")
def images_in_batch(evidence):
    """B, the number of images."""
    return float(len(evidence.x))
'''
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    def write(text: str | bytes, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    with restored():
        yield write


def test_it_is_run_once_and_remembered(write: Write) -> None:
    path = write("import builtins\nbuiltins.runs = getattr(builtins, 'runs', 0) + 1\n" + ONE)
    module = load_plugin(path)
    assert load_plugin(str(path)) is module and module.__dict__["builtins"].runs == 1
    assert plugins() == {path.resolve(): path.read_bytes()} and PROXIES.find("images_in_batch").origin.startswith(
        "mine.py@"
    )
    assert pickle.loads(pickle.dumps(module.images_in_batch)) is module.images_in_batch
    assert os.listdir(path.parent) == ["mine.py"]  # nothing is written beside it


def test_an_edited_file_is_another_origin(write: Write) -> None:
    with restored():
        load_plugin(write(ONE))
        first = PROXIES.origin("images_in_batch")
    load_plugin(write(ONE + "# changed\n"))
    assert PROXIES.origin("images_in_batch") != first


def test_what_it_imports_of_the_project_stays_the_projects(tmp_path: Path) -> None:
    """In a fresh process, where the plugin is the first to import a built-in proxy."""
    (tmp_path / "mine.py").write_text("from proxies.zero_cost.nwot import nwot\n" + ONE)
    code = (
        "from diswot_plugins import load_plugin; load_plugin('mine.py'); from proxies.registry import PROXIES; "
        "print(PROXIES.origin('nwot'), PROXIES.origin('images_in_batch').split('@')[0])"
    )
    root = str(Path(diswot_registry.__file__).parent)
    environment = os.environ | {"PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["diswot-bench", "mine.py"]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (ONE + "\ndef broken(:\n", DataError, r"mine.py, line 9: SyntaxError: .*; mend it"),
        (ONE + "\nraise ValueError('seven')", DataError, r"mine.py, line 9: ValueError: seven; mend it"),
        (ONE + "\nraise SystemExit(0)", DataError, r"mine.py, line 9 ends the program \(exit 0\)"),
        (ONE + "\nimport magic_of_theirs", DataError, r"line 9: ModuleNotFoundError: .*magic_of_theirs.*; install it"),
        (ONE.replace("images_in_batch", "nwot"), UsageError, r"mine.py, line 4: proxy 'nwot' from mine.py@"),
        (ONE.replace("[]", "['magic']"), UsageError, r"mine.py, line 4: proxy 'images_in_batch' needs magic"),
        ("x = 1\n", UsageError, r"mine.py: it registers nothing"),
        (b"\xff\xfe\x00", DataError, r"mine.py, line 1: SyntaxError: a null byte: is this a text in UTF-8\?; mend it"),
        (ONE.encode() + b"\nx = '\x00'", DataError, r"mine.py, line 9: SyntaxError: a null byte"),
        (b"x = '\xff'", DataError, r"mine.py.*SyntaxError"),
    ],
)  # fmt: skip
def test_what_fails_names_file_and_line_and_leaves_nothing(
    write: Write, text: str | bytes, kind: type[Exception], message: str
) -> None:
    modules = set(sys.modules)
    with pytest.raises(kind, match=message):
        load_plugin(write(text))
    assert not plugins() and not PROXIES.known("images_in_batch")
    assert not {name for name in set(sys.modules) - modules if name.startswith("diswot_plugin_")}


def test_ctrl_c_stays_ctrl_c(write: Write) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_plugin(write(ONE + "\nraise KeyboardInterrupt"))
    assert not plugins() and not PROXIES.known("images_in_batch")


def test_what_is_no_plugin(write: Write, tmp_path: Path) -> None:
    path = write(ONE)
    for wrong, message in (
        (tmp_path, "is a folder: give a file"),
        (write("", "mine.txt"), "expected a name that ends in .py"),
        (tmp_path / "nine.py", r"there is no such file. Did you mean mine.py\?"),
        (tmp_path / "absent" / "mine.py", "there is no such file"),
    ):
        with pytest.raises(UsageError, match=message):
            load_plugin(wrong)
    path.chmod(0)
    if not os.access(path, os.R_OK):
        with pytest.raises(DataError, match="cannot be read"):
            load_plugin(path)
