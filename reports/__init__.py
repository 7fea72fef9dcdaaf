"""Records in; tables, figures and pages out. `load_run(folder)` gives a run as pandas tables."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.frames import load_run

__all__ = ["load_run"]


def __getattr__(name: str) -> Any:
    if name != "load_run":
        raise AttributeError(f"module 'reports' has no attribute {name!r}")
    from reports.frames import load_run

    return load_run
