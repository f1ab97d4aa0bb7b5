"""The long short-term memory, with the forget gate.

    i = sigmoid(W_i x + b_i + U_i h + c_i)      how much of the candidate is written
    f = sigmoid(W_f x + b_f + U_f h + c_f)      how much of the cell state is kept
    g = tanh(W_g x + b_g + U_g h + c_g)         the candidate
    o = sigmoid(W_o x + b_o + U_o h + c_o)      how much of the cell state is shown
    c' = f * c + i * g
    h' = o * tanh(c')                           with a projection: h' = P (o * tanh(c'))

S. Hochreiter & J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); the forget gate is of F. Gers,
J. Schmidhuber & F. Cummins, "Learning to forget", Neural Computation 12 (2000); the projection of H. Sak, A. Senior &
F. Beaufays (2014), arXiv 1402.1128.  No peepholes.  Gates lie in torch.nn's order i, f, g, o.  The bias vector c of
the equations and the cell state c are told apart by their places.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn.functional import linear

from gatecast.cells.cell import PlainCell
from gatecast.cells.equations import Equations, Gates, States, Weights, dense_shapes


@final
@dataclass(frozen=True)
class LSTMEquations(Equations):
    """c' = f * c + i * g and h' = o * tanh(c'); h has `proj_size` units where that is not 0."""

    proj_size: int = 0
    blocks: ClassVar = ("i", "f", "g", "o")
    gates: ClassVar = {"i": (0.0, 1.0), "f": (0.0, 1.0), "g": (-1.0, 1.0), "o": (0.0, 1.0)}
    states: ClassVar = ("h", "c")
    keeps: ClassVar = {"f": 1, "i": -1}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Four blocks of rows; the recurrent matrix reads h, which a projection makes narrower."""
        shapes = dense_shapes(4, input_size, hidden_size)
        if not self.proj_size:
            return shapes
        return shapes | {
            "weight_hh": (4 * hidden_size, self.proj_size),
            "weight_hr": (self.proj_size, hidden_size),
        }

    def kept(self, gates: Gates) -> Tensor:
        """The share of the old c in the new one: f."""
        return gates["f"]

    def state_sizes(self, hidden_size: int) -> tuple[int, ...]:
        """Of h and of c."""
        return (self.proj_size or hidden_size, hidden_size)

    def step(self, wx: Tensor, states: States, weights: Weights) -> tuple[States, Gates]:
        """(h', c') and the gates i, f, g, o."""
        h, c = states
        i, f, g, o = (wx + linear(h, weights.U, weights.c)).chunk(4, dim=-1)  # each (B, H)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        if weights.P is not None:
            h = linear(h, weights.P)  # (B, proj_size)
        return (h, c), {"i": i, "f": f, "g": g, "o": o}


@final
class LSTMCell(PlainCell):
    """One step of the LSTM; drop-in for torch.nn.LSTMCell in call and state_dict: `h, c = cell(x, (h, c))`."""

    kind: ClassVar = LSTMEquations
