"""minLSTM: an LSTM whose gates do not read the state, so that training runs over all time in parallel.

    f = sigmoid(W_f x + b_f)                how much of the past is kept, before ...
    i = sigmoid(W_i x + b_i)                how much of the candidate is written, before ...
    f', i' = f / (f + i), i / (f + i)       ... both are made to sum to 1
    g = W_g x + b_g                         the candidate
    h' = f' * h + i' * g

L. Feng, F. Tung, M. O. Ahmed, Y. Bengio & H. Hajimirsadeghi, "Were RNNs all we needed?" (2024), arXiv 2410.01201,
section 3.2.  The gates handed out as f and i are the normalised ones, those that act.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from gatecast.cells.cell import PlainCell
from gatecast.cells.equations import Gates
from gatecast.cells.scanning import ScanEquations


@final
@dataclass(frozen=True)
class MinLSTMEquations(ScanEquations):
    """h' = f' * h + i' * g with f' + i' = 1."""

    blocks: ClassVar = ("f", "i", "g")
    gates: ClassVar = {"f": (0.0, 1.0), "i": (0.0, 1.0), "g": (-inf, inf)}
    keeps: ClassVar = {"f": 1, "i": -1}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Three blocks of rows, and nothing recurrent."""
        return {"weight_ih": (3 * hidden_size, input_size), "bias_ih": (3 * hidden_size,)}

    def kept(self, gates: Gates) -> Tensor:
        """The share of the old state in the new one: f."""
        return gates["f"]

    def gates_of(self, wx: Float[Tensor, "*lead rows"]) -> Gates:
        """The gates f', i' and g.

        In it, f / (f + i) is the sigmoid of log f - log i, which is a number where both gates are too small to divide.
        """
        f, i, g = wx.chunk(3, dim=-1)  # each (..., H)
        difference = logsigmoid(f) - logsigmoid(i)
        return {"f": torch.sigmoid(difference), "i": torch.sigmoid(-difference), "g": g}

    def coefficients(self, gates: Gates) -> tuple[Tensor, Tensor]:
        """The factors f' and the additions i' * g."""
        return gates["f"], gates["i"] * gates["g"]


@final
class MinLSTMCell(PlainCell):
    """One step of the minLSTM: `h = cell(x, h)`; unlike the LSTM it has one state."""

    kind: ClassVar = MinLSTMEquations
