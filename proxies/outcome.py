"""What asking for a score leads to: a number, or a status and its reason. Strange answers and errors end here."""

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from diswot_errors import NotApplicable
from proxies.evidence.memory import out_of_memory

if TYPE_CHECKING:
    from pandas import DataFrame

Status = Literal["ok", "nan", "infinite", "not-applicable", "out-of-memory", "failed", "violation"]

LONGEST_REASON = 300


@dataclass(frozen=True)
class Score:
    """A value, or the reason why there is none. Only `ok` has a value."""

    value: float | None
    status: Status
    reason: str = ""
    seconds: float = 0.0
    """What asking for this proxy alone costs: the passes it needs and its own arithmetic.

    CPU seconds of the process on a CPU, so that other load does not count; host time on a GPU.
    """


class Scores(dict[str, Score]):
    """What was asked of one network: proxy -> score, in the order of the question."""

    def frame(self) -> "DataFrame":
        """A row a proxy: value (NaN where there is none), status, reason, seconds."""
        from pandas import DataFrame

        rows = [asdict(score) for score in self.values()]
        names = [field.name for field in fields(Score)]
        return DataFrame(rows, index=list(self), columns=names).rename_axis("proxy").astype({"value": float})


@dataclass(frozen=True)
class Failure:
    """Why there is no number."""

    status: Status
    reason: str


def failure_of(error: BaseException) -> Failure:
    """The status that an exception stands for."""
    text = tidy(error)
    if isinstance(error, NotApplicable):
        return Failure("not-applicable", text or "NotApplicable")
    if _of_memory(error):
        return Failure("out-of-memory", tidy(f"{text[:200]}; a smaller batch needs less"))
    name = type(error).__name__
    return Failure("failed", tidy(f"{name}: {text}" if text else name))


def _of_memory(error: BaseException) -> bool:
    try:
        return out_of_memory(error)
    except Exception:  # an error that cannot say what it is
        return False


def tidy(said: object) -> str:
    """What something says of itself, as one printable line of at most 300 characters."""
    try:
        text = str.__getitem__(str(said), slice(8 * LONGEST_REASON))
    except Exception as error:
        text = f"{type(said).__name__} (its text cannot be had: {type(error).__name__})"
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 3] + "..."


def scalar(answer: Any) -> Tensor | float:
    """The answer of a proxy as a float64 tensor () on its device, or as a float; a refusal of anything else."""
    if isinstance(answer, str | bytes | bytearray):
        raise TypeError(f"the proxy returned the text {tidy(answer)[:40]!r}: expected one number")
    if isinstance(answer, complex) or (isinstance(answer, Tensor) and answer.is_complex()):
        raise TypeError("the proxy returned a complex number: expected a real one")
    if not isinstance(answer, Tensor):
        try:
            return float(answer)
        except Exception as error:
            raise TypeError(f"the proxy returned {_kind(answer)}: expected one number ({tidy(error)})") from error
    if answer.is_meta:
        raise TypeError("the proxy returned a tensor on the device 'meta', which has no value: expected one number")
    if answer.numel() != 1:
        raise TypeError(f"the proxy returned a tensor of shape {tuple(answer.shape)}: expected one number")
    return answer.detach().double().reshape(())


def _kind(answer: Any) -> str:
    return "nothing" if answer is None else f"an object of class {type(answer).__name__}"


def scored(value: float, seconds: float, note: str = "") -> Score:
    """A number with its status."""
    if math.isnan(value):
        return Score(None, "nan", "the formula gives no number on this network", seconds)
    if math.isinf(value):
        return Score(None, "infinite", f"the formula gives {value} on this network", seconds)
    return Score(value, "ok", note, seconds)
