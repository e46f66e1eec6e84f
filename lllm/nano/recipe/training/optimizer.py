"""Muon for the matrices, AdamW for the rest.

Muon (K. Jordan and others, 2024, github.com/KellerJordan/Muon) moves a matrix by its averaged gradient with all
singular values brought near one, by five steps of a Newton-Schulz iteration. A trial of a model like this one learned
several times as much a minute with it as with AdamW alone. Matrices of one shape are turned at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_STEPS, _A, _B, _C = 5, 3.4445, -4.7750, 2.0315


class Muon:
    """Steps for matrices. Their learning rate means the same whatever their shape.

    Args:
        weights: the matrices.
        lr: learning rate.
        turn_in: what the iteration is computed in; bfloat16 is enough, and fast where a processor multiplies in it.
        momentum: share of the average that a step keeps.
        decay: of the weights.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float,
        turn_in: torch.dtype = torch.float32,
        momentum: float = 0.95,
        decay: float = 0.05,
    ) -> None:
        self._turn_in = turn_in
        self.lr, self._base, self._momentum, self._decay = lr, lr, momentum, decay
        shapes: dict[torch.Size, list[nn.Parameter]] = {}
        for one in weights:
            shapes.setdefault(one.shape, []).append(one)
        self._groups = [(group, torch.zeros_like(torch.stack([w.data for w in group]))) for group in shapes.values()]

    @property
    def averages(self) -> list[Tensor]:
        """The averaged gradients."""
        return [average for _, average in self._groups]

    def set_rate(self, share: float) -> None:
        """Go on with a share of the learning rate."""
        self.lr = self._base * share

    @torch.no_grad()
    def step(self) -> None:
        """Move all weights once."""
        for group, average in self._groups:
            gradient = torch.stack([one.grad for one in group if one.grad is not None])
            average.lerp_(gradient, 1 - self._momentum)
            move = orthogonal(gradient.lerp(average, self._momentum).to(self._turn_in)).to(gradient.dtype)
            rows, columns = move.shape[-2:]
            move *= max(1.0, rows / columns) ** 0.5
            for one, by in zip(group, move, strict=True):
                one.mul_(1 - self.lr * self._decay).sub_(by, alpha=self.lr)


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices ``(count, rows, columns)`` with singular values near one."""
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        square = x @ x.mT
        x = _A * x + (_B * square + _C * square @ square) @ x
    return x.mT if is_tall else x


class Optimizer:
    """Both together, with one schedule."""

    def __init__(
        self,
        network: nn.Module,
        turn_in: torch.dtype = torch.float32,
        matrix_lr: float = 0.02,
        other_lr: float = 3e-3,
    ) -> None:
        named = list(network.named_parameters())
        matrices = [weights for name, weights in named if weights.ndim == 2 and "embed" not in name]
        others = [weights for name, weights in named if weights.ndim != 2 or "embed" in name]
        self._muon = Muon(matrices, matrix_lr, turn_in)
        self._adam: Any = torch.optim.AdamW(others, lr=other_lr, betas=(0.9, 0.95), weight_decay=0.01)
        self._other_lr = other_lr

    def step(self, share: float) -> None:
        """Move all weights once, with a share of the learning rates."""
        self._muon.set_rate(share)
        self._muon.step()
        for group in self._adam.param_groups:
            group["lr"] = self._other_lr * share
        self._adam.step()

    def state(self) -> dict[str, Any]:
        """Return what a run needs to go on."""
        return {"averages": self._muon.averages, "adam": self._adam.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for mine, kept in zip(self._muon.averages, state["averages"], strict=True):
            mine.copy_(kept)
        self._adam.load_state_dict(state["adam"])
