"""Proxies of other packages are guests: they are asked last, on copies, and the house is as it was when they leave.

`ask` hands a guest a copy of the network, the batch and the evidence it needs, with random streams of its own, and
compares both the copies and what the process shares (`shared`) with what they were. A guest that changed what it was
not given to change has no score: its status is `violation`, and the reason names what was changed.
"""

from proxies.guests.asking import ask

__all__ = ["ask"]
