"""Every cell by name, and the equations of any recurrent module."""

from collections.abc import Mapping
from types import MappingProxyType

from torch import nn

from gatecast.cells.cell import Cell
from gatecast.cells.elman import ElmanCell, ElmanEquations
from gatecast.cells.equations import Equations
from gatecast.cells.gru import GRUCell, GRUEquations
from gatecast.cells.grud import GRUDCell
from gatecast.cells.indrnn import IndRNNCell
from gatecast.cells.lstm import LSTMCell, LSTMEquations
from gatecast.cells.mingru import MinGRUCell
from gatecast.cells.minlstm import MinLSTMCell
from gatecast.cells.slstm import SLSTMCell
from gatecast.errors import OptionError

CELL_TYPES: Mapping[str, type[Cell]] = MappingProxyType(
    {
        "rnn": ElmanCell,
        "lstm": LSTMCell,
        "gru": GRUCell,
        "mingru": MinGRUCell,
        "minlstm": MinLSTMCell,
        "indrnn": IndRNNCell,
        "slstm": SLSTMCell,
        "grud": GRUDCell,
    }
)
"""The cells by their names, which are those of `--cell`."""


def equations_of(module: nn.Module) -> Equations:
    """The equations that a cell or layer computes, ours or torch.nn's.

    Raises:
        OptionError: the module is not recurrent.
    """
    own = getattr(module, "equations", None)
    if isinstance(own, Equations):
        return own
    if isinstance(module, nn.RNN | nn.RNNCell):
        return ElmanEquations("relu" if module.nonlinearity == "relu" else "tanh")
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        return LSTMEquations(getattr(module, "proj_size", 0))
    if isinstance(module, nn.GRU | nn.GRUCell):
        return GRUEquations()
    raise OptionError(f"{type(module).__name__} is not a recurrent cell or layer; give one of gatecast.nn or torch.nn.")
