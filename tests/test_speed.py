"""What scores cost: the arithmetic of the tables, the meter, and one small run."""

import statistics
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from files_support import rows_of

from benchmarks import speed
from benchmarks.scoring import units
from benchmarks.scoring.units import DEAR, FLOORS, CellCosts, Meter, groups, noise_batch, plain_times, spaced
from benchmarks.tables.speed import DeviceCosts, sections
from proxies import all_proxies, score
from proxies.evidence.plan import PASSES
from proxies.registry import select

PLAIN = {"unit": 1.0, "forward": 0.3, "graph": 0.4, "weights": 0.6, "images": 0.35, "few": 0.1, "few weights": 0.2}


def test_twelve_cells_go_from_light_to_heavy() -> None:
    cells = spaced(speed.CELLS)
    work = [9 * cell.count("nor_conv_3x3") + cell.count("nor_conv_1x1") for cell in cells]
    assert len(set(cells)) == 12 and work == sorted(work) and work[0] < work[-1]
    assert spaced(1) == [spaced(3)[1]]  # the one in the middle


def test_groups_grow_and_the_budgets_leave_the_newer_out() -> None:
    sets = [set(members) for members in groups().values()]
    assert all(small < large for small, large in pairwise(sets))
    assert sets[-1] == {info.name for info in all_proxies() if info.ours}
    assert sets[3] - sets[2] == {info.name for info in select(DEAR)}
    assert {"vkdnw", "gradsign", "dkd"} <= sets[4] - sets[3] and {"nwot", "grasp"} <= sets[3]


def test_every_floor_belongs_to_a_pass() -> None:
    assert set(FLOORS) <= {one.name for one in PASSES}
    assert FLOORS["tangent kernel"].of(PLAIN) == pytest.approx(0.1 + 16 * 0.2)
    assert FLOORS["hessian"].of(PLAIN) == 2 and FLOORS["perturbation"].of(PLAIN) == 0.6


def test_plain_passes_are_timed_on_the_network_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """One tick between any two looks at the clock: each plain pass takes one."""
    ticks = iter(range(1000))
    monkeypatch.setattr(units, "clock", lambda device: next(ticks))
    monkeypatch.setattr(units, "IMAGES", 4)
    model = units.network(spaced(1)[0])
    assert plain_times(model, noise_batch(), "cpu") == dict.fromkeys(PLAIN, 1)
    assert all(p.grad is None for p in model.parameters())


def test_the_meter_sees_every_pass_and_every_proxy() -> None:
    meter = Meter("cpu")
    model, x = units.network(spaced(1)[0]), torch.randn(4, 3, 8, 8)
    plain = score(model, "nwot,snip,params", (x, torch.arange(4)))
    seen = score(model, "nwot,snip,params", (x, torch.arange(4)), around=meter)
    assert set(meter.seconds) == {
        *(("pass", name) for name in ("forward", "loss gradient")),
        *(("proxy", name) for name in ("nwot", "snip", "params")),
    }
    assert {name: one.value for name, one in seen.items()} == {name: one.value for name, one in plain.items()}
    assert all(peak is None or peak > 2**20 for peak in meter.peaks.values())


def test_a_proxy_costs_its_passes_and_its_own_arithmetic() -> None:
    infos = select("nwot,snip")
    cells = [
        CellCosts(PLAIN, {"asked": t}, {"forward": 0.5 * t, "loss gradient": t}, {"nwot": 0.1, "snip": 0.2}, ok)
        for t, ok in ((1.0, {"nwot": "ok", "snip": "ok"}), (3.0, {"nwot": "ok", "snip": "nan"}))
    ]
    found = [DeviceCosts("cpu", cells, {"asked": 2**30}, {"forward": 2**29})]
    by_group, by_pass, by_proxy = (one.table for one in sections(found, {"asked": ["nwot", "snip"]}, infos))
    assert by_group and by_pass and by_proxy
    assert by_group.rows == (("asked", 2, "cpu", 2.0, 1.0, 3.0, 1.0),)
    assert by_pass.rows[0][:7] == ("forward", "cpu", 1.0, 0.5, 1.5, 0.4, statistics.median([0.4 / 0.5, 0.4 / 1.5]))
    assert by_pass.rows[0][7] == 0.5 and by_pass.rows[1][7] is None
    nwot, snip = by_proxy.rows
    assert nwot == ("nwot", "cpu", pytest.approx(1.1), 0.6, 1.6, 0.1, "forward", "ok")
    assert snip[2:6] == (pytest.approx(3.2), 1.7, 4.7, 0.2) and snip[-1] == "nan, ok"


def test_a_small_run_leaves_a_page_and_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "IMAGES", 4)
    threads = torch.get_num_threads()
    try:
        given = [
            "--device",
            "cpu",
            "--cells",
            "1",
            "--rounds",
            "1",
            "--proxies",
            "m_s,m_r",
            "--out",
            str(tmp_path / "out"),
        ]
        assert speed.main([*given, "--dry-run"]) == 0 and not (tmp_path / "out").exists()
        assert speed.main(given) == 0
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "out" / "report.html").is_file()
    (row,) = rows_of(tmp_path / "out" / "groups.csv")
    assert row["group"] == "m_s and m_r" and row["proxies"] == "2"
    assert float(row["median"]) > 0 and 0.1 < float(row["peak_gib"]) < 8
    (row,) = rows_of(tmp_path / "out" / "passes.csv")
    assert row["pass"] == "forward" and float(row["share"]) > 0 and 0.1 < float(row["peak_gib"]) < 8
