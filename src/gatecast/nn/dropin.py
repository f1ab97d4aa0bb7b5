"""RNN, LSTM and GRU with the constructor, call, state_dict and numbers of torch.nn.

They are torch.nn's own classes, so that `isinstance(layer, torch.nn.GRU)` holds and torch's implementation runs
wherever the equations are torch's.  The GRU takes one argument more, `reset_after`; with `reset_after=False` torch has
no implementation, and the reference cell runs.
"""

from typing import Any, final

from torch import Tensor, nn

from gatecast.cells.equations import Equations, States
from gatecast.cells.gru import GRUEquations
from gatecast.nn.sequences import Given
from gatecast.nn.stacking import run_stack


@final
class RNN(nn.RNN):
    """Elman's net; exactly torch.nn.RNN.  Equations: `gatecast.cells.elman`."""


@final
class LSTM(nn.LSTM):
    """The LSTM; exactly torch.nn.LSTM.  Equations: `gatecast.cells.lstm`."""


@final
class GRU(nn.GRU):
    """The GRU in both published forms; with `reset_after=True`, the default, exactly torch.nn.GRU.

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

    def forward(  # type: ignore[override]  # torch.nn's has an overload for each form of the input
        self,
        input: Given,  # noqa: A002 - torch.nn's name
        hx: Tensor | None = None,
    ) -> tuple[Given, Tensor | States]:
        """The output at every step, and the state after the last one; shapes as for torch.nn.GRU."""
        if self.reset_after:
            return super().forward(input, hx)
        output, after, _ = run_stack(self, input, hx)
        return output, after

    def extra_repr(self) -> str:
        """torch.nn's, and the convention where it is not torch.nn's."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")
