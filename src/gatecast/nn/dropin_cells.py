"""RNNCell, LSTMCell and GRUCell with the constructor, call, state_dict and numbers of torch.nn: one step at a time.

They are torch.nn's own classes, so that `isinstance(cell, torch.nn.GRUCell)` holds, and torch.nn's own step runs.  A
kernel would have to pack the weights at every call, because they may have changed, and for one step of up to some
hundred rows that takes longer than it saves; `gatecast.nn.stepper` packs them once.  The GRUCell takes one argument
more, `reset_after`; with `reset_after=False` torch has no implementation, and the reference equations run.
"""

from typing import Any, final

import torch
from torch import Tensor, nn

from gatecast.cells.cell import take_step
from gatecast.cells.equations import Equations, States
from gatecast.cells.gru import GRUEquations
from gatecast.cells.lstm import LSTMEquations
from gatecast.kernels import is_transformed
from gatecast.nn.dropin import torch_twin


@final
class RNNCell(nn.RNNCell):
    """One step of Elman's net: `h = cell(x, h)`.

    Arguments, errors and numbers as torch.nn.RNNCell, whose step runs.  Shapes: x is (B, I) or (I,), h is (B, H) or
    (H,).  Equations: `gatecast.cells.elman`.
    """


@final
class LSTMCell(nn.LSTMCell):
    """One step of the LSTM: `h, c = cell(x, (h, c))`.

    Arguments, errors and numbers as torch.nn.LSTMCell, whose step runs; under torch.vmap, which cannot map that step,
    the reference equations run.  Shapes: x is (B, I) or (I,), h and c are (B, H) or (H,).  Equations:
    `gatecast.cells.lstm`.
    """

    def __prepare_scriptable__(self) -> nn.Module:
        """What torch.jit.script compiles."""
        return torch_twin(self)

    def forward(self, input: Tensor, hx: States | None = None) -> States:  # type: ignore[override]  # noqa: A002
        """The states after one step."""
        if not torch.compiler.is_compiling() and is_transformed():
            return take_step(self, LSTMEquations(), input, hx)[0]
        return super().forward(input, hx)  # type: ignore[arg-type]


@final
class GRUCell(nn.GRUCell):
    """One step of the GRU in both published forms, `h = cell(x, h)`.

    With `reset_after=True`, the default, arguments, errors and numbers as torch.nn.GRUCell, whose step runs; with False
    the reference equations run, which torch.jit.script cannot compile.  Shapes: x is (B, I) or (I,), h is (B, H) or
    (H,).  Equations: `gatecast.cells.gru`.

    Args:
        args: as for torch.nn.GRUCell.
        reset_after: whether r acts after the recurrent product (arXiv 1406.1078v1, cuDNN, torch.nn) or before it
            (arXiv 1406.1078v3 and most textbooks).
        kwargs: as for torch.nn.GRUCell.

    Raises:
        ValueError: x or h has a wrong number of dimensions, or, with `reset_after=False`, a wrong size.
        RuntimeError: a size or type does not fit; torch.nn's own words.
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

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:  # noqa: A002 - torch.nn's name
        """The state after one step."""
        if self.reset_after:
            return super().forward(input, hx)
        (h,), _ = take_step(self, self.equations, input, hx)
        return h

    def extra_repr(self) -> str:
        """As torch.nn's, and the convention where it is not torch.nn's."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")
