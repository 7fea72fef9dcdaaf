"""Training-free scores: one network in, one score out. Knows no search space.

`score(model, names, batch, teacher=...)` is the whole of it; what it needs is imported when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxies.evidence import Evidence, Features, TeacherEvidence, teacher_evidence
    from proxies.inits import initialise
    from proxies.registry import ProxyInfo, all_proxies, get, proxy, select
    from proxies.scoring import Score, Scores, score

_HOME = {
    **dict.fromkeys(("Evidence", "Features", "TeacherEvidence", "teacher_evidence"), "proxies.evidence"),
    **dict.fromkeys(("ProxyInfo", "all_proxies", "get", "proxy", "select"), "proxies.registry"),
    **dict.fromkeys(("Score", "Scores", "score"), "proxies.scoring"),
    "initialise": "proxies.inits",
}

__all__ = [
    "Evidence",
    "Features",
    "ProxyInfo",
    "Score",
    "Scores",
    "TeacherEvidence",
    "all_proxies",
    "get",
    "initialise",
    "proxy",
    "score",
    "select",
    "teacher_evidence",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'proxies' has no attribute {name!r}")
