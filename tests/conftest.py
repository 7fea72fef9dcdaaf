"""Fixtures shared by all tests."""

import contextlib
import csv
import gzip
import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder named by NB201_DATA_DIR, where the reference data lie; tests that need it skip without it."""
    folder = os.environ.get("NB201_DATA_DIR", "")
    if not folder or not (Path(folder) / "nb201" / "accuracies.csv.gz").is_file():
        pytest.skip("needs reference data: set NB201_DATA_DIR to a folder with nb201/accuracies.csv.gz")
    return Path(folder).resolve()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def made_benchmark(tmp_path: Path, folder: Path) -> Path:
    """A folder with a table of the benchmark's shape: accuracy is the share of 3 x 3 convolutions, known exactly."""
    from nb201_data.space import all_cells
    from nb201_data.truth.benchmark import COLUMNS

    (folder / "nb201").mkdir(parents=True)
    with gzip.open(folder / "nb201" / "accuracies.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, cell in enumerate(all_cells()):
            accuracy = 40 + 8 * cell.count("nor_conv_3x3") + index / 1e5
            writer.writerow([index, cell, *[accuracy] * (len(COLUMNS) - 4), 1.0, 1.0])
    return tmp_path


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What a plugin of the test brings is forgotten afterwards, and so are scorers that a test before it has left."""
    from benchmarks.scoring import runner
    from diswot_plugins import restored

    runner._scorer.cache_clear()  # a plugin of another test may have brought another space of this name
    with restored():
        yield


@pytest.fixture
def tiny(tmp_path: Path, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a protocol `tiny` of one epoch, whose teacher is in the data folder; the cache is empty."""
    import torch
    from distill_support import HARVESTED, teacher

    from benchmarks.distill import protocols

    monkeypatch.setitem(protocols.PROTOCOLS, "tiny", HARVESTED)
    (folder / "teachers").mkdir(parents=True)
    torch.save(teacher().state_dict(), folder / "teachers" / "embedded:4_resnet20.pth")
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """`serve(content, length=None, code=200)` -> an address on this machine that gives this content.

    `serve(answer=f)` leaves the answer to `f(handler)`.
    """
    pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):  # a client that has seen enough
                pages[self.path](self)

        def log_message(self, *_arguments: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()

        def serve(
            content: bytes = b"",
            length: int | None = None,
            code: int = 200,
            answer: Callable[[BaseHTTPRequestHandler], None] | None = None,
        ) -> str:
            def plain(handler: BaseHTTPRequestHandler) -> None:
                handler.send_response(code)
                handler.send_header("Content-Length", str(len(content) if length is None else length))
                handler.end_headers()
                handler.wfile.write(content)

            page = f"/{len(pages)}/file"
            pages[page] = answer or plain
            return f"http://127.0.0.1:{running.server_port}{page}"

        yield serve
        running.shutdown()


@pytest.fixture
def correlation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The correlation command as a shell sees it, with a store and a folder of the test's own: a `Command`."""
    from scoring_support import write_truth

    import diswot_ending
    from benchmarks.correlation import main

    truth = write_truth(tmp_path / "truth.csv")

    def call(*arguments: str, ground_truth: str = str(truth)) -> tuple[int, str, str]:
        given = ["--store", str(tmp_path / "s.sqlite"), "--out", str(tmp_path / "run"), "--workers", "1", "--replace"]
        given += ["--batch-size", "16", "--teacher", "resnet20", "--ground-truth", ground_truth, *arguments]
        with pytest.raises(SystemExit) as ended:
            diswot_ending.run(lambda _: main(given))
        output = capsys.readouterr()
        return ended.value.code, output.out, output.err  # type: ignore[return-value]

    return call


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray's cluster of two nodes; this process is connected to it."""
    from ray_support import cluster_of_two

    from benchmarks.engines.ray import connect

    with cluster_of_two() as made:
        connect(made.address)
        yield made


@pytest.fixture
def nodes(cluster: Any) -> Any:
    """The engine on both nodes of the cluster."""
    from benchmarks.engines.ray import RayCluster

    return RayCluster(2)
