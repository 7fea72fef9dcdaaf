"""A Ray cluster of two nodes with one CPU each, on this machine; what is asked on it, and jobs for its workers."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scoring.runner import Found, Job, score_job

ROOT = Path(__file__).parents[1]
NAME = "NODE_OF_TEST"


def small(name: str, cpus: int = 1, **more: Any) -> dict[str, Any]:
    """Arguments of a node that knows its name."""
    return {"num_cpus": cpus, "object_store_memory": 80 * 2**20, "env_vars": {NAME: name}, **more}


@contextmanager
def cluster_of_two() -> Iterator[Any]:
    """`ray.cluster_utils.Cluster`; its nodes know nothing of the data and cache folders of a test."""
    pytest.importorskip("ray", reason="needs Ray: pip install .[ray]")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NB201_DATA_DIR", "XDG_CACHE_HOME", "RAY_ADDRESS"):
            patch.delenv(name, raising=False)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests"), *filter(None, sys.path)]))
        import ray
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args=small("head", include_dashboard=False))
        try:
            cluster.add_node(**small("other"))
            cluster.wait_for_nodes()
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def node_of(seconds: float) -> str:
    """Sleep, then say on which node."""
    time.sleep(seconds)
    return os.environ[NAME]


def gpus_of(seconds: float) -> str:
    """Sleep, then say which GPUs are to be used."""
    time.sleep(seconds)
    return os.environ.get("CUDA_VISIBLE_DEVICES", "")


def slowly(job: Job) -> Found:
    """Score, with time enough for a node to go."""
    time.sleep(1.5)
    return score_job(job)


def once_per_file(path: str) -> str:
    """Leave a line in a file, then take some time."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{os.environ[NAME]}\n")
    time.sleep(2)
    return path


def lines(path: Path) -> list[str]:
    """Of a file that may not be there."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8").split()
    return []
