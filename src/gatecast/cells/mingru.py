"""minGRU: a GRU whose gates do not read the state, so that training runs over all time in parallel.

    z = sigmoid(W_z x + b_z)                how much of the candidate is written
    n = W_n x + b_n                         the candidate
    h' = (1 - z) * h + z * n

L. Feng, F. Tung, M. O. Ahmed, Y. Bengio & H. Hajimirsadeghi, "Were RNNs all we needed?" (2024), arXiv 2410.01201,
section 3.1.  Mind z: here it is the share of the *new* value, as in Chung et al. 2014; in torch.nn.GRU and in our GRU
it is the share of the old one.  The paper's appendix B keeps the state positive so that its scan can work on
logarithms; ours works on the values themselves and needs no such limit.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from gatecast.cells.cell import PlainCell
from gatecast.cells.equations import Gates
from gatecast.cells.scanning import ScanEquations


@final
@dataclass(frozen=True)
class MinGRUEquations(ScanEquations):
    """h' = (1 - z) * h + z * n."""

    blocks: ClassVar = ("z", "n")
    gates: ClassVar = {"z": (0.0, 1.0), "n": (-inf, inf)}
    keeps: ClassVar = {"z": -1}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Two blocks of rows, and nothing recurrent."""
        return {"weight_ih": (2 * hidden_size, input_size), "bias_ih": (2 * hidden_size,)}

    def kept(self, gates: Gates) -> Tensor:
        """The share of the old state in the new one: 1 - z."""
        return 1 - gates["z"]

    def gates_of(self, wx: Float[Tensor, "*lead rows"]) -> Gates:
        """The gates z and n."""
        z, n = wx.chunk(2, dim=-1)  # each (..., H)
        return {"z": torch.sigmoid(z), "n": n}

    def coefficients(self, gates: Gates) -> tuple[Tensor, Tensor]:
        """The factors 1 - z and the additions z * n."""
        z, n = gates["z"], gates["n"]
        return 1 - z, z * n


@final
class MinGRUCell(PlainCell):
    """One step of the minGRU: `h = cell(x, h)`."""

    kind: ClassVar = MinGRUEquations
