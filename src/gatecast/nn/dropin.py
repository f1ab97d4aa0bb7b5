"""RNN, LSTM and GRU with the constructor, call, state_dict and numbers of torch.nn.

They are torch.nn's own classes, so that `isinstance(layer, torch.nn.GRU)` holds.  A call runs by a kernel where one
takes it (`gatecast.nn.explain_backend` tells), else by torch.nn where the equations are torch's, else by the reference
cell.  The GRU takes one argument more, `reset_after`; with `reset_after=False` torch has no implementation.
"""

from copy import copy
from typing import Any, final

from torch import Tensor, nn

from gatecast.cells.elman import ElmanEquations
from gatecast.cells.equations import Equations, States
from gatecast.cells.gru import GRUEquations
from gatecast.cells.lstm import LSTMEquations
from gatecast.nn.backend import run_by_cell, run_by_kernel
from gatecast.nn.sequences import Given
from gatecast.nn.stacking import run_stack

Result = tuple[Given, Tensor | States]


def torch_twin(module: nn.Module) -> nn.Module:
    """The same weights and settings as the class of torch.nn that a module's class derives from.

    It is what torch.jit.script gets, which compiles the source of a class and knows neither kernels nor super().
    """
    twin = copy(module)
    twin.__class__ = type(module).__bases__[0]
    return twin


@final
class RNN(nn.RNN):
    """Elman's net; arguments, shapes and numbers as torch.nn.RNN.  Equations: `gatecast.cells.elman`."""

    @property
    def equations(self) -> Equations:
        """What is computed."""
        return ElmanEquations("relu" if self.nonlinearity == "relu" else "tanh")

    def __prepare_scriptable__(self) -> nn.Module:
        """What torch.jit.script compiles."""
        return torch_twin(self)

    def forward(self, input: Given, hx: Tensor | None = None) -> Result:  # type: ignore[override]  # noqa: A002
        """The output at every step, and the state after the last one."""
        return run_by_kernel(self, input, hx) or run_by_cell(self, input, hx) or super().forward(input, hx)


@final
class LSTM(nn.LSTM):
    """The LSTM; arguments, shapes and numbers as torch.nn.LSTM.  Equations: `gatecast.cells.lstm`."""

    @property
    def equations(self) -> Equations:
        """What is computed."""
        return LSTMEquations(self.proj_size)

    def __prepare_scriptable__(self) -> nn.Module:
        """What torch.jit.script compiles."""
        return torch_twin(self)

    def forward(self, input: Given, hx: States | None = None) -> Result:  # type: ignore[override]  # noqa: A002
        """The output at every step, and the states (h, c) after the last one."""
        return run_by_kernel(self, input, hx) or run_by_cell(self, input, hx) or super().forward(input, hx)  # type: ignore[arg-type]


@final
class GRU(nn.GRU):
    """The GRU in both published forms; with `reset_after=True`, the default, shapes and numbers as torch.nn.GRU.

    Args:
        args: as for torch.nn.GRU.
        reset_after: whether r acts after the recurrent product (arXiv 1406.1078v1, cuDNN, torch.nn) or before it
            (arXiv 1406.1078v3 and most textbooks).  Equations: `gatecast.cells.gru`.
        kwargs: as for torch.nn.GRU.
    """

    def __init__(self, *args: Any, reset_after: bool = True, **kwargs: Any) -> None:  # noqa: ANN401 - torch.nn's
        super().__init__(*args, **kwargs)
        self.reset_after = reset_after

    @property
    def equations(self) -> Equations:
        """What is computed."""
        return GRUEquations(self.reset_after)

    def __prepare_scriptable__(self) -> nn.Module:
        """What torch.jit.script compiles; with `reset_after=False` it cannot."""
        return torch_twin(self) if self.reset_after else self

    def forward(self, input: Given, hx: Tensor | None = None) -> Result:  # type: ignore[override]  # noqa: A002
        """The output at every step, and the state after the last one."""
        done = run_by_kernel(self, input, hx) or run_by_cell(self, input, hx)
        if done is not None:
            return done
        if self.reset_after:
            return super().forward(input, hx)
        output, after, *_ = run_stack(self, input, hx)
        return output, after

    def extra_repr(self) -> str:
        """As torch.nn's, and the convention where it is not torch.nn's."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")
