"""The one seam between a cell and its kernel: a faster road, or the reason why there is none."""

from ctypes import CDLL
from dataclasses import dataclass

import torch

from gatecast.cells.elman import ElmanEquations
from gatecast.cells.equations import Equations
from gatecast.cells.gru import GRUEquations
from gatecast.cells.indrnn import IndRNNEquations
from gatecast.cells.lstm import LSTMEquations
from gatecast.cells.mingru import MinGRUEquations
from gatecast.cells.minlstm import MinLSTMEquations
from gatecast.kernels.library import library

SCANS: dict[type[Equations], str] = {MinGRUEquations: "mingru", MinLSTMEquations: "minlstm"}


@dataclass(frozen=True)
class Kernel:
    """A compiled recurrence.

    Attributes:
        name: that its functions have in the library.
        equations: what it computes.
    """

    name: str
    equations: Equations

    @property
    def by_unit(self) -> bool:
        """Whether a unit reads no other unit's state, so that the kernel is one of `scanning.py`."""
        return isinstance(self.equations, (*SCANS, IndRNNEquations))


def kernel_for(equations: Equations, device: torch.device, dtype: torch.dtype) -> Kernel | str:
    """The kernel for these equations, or the reason why there is none.

    Args:
        equations: of the cell.
        device: where the tensors lie.
        dtype: of the tensors.
    """
    loaded = library()
    if not isinstance(loaded, CDLL):
        return loaded
    if device.type != "cpu":
        return f"kernels run on the cpu, and the tensors lie on {device.type}"
    if dtype != torch.float32:
        return f"kernels compute in float32, and the tensors are {str(dtype).removeprefix('torch.')}"
    name = _name(equations)
    return Kernel(name, equations) if name else f"there is no kernel for {equations}"


def _name(equations: Equations) -> str | None:
    if isinstance(equations, GRUEquations) and equations.reset_after:
        return "gru"
    if isinstance(equations, LSTMEquations) and not equations.proj_size:
        return "lstm"
    if isinstance(equations, ElmanEquations):
        return f"elman_{equations.nonlinearity}"
    if isinstance(equations, IndRNNEquations):
        return f"indrnn_{equations.nonlinearity}"
    return SCANS.get(type(equations))
