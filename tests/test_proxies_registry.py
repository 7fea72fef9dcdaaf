"""The registry: selection by name and glob, refusals, proxies and aggregates of other packages."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import diswot_registry
from diswot_errors import DataError, UsageError
from diswot_plugins import restored
from diswot_registry import origin
from proxies import ProxyInfo, all_proxies, get, registry, select
from proxies.evidence import Evidence


def size(evidence: Evidence) -> float:
    """The number of images: a proxy for nothing."""
    return float(len(evidence.x))


def record(name: str = "size_of_batch", **changes: Any) -> ProxyInfo:
    fields: dict[str, Any] = {
        "name": name, "function": size, "direction": "higher", "needs": frozenset(), "teacher": False,
        "paper": "none", "version": 1,
    }  # fmt: skip
    return ProxyInfo(**(fields | changes))


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    all_proxies()
    with restored():
        yield


def test_selection() -> None:
    names = [info.name for info in all_proxies()]
    assert names == sorted(names) and [i.name for i in select("all")] == names
    assert [i.name for i in select("nwot, m_r,nwot")] == ["nwot", "m_r"]
    assert [i.name for i in select(["az_nas_*", "snip"])][-1] == "snip" and len(select("az_nas_*,snip")) == 4
    assert [i.name for i in select("m_r*")] == ["m_r", "m_r_readme", "m_r_released", "m_r_released_s0"]
    assert select("all,nwot")[-1].name == names[-1]
    assert [i.name for i in select("te_nas_regions,te_nas,snip")] == ["te_nas_regions", "te_nas_ntk", "snip"]
    with pytest.raises(UsageError, match="ask for its parts te_nas_ntk,te_nas_regions"):
        get("te_nas")  # no score of one network


def test_expected_proxies_are_there() -> None:
    wanted = (
        "m_s m_r diswot m_s_readme m_r_readme diswot_readme m_s_released m_r_released diswot_released grad_norm snip "
        "grasp fisher synflow plain l2_norm jacob nwot zen epe_nas params flops zico te_nas_ntk te_nas_regions "
        "az_nas_expressivity az_nas_progressivity az_nas_trainability meco kd fitnet at sp rkd pkt cc nst ickd "
        "dkd kd_ls dkd_ls"
    )
    assert set(wanted.split()) <= {info.name for info in all_proxies()}
    distances = {i.name for i in all_proxies() if i.direction == "lower"}
    assert {"m_s", "m_r", "kd", "sp", "te_nas_ntk"} <= distances
    assert not distances & {"diswot", "diswot_readme", "snip", "params"}
    assert all(get(n).teacher for n in ("m_s", "diswot", "kd", "sp_released")) and not get("nwot").teacher


@pytest.mark.parametrize(
    ("info", "match"),
    [
        (record("nwot"), "'nwot' from elsewhere is already registered by diswot-bench"),
        (record("Size"), "expected lower-case letters"),
        (record(needs=frozenset({"features", "magic"})), "needs magic: expected some of"),
        (record(direction="up"), "expected 'higher' or 'lower'"),
        (record(function=lambda evidence: 0.0), "no docstring"),
    ],
)
def test_records_that_are_refused(info: ProxyInfo, match: str) -> None:
    with pytest.raises(UsageError, match=match), origin("elsewhere"):
        registry.PROXIES.add(info)


class Point:
    """An entry point as `importlib.metadata` hands it out."""

    def __init__(self, name: str, thing: Any) -> None:
        self.name, self.thing, self.value = name, thing, f"{name}:{name}"
        self.dist = type("Distribution", (), {"name": "their-package"})()

    def load(self) -> Any:
        if isinstance(self.thing, Exception):
            raise self.thing
        return self.thing


def reload(monkeypatch: pytest.MonkeyPatch, *points: Point) -> None:
    monkeypatch.setattr(
        diswot_registry, "entry_points", lambda group: points if group == registry.PROXIES.group else ()
    )
    monkeypatch.setattr(registry.PROXIES._shelf, "filled", False)
    monkeypatch.setattr(registry.PROXIES._shelf, "failures", [])


def test_proxies_from_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def registers() -> None:
        @registry.proxy("decorated", direction="lower", needs=["features"], paper="theirs")
        def decorated(evidence: Evidence) -> Tensor:
            """Mean of the logits."""
            return evidence.features.logits.mean()

    reload(monkeypatch, Point("one", record("aaa_first")), Point("two", registers), Point("three", lambda: [record()]))
    names = [info.name for info in all_proxies()]
    assert names[-3:] == ["aaa_first", "decorated", "size_of_batch"]  # built in first
    assert (
        get("decorated").origin == get("aaa_first").origin == "their-package" and get("nwot").origin == "diswot-bench"
    )
    assert get("decorated").summary == "Mean of the logits"


def test_a_broken_package_is_named_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    reload(monkeypatch, Point("broken", ImportError("no module named magic")), Point("whole", record()))
    for _ in range(2):  # as long as it is broken, not once only
        with pytest.raises(DataError, match=r"'broken' of their-package.*ImportError: no module named magic") as caught:
            all_proxies()
    assert caught.value.exit_code == 1
    assert registry.PROXIES.known("size_of_batch") and registry.PROXIES.known("nwot")


def test_what_is_no_proxy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    reload(monkeypatch, Point("number", lambda: [3]))
    with pytest.raises(DataError, match="a proxy is a ProxyInfo, got int: 3"):
        all_proxies()


def test_import_is_light() -> None:
    code = "import sys, proxies; print('torch' in sys.modules, 'pandas' in sys.modules, len(proxies.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["False", "False"]


def test_table_of_all_proxies() -> None:
    from proxies.__main__ import main, table

    text = table()
    assert all(f"`{info.name}`" in text for info in all_proxies()) and "`te_nas`" in text
    with pytest.raises(SystemExit):
        main(["--nonsense"])


def test_docs_hold_the_table_of_today() -> None:
    from proxies.__main__ import table

    page = Path(__file__).resolve().parent.parent / "docs" / "proxies.md"
    assert table() in page.read_text(), "docs/proxies.md is out of date: paste the output of `python -m proxies`"
