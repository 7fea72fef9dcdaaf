"""A network that learns: its optimiser, and what is trained along with it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.distill.protocols import Protocol
from nb201_data.networks import Network
from proxies.distillation.record import Predictor


class Learner:
    """A network, what is trained along with it, and their optimiser."""

    def __init__(self, network: nn.Module, head: nn.Module | None, protocol: Protocol, device: torch.device) -> None:
        self.network, self.head = network, head
        graph = device.type == "cuda"  # there the rate must be a tensor that a captured step reads
        self.rate: Tensor | float = torch.tensor(0.0, device=device) if graph else 0.0
        self.optimizer = torch.optim.SGD(
            [*network.parameters(), *(() if head is None else head.parameters())],
            lr=self.rate,
            momentum=protocol.momentum,
            nesterov=protocol.nesterov,
            weight_decay=protocol.weight_decay,
            foreach=not graph,  # the same operations, without a loop in Python
            fused=graph,
        )

    def train(self) -> None:
        """Into training mode, the head as well."""
        for module in (self.network, self.head):
            if module is not None:
                module.train()

    def step(self, loss: Tensor) -> None:
        """Backward, one step, gradients gone."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step."""
        if isinstance(self.rate, Tensor):
            self.rate.fill_(rate)
        else:
            for group in self.optimizer.param_groups:
                group["lr"] = rate

    def state(self) -> dict[str, Any]:
        """Weights, buffers and momenta."""
        head = None if self.head is None else self.head.state_dict()
        return {"network": self.network.state_dict(), "head": head, "optimizer": self.optimizer.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.network.load_state_dict(state["network"])
        if self.head is not None:
            self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        if isinstance(self.rate, Tensor):  # the optimiser replaced its rate by the loaded one
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate


class ThroughHead(nn.Module):
    """A student that answers through the head that was trained along with it."""

    def __init__(self, network: Network, head: nn.Module, predict: Predictor) -> None:
        super().__init__()
        self.network, self.head, self.predict = network, head, predict

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 3, h, w) to logits (B, K)."""
        return self.predict(self.network.forward_features(x), self.head)
