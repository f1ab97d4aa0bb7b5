"""sLSTM of the xLSTM: exponential input gate, normalised and stabilised.

    i~, f~, z~, o~ = W x + b + U h              four blocks
    z = tanh(z~),  o = sigmoid(o~)              the candidate, and how much is shown
    m' = max(log sigmoid(f~) + m, i~)           the stabiliser: the largest exponent so far
    i = exp(i~ - m')                            how much is written, in units of exp(m')
    f = exp(log sigmoid(f~) + m - m')           how much is kept, in the same units
    c' = f * c + i * z                          the cell state
    n' = f * n + i                              its normaliser
    h' = o * c' / n'

M. Beck et al., "xLSTM: Extended long short-term memory" (2024), arXiv 2405.04517, eqs. 8 to 17, with the sigmoid of
the two forget gates that the paper offers.  Without m the exponential overflows; with it h' is the same, because c' and
n' carry the same factor exp(-m').  A state of zeros has n = 0, "nothing seen yet": then m' = i~, whatever m is.  Dense
recurrent weights: the paper's block-diagonal form with one head.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn.functional import linear, logsigmoid

from gatecast.cells.cell import PlainCell
from gatecast.cells.equations import Equations, Gates, States, Weights


@final
@dataclass(frozen=True)
class SLSTMEquations(Equations):
    """h' = o * c' / n', with c' and n' in units of exp(m')."""

    blocks: ClassVar = ("i", "f", "z", "o")
    gates: ClassVar = {"i": (0.0, 1.0), "f": (0.0, 1.0), "z": (-1.0, 1.0), "o": (0.0, 1.0)}
    states: ClassVar = ("h", "c", "n", "m")
    learnable: ClassVar = ("h",)  # before anything is seen, n = 0 hides c and m
    mixable: ClassVar = ("h",)  # c, n and m are in units of one another
    keeps: ClassVar = {"f": 1, "i": -1}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Four blocks of rows, one bias."""
        rows = 4 * hidden_size
        return {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size), "bias_ih": (rows,)}

    def kept(self, gates: Gates) -> Tensor:
        """The share of the old c in the new one: f, in units in which the newest input has the weight i."""
        return gates["f"]

    def step(self, wx: Tensor, states: States, weights: Weights) -> tuple[States, Gates]:
        """(h', c', n', m') and the gates i, f, z, o, of which i and f are the stabilised ones."""
        h, c, n, m = states
        log_i, f, z, o = (wx + linear(h, weights.U)).chunk(4, dim=-1)  # each (B, H)
        z, o = torch.tanh(z), torch.sigmoid(o)
        kept = logsigmoid(f) + m
        m = torch.where(n == 0, log_i, torch.maximum(kept, log_i))
        i = torch.exp(log_i - m)
        f = torch.where(n == 0, torch.zeros_like(kept), torch.exp(torch.minimum(kept - m, torch.zeros_like(kept))))
        c, n = f * c + i * z, f * n + i
        return (o * c / n, c, n, m), {"i": i, "f": f, "z": z, "o": o}


@final
class SLSTMCell(PlainCell):
    """One step of the sLSTM: `h, c, n, m = cell(x, (h, c, n, m))`."""

    kind: ClassVar = SLSTMEquations
