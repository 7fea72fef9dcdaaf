"""What the nodes of a Ray cluster must have: this machine's code, the text of its plugins, the folder of the run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ray_support import ROOT
from test_engines import square
from test_runner import ARCHS, SETTING, numbers

from benchmarks.engines import provenance
from benchmarks.engines.local import Local
from benchmarks.engines.ray import RayCluster
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from diswot_errors import DataError
from diswot_plugins import load_plugin, restored

pytestmark = pytest.mark.ray


def test_plugins_travel_with_their_text(nodes: RayCluster, tmp_path: Path) -> None:
    """The file need not be on the node: here it is gone by then."""
    (tmp_path / "mine.py").write_text(
        "from proxies.registry import proxy\n"
        '@proxy("first_logit", direction="higher", needs=["features"], paper="mine")\n'
        "def first_logit(evidence):\n"
        '    """z_00."""\n'
        "    return evidence.features.logits[0, 0]\n"
    )
    with restored():
        load_plugin(tmp_path / "mine.py")
        (tmp_path / "mine.py").unlink()
        from proxies import get

        stores = [Store(tmp_path / f"{name}.sqlite") for name in ("one", "two")]
        answers = []
        for store, engine in zip(stores, (Local(), nodes), strict=True):
            with store, Runner(store, engine) as runner:
                answers.append(numbers(runner.scores(SETTING, [get("first_logit")], ARCHS[:4], [0])))
        assert answers[0] == answers[1] and all(status == "ok" for _, status in answers[0].values())


def test_other_versions_on_a_node_are_refused(nodes: RayCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    real = provenance.identity()
    monkeypatch.setattr(provenance, "identity", lambda: {**real, "torch": "1.0", "code": "0" * 12})
    said = rf"node \S+ has other code than this machine \(code {real['code']} there, 0{{12}} here; torch \S+ there, 1.0"
    with pytest.raises(DataError, match=said), nodes.team(2) as team:
        list(team.each(square, [1]))


def test_code_that_is_not_the_same_is_seen(nodes: RayCluster, tmp_path: Path) -> None:
    """A driver with a changed copy of the package, as after an edit on one machine alone."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from benchmarks.engines.ray import RayCluster, connect\n"
        "connect(sys.argv[2])\n"
        "with RayCluster(1).team(1) as team:\n"
        "    print(list(team.each(abs, [-1])))\n"
    )
    copy = tmp_path / "copy"
    for name in ("benchmarks", "proxies", "nb201_data", "reports"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.npz", "__pycache__"))
    for file in ROOT.glob("diswot_*.py"):
        shutil.copy(file, copy)
    changed = copy / "proxies" / "inits.py"
    changed.write_text(changed.read_text() + "# changed\n")
    import ray

    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path and str(ROOT) not in path)
    done = subprocess.run(
        [*command, str(copy), address], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "DataError: node " in done.stderr and " has other code than this machine (code " in done.stderr
    same = subprocess.run(
        [*command, str(ROOT), address], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert same.returncode == 0 and same.stdout.splitlines()[-1] == "[1]", same.stderr


def test_a_run_folder_that_the_nodes_do_not_see_is_refused(nodes: RayCluster, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not see .*/out: .*file system that all nodes share"):  # noqa: SIM117
        with nodes.team(2, folder=tmp_path / "out") as team:
            for mark in (tmp_path / "out").iterdir():
                mark.unlink()  # as it looks from another machine's disk of the same name
            list(team.each(square, [1]))
