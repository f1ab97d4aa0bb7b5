"""Elman's simple recurrent net.

    h' = tanh(W x + b + U h + c)            or relu in place of tanh

J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990).  The two biases are torch.nn's (and cuDNN's);
only their sum matters.  relu is unbounded: with a largest eigenvalue of U above 1 the state can grow without end
(Le, Jaitly & Hinton 2015, arXiv 1504.00941, start from U = identity for it).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch
from torch import Tensor
from torch.nn.functional import linear

from gatecast.cells.cell import Cell
from gatecast.cells.equations import Equations, Gates, States, Weights, dense_shapes

Nonlinearity = Literal["tanh", "relu"]


@final
@dataclass(frozen=True)
class ElmanEquations(Equations):
    """h' = tanh(W x + b + U h + c)."""

    nonlinearity: Nonlinearity = "tanh"
    blocks: ClassVar = ("h",)
    gates: ClassVar = {}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """One block of rows."""
        return dense_shapes(1, input_size, hidden_size)

    def step(self, wx: Tensor, states: States, weights: Weights) -> tuple[States, Gates]:
        """The next state; there are no gates."""
        (h,) = states
        activate = torch.tanh if self.nonlinearity == "tanh" else torch.relu
        return (activate(wx + linear(h, weights.U, weights.c)),), {}


@final
class ElmanCell(Cell):
    """One step of Elman's net; drop-in for torch.nn.RNNCell in call and state_dict: `h = cell(x, h)`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,  # noqa: FBT001, FBT002 - torch.nn's order
        nonlinearity: Nonlinearity = "tanh",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(ElmanEquations(nonlinearity), input_size, hidden_size, bias=bias, device=device, dtype=dtype)
