"""What Python's collector of cycles is kept from, and that it goes on afterwards."""

import gc
import weakref

import pytest

from benchmarks import correlation
from diswot_collector import passed_over, uncollected


class Node:
    """Garbage that only the collector finds: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_nothing_is_collected_while_something_is_loaded() -> None:
    with uncollected():
        left = weakref.ref(Node())
        rest = [[] for _ in range(10 * gc.get_threshold()[0])]  # far more objects than call the collector
        assert left() is not None and not gc.isenabled() and rest
    assert gc.isenabled()
    gc.collect()
    assert left() is None


def test_the_collector_stays_off_where_it_was_off_and_comes_back_after_a_failure() -> None:
    with pytest.raises(ValueError, match="inside"), uncollected(), uncollected():
        raise ValueError("inside")
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_there_is_passed_over_what_is_made_is_not() -> None:
    before = Node()
    was, found = weakref.ref(before), gc.get_freeze_count()
    with pytest.raises(ValueError, match="inside"), passed_over():
        assert gc.get_freeze_count() > found
        del before
        made = weakref.ref(Node())
        gc.collect()
        assert was() is not None and made() is None
        raise ValueError("inside")
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert was() is None


def test_a_command_leaves_the_collector_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    assert correlation.main(["--proxies", "params", "--sample", "20", "--dry-run"]) == 0
    assert gc.isenabled() and gc.get_freeze_count() == 0
    assert capsys.readouterr().out
