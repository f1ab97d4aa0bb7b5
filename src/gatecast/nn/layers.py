"""Layers over the cells that torch.nn does not have, called as torch.nn's: `output, state = layer(x, state)`."""

from typing import Any, final

from torch import Tensor

from gatecast.cells.elman import Nonlinearity
from gatecast.cells.equations import States
from gatecast.cells.grud import GRUDEquations
from gatecast.cells.indrnn import IndRNNEquations
from gatecast.cells.mingru import MinGRUEquations
from gatecast.cells.minlstm import MinLSTMEquations
from gatecast.cells.slstm import SLSTMEquations
from gatecast.nn.backend import run_by_kernel
from gatecast.nn.sequences import Given
from gatecast.nn.stacking import Stack, run_stack


class CalledStack(Stack):
    """A stack with its call: by a kernel where one takes it (`gatecast.nn.explain_backend` tells), else by its cell."""

    def forward(self, x: Given, state: Tensor | States | None = None) -> tuple[Given, Tensor | States]:
        """The output at every step, and the state after the last one."""
        done = run_by_kernel(self, x, state)
        if done is not None:
            return done
        output, after, *_ = run_stack(self, x, state)
        return output, after


@final
class MinGRU(CalledStack):
    """The minGRU, over all time in parallel; arguments as for torch.nn.GRU.  Equations: `gatecast.cells.mingru`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as for torch.nn.GRU
        super().__init__(*args, equations=MinGRUEquations(), **kwargs)


@final
class MinLSTM(CalledStack):
    """The minLSTM, over all time in parallel; arguments as for torch.nn.GRU.  Equations: `gatecast.cells.minlstm`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as for torch.nn.GRU
        super().__init__(*args, equations=MinLSTMEquations(), **kwargs)


@final
class IndRNN(CalledStack):
    """The independently recurrent net; arguments as for torch.nn.GRU.  Equations: `gatecast.cells.indrnn`.

    Args:
        args: as for torch.nn.GRU.
        nonlinearity: `relu` or `tanh`.
        kwargs: as for torch.nn.GRU.
    """

    def __init__(self, *args: Any, nonlinearity: Nonlinearity = "relu", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, equations=IndRNNEquations(nonlinearity), **kwargs)


@final
class SLSTM(CalledStack):
    """The sLSTM; arguments as for torch.nn.GRU, states (h, c, n, m).  Equations: `gatecast.cells.slstm`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as for torch.nn.GRU
        super().__init__(*args, equations=SLSTMEquations(), **kwargs)


@final
class GRUD(CalledStack):
    """The GRU-D's decaying memory; arguments as for torch.nn.GRU.  Input and equations: `gatecast.cells.grud`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as for torch.nn.GRU
        super().__init__(*args, equations=GRUDEquations(), **kwargs)
