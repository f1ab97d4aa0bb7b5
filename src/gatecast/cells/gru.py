"""The gated recurrent unit, in both published forms.

    r = sigmoid(W_r x + b_r + U_r h + c_r)      how much of the past the candidate reads
    z = sigmoid(W_z x + b_z + U_z h + c_z)      how much of the past is kept
    n = tanh(W_n x + b_n + r * (U_n h + c_n))   reset_after=True:  arXiv 1406.1078v1, cuDNN, torch.nn.GRU
    n = tanh(W_n x + b_n + U_n (r * h) + c_n)   reset_after=False: arXiv 1406.1078v3 and most textbooks
    h' = (1 - z) * n + z * h

K. Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), arXiv 1406.1078.  J. Chung et al.
(2014), arXiv 1412.3555, and many texts swap the roles of z and 1 - z: h' = (1 - z) * h + z * n.  To read theirs, put
1 - z for z: since 1 - sigmoid(a) = sigmoid(-a), the rows of W_z, U_z and both biases change their sign.

The two forms are different functions of the same weights: weights trained in one are wrong in the other.  Gates lie in
torch.nn's order r, z, n (Keras has z, r, n).
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn.functional import linear

from gatecast.cells.cell import Cell
from gatecast.cells.equations import Equations, Gates, States, Weights, dense_shapes


@final
@dataclass(frozen=True)
class GRUEquations(Equations):
    """h' = (1 - z) * n + z * h; `reset_after` says where r acts."""

    reset_after: bool = True
    blocks: ClassVar = ("r", "z", "n")
    gates: ClassVar = {"r": (0.0, 1.0), "z": (0.0, 1.0), "n": (-1.0, 1.0)}
    keeps: ClassVar = {"z": 1}

    def shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Three blocks of rows."""
        return dense_shapes(3, input_size, hidden_size)

    def kept(self, gates: Gates) -> Tensor:
        """The share of the old state in the new one: z."""
        return gates["z"]

    def step(self, wx: Tensor, states: States, weights: Weights) -> tuple[States, Gates]:
        """The next state and the gates r, z, n."""
        (h,) = states
        r, z, n = self._gates(wx, h, weights)
        return ((1 - z) * n + z * h,), {"r": r, "z": z, "n": n}

    def _gates(self, wx: Tensor, h: Tensor, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
        size = h.shape[-1]
        if self.reset_after:
            Uh = linear(h, weights.U, weights.c)  # (B, 3 H)
            r, z = torch.sigmoid(wx[..., : 2 * size] + Uh[..., : 2 * size]).chunk(2, dim=-1)  # each (B, H)
            return r, z, torch.tanh(wx[..., 2 * size :] + r * Uh[..., 2 * size :])
        U_rz, U_n = weights.U[: 2 * size], weights.U[2 * size :]
        c_rz, c_n = (None, None) if weights.c is None else (weights.c[: 2 * size], weights.c[2 * size :])
        r, z = torch.sigmoid(wx[..., : 2 * size] + linear(h, U_rz, c_rz)).chunk(2, dim=-1)  # each (B, H)
        return r, z, torch.tanh(wx[..., 2 * size :] + linear(r * h, U_n, c_n))


@final
class GRUCell(Cell):
    """One step of the GRU: `h = cell(x, h)`.

    With `reset_after=True`, the default, a drop-in for torch.nn.GRUCell in call, numbers and state_dict.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,  # noqa: FBT001, FBT002 - torch.nn's order
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        reset_after: bool = True,
    ) -> None:
        super().__init__(GRUEquations(reset_after), input_size, hidden_size, bias=bias, device=device, dtype=dtype)
