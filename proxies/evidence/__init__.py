"""Evidence: what a few passes through a network show, from which every proxy is computed.

A proxy states in the registry what it needs; `plan` finds the passes that give it, and each pass runs once per network.
"""

from proxies.evidence.borrow import borrowed
from proxies.evidence.capture import Features, forward_features
from proxies.evidence.layers import Layer
from proxies.evidence.plan import Pass, Plan, plan
from proxies.evidence.record import Evidence, TeacherEvidence, teacher_evidence

__all__ = [
    "Evidence",
    "Features",
    "Layer",
    "Pass",
    "Plan",
    "TeacherEvidence",
    "borrowed",
    "forward_features",
    "plan",
    "teacher_evidence",
]
