"""Training steps as CUDA graphs: a small network is bound by kernel launches, and a graph is one launch a step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

WARM_UP = 3


class StepRunner:
    """Calls `step(*tensors) -> loss`; with `capture`, from the fourth call on by replaying a captured graph.

    The first steps run as they are (they are real steps, and they make the optimiser's state); then the step is
    captured with buffers for its inputs. Tensors must keep their shapes. On a GPU everything happens on a stream of its
    own, so that several runners whose steps alternate overlap; on a CPU every step runs as it is.
    """

    def __init__(self, step: Callable[..., Tensor], device: torch.device, capture: bool) -> None:
        self.step, self.capture, self.calls = step, capture and device.type == "cuda", 0
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: tuple[Tensor, ...] = ()
        self.loss: Tensor | None = None

    @contextlib.contextmanager
    def on_stream(self) -> Iterator[None]:
        """What is launched inside goes to this runner's stream."""
        if self.stream is None:
            yield
        else:
            with torch.cuda.stream(self.stream):
                yield

    def begin(self) -> None:
        """Let the stream see what was launched so far elsewhere."""
        if self.stream is not None:
            self.stream.wait_stream(torch.cuda.current_stream(self.stream.device))

    def end(self) -> None:
        """Let the rest of the program see what the stream did."""
        if self.stream is not None:
            torch.cuda.current_stream(self.stream.device).wait_stream(self.stream)

    def forget(self) -> None:
        """Capture the step anew when it is next called."""
        self.graph = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The loss of this step, valid until the next."""
        self.calls += 1
        if not self.capture or self.calls <= WARM_UP:
            return self.step(*inputs)
        if self.graph is None:
            self.inputs = tuple(tensor.clone() for tensor in inputs)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):
                self.loss = self.step(*self.inputs)
        for buffer, tensor in zip(self.inputs, inputs, strict=True):
            buffer.copy_(tensor)
        self.graph.replay()
        assert self.loss is not None
        return self.loss
