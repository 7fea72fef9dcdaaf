"""Names of losses: `a+b` is the sum of two, and a name may itself end in a plus."""

from __future__ import annotations

ALONE = "ce"  # the loss of a student without a teacher


def split(name: str) -> list[str]:
    """`kd+crd` -> kd, crd; `diswot++kd` -> diswot+, kd: of two pluses in a row the first belongs to the name."""
    parts: list[str] = []
    for piece in name.split("+"):
        if piece or not parts:
            parts.append(piece.strip())
        else:
            parts[-1] += "+"
    return parts


def joined(parts: list[str]) -> str:
    """The inverse of `split`."""
    return "+".join(parts)


def slug(name: str) -> str:
    """The name as a part of a file name: `diswot-plus`, `kd-and-crd`."""
    return "-and-".join(part.replace("+", "-plus") for part in split(name))
