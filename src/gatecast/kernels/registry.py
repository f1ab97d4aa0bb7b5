"""The one seam between a cell and its kernel: a faster road, or the reason why there is none."""

from dataclasses import dataclass

import torch

from gatecast.cells.elman import ElmanEquations
from gatecast.cells.equations import Equations
from gatecast.cells.gru import GRUEquations
from gatecast.cells.indrnn import IndRNNEquations
from gatecast.cells.lstm import LSTMEquations
from gatecast.cells.mingru import MinGRUEquations
from gatecast.cells.minlstm import MinLSTMEquations
from gatecast.kernels.library import why_missing

EQUATIONS: dict[str, Equations] = {
    "gru": GRUEquations(),
    "gru_reset_before": GRUEquations(reset_after=False),
    "lstm": LSTMEquations(),
    "elman_tanh": ElmanEquations("tanh"),
    "elman_relu": ElmanEquations("relu"),
    "mingru": MinGRUEquations(),
    "minlstm": MinLSTMEquations(),
    "indrnn_tanh": IndRNNEquations("tanh"),
    "indrnn_relu": IndRNNEquations("relu"),
}


@dataclass(frozen=True)
class Kernel:
    """A compiled recurrence.

    Attributes:
        name: that its functions have in the library.
        equations: what it computes.
    """

    name: str
    equations: Equations


def kernel_for(equations: Equations, device: torch.device, dtype: torch.dtype) -> Kernel | str:
    """The kernel for these equations, or the reason why there is none.

    Args:
        equations: of the cell.
        device: where the tensors lie.
        dtype: of the tensors.
    """
    if (missing := why_missing()) is not None:
        return missing
    if device.type != "cpu":
        return f"kernels run on the cpu, and the tensors lie on {device.type}"
    if dtype != torch.float32:
        return f"kernels compute in float32, and the tensors are {str(dtype).removeprefix('torch.')}"
    for name, computed in EQUATIONS.items():
        if equations == computed:
            return Kernel(name, equations)
    return f"there is no kernel for {equations}"
