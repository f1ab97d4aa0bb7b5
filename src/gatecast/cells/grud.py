"""GRU-D: a gated recurrent unit whose memory fades while nothing is seen.

    d = exp(-max(0, W_d x + b_d))               how much of the past is left after the wait
    h^ = d * h
    r = sigmoid(W_r x + b_r + U_r h^)           how much of the past the candidate reads
    z = sigmoid(W_z x + b_z + U_z h^)           how much of the past is kept
    n = tanh(W_n x + b_n + U_n (r * h^))
    h' = (1 - z) * n + z * h^

Z. Che et al., "Recurrent neural networks for multivariate time series with missing values" (2018), Scientific Reports
8:6085, arXiv 1606.01865; z is theirs turned round, as in `gatecast.cells.gru`.

The input is three things beside each other: the values, whether each was observed (1 or 0), and the time since it was
last observed before (`gatecast.data.missing`).  In the paper d reads that time alone, and the other gates read the
values and the flags: here every gate reads all of it, and the paper's cell is the one whose other columns are zero.
The paper also lets a missing value itself fade to the mean before the gates read it.  That is no part of this
recurrence, because it does not need h: whoever makes the input may do it, and values that are only carried forward are
the case without.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn.functional import linear

from gatecast.cells.cell import PlainCell
from gatecast.cells.equations import Equations, Gates, States, Weights


@final
@dataclass(frozen=True)
class GRUDEquations(Equations):
    """h' = (1 - z) * n + z * d * h."""

    blocks: ClassVar = ("r", "z", "n", "d")
    recurrent_blocks: ClassVar = ("r", "z", "n")
    gates: ClassVar = {"r": (0.0, 1.0), "z": (0.0, 1.0), "n": (-1.0, 1.0), "d": (0.0, 1.0)}
    keeps: ClassVar = {"z": 1}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Four blocks of rows, of which d has no recurrent weights; one bias."""
        rows = 4 * hidden_size
        return {"weight_ih": (rows, input_size), "weight_hh": (3 * hidden_size, hidden_size), "bias_ih": (rows,)}

    def kept(self, gates: Gates) -> Tensor:
        """The share of the old state in the new one: z, of what d leaves of it."""
        return gates["z"] * gates["d"]

    def step(self, wx: Tensor, states: States, weights: Weights) -> tuple[States, Gates]:
        """The next state and the gates r, z, n, d."""
        (h,) = states
        size = h.shape[-1]
        d = torch.exp(-torch.relu(wx[..., 3 * size :]))
        h = d * h
        r, z = torch.sigmoid(wx[..., : 2 * size] + linear(h, weights.U[: 2 * size])).chunk(2, dim=-1)  # each (B, H)
        n = torch.tanh(wx[..., 2 * size : 3 * size] + linear(r * h, weights.U[2 * size :]))
        return ((1 - z) * n + z * h,), {"r": r, "z": z, "n": n, "d": d}


@final
class GRUDCell(PlainCell):
    """One step of the GRU-D: `h = cell(x, h)`, x being values, flags and times since seen beside each other."""

    kind: ClassVar = GRUDEquations
