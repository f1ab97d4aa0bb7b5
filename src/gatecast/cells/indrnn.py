"""The independently recurrent net: a unit reads of the past only itself.

    h' = relu(W x + b + u * h)              u is a vector; or tanh in place of relu

S. Li, W. Li, C. Cook, C. Zhu & Y. Gao, "Independently recurrent neural network", CVPR 2018, arXiv 1803.04831, eq. 4.
Over T steps a unit multiplies its past by u^T, so |u| <= 2^(1/T) keeps it from growing past 2 (section 4.1); u is
drawn from U(0, 1) at first.  Units meet only in the next layer: stack two or more.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from gatecast.cells.cell import Cell
from gatecast.cells.elman import Nonlinearity
from gatecast.cells.equations import Equations, Gates, States, Weights


@final
@dataclass(frozen=True)
class IndRNNEquations(Equations):
    """h' = relu(W x + b + u * h)."""

    nonlinearity: Nonlinearity = "relu"
    blocks: ClassVar = ("h",)
    gates: ClassVar = {}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """The recurrent weights are one number for each unit."""
        return {"weight_ih": (hidden_size, input_size), "weight_hh": (hidden_size,), "bias_ih": (hidden_size,)}

    def bounds(self, name: str, hidden_size: int) -> tuple[float, float]:
        """U(0, 1) for u, torch.nn's range for the others."""
        return (0.0, 1.0) if name == "weight_hh" else super().bounds(name, hidden_size)

    def step(self, wx: Tensor, states: States, weights: Weights) -> tuple[States, Gates]:
        """The next state; there are no gates."""
        (h,) = states
        u = weights.U  # (H,)
        activate = torch.relu if self.nonlinearity == "relu" else torch.tanh
        return (activate(wx + u * h),), {}


@final
class IndRNNCell(Cell):
    """One step of the IndRNN: `h = cell(x, h)`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,  # noqa: FBT001, FBT002 - torch.nn's order
        nonlinearity: Nonlinearity = "relu",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(IndRNNEquations(nonlinearity), input_size, hidden_size, bias=bias, device=device, dtype=dtype)
