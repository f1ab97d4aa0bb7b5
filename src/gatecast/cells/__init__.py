"""Cells: one file each, with its equations, its paper and its convention.  The slow, exact reference, in any dtype.

A *cell* takes one step: `state = cell(x, state)` with x (B, I).  A *layer* (`gatecast.nn`) runs a cell over a whole
sequence, several on top of each other, in both directions if asked: `output, state = layer(x, state)`.
"""

from gatecast.cells.catalogue import CELL_TYPES, equations_of
from gatecast.cells.cell import Cell
from gatecast.cells.counting import count_parameters
from gatecast.cells.elman import ElmanCell, ElmanEquations
from gatecast.cells.equations import Equations, Weights
from gatecast.cells.gru import GRUCell, GRUEquations
from gatecast.cells.grud import GRUDCell, GRUDEquations
from gatecast.cells.indrnn import IndRNNCell, IndRNNEquations
from gatecast.cells.lstm import LSTMCell, LSTMEquations
from gatecast.cells.mingru import MinGRUCell, MinGRUEquations
from gatecast.cells.minlstm import MinLSTMCell, MinLSTMEquations
from gatecast.cells.slstm import SLSTMCell, SLSTMEquations
from gatecast.cells.unrolling import NOTHING_MORE, Keep, Unrolled, unroll
from gatecast.cells.zoneout import zoned_out

__all__ = [
    "CELL_TYPES",
    "NOTHING_MORE",
    "Cell",
    "ElmanCell",
    "ElmanEquations",
    "Equations",
    "GRUCell",
    "GRUDCell",
    "GRUDEquations",
    "GRUEquations",
    "IndRNNCell",
    "IndRNNEquations",
    "Keep",
    "LSTMCell",
    "LSTMEquations",
    "MinGRUCell",
    "MinGRUEquations",
    "MinLSTMCell",
    "MinLSTMEquations",
    "SLSTMCell",
    "SLSTMEquations",
    "Unrolled",
    "Weights",
    "count_parameters",
    "equations_of",
    "unroll",
    "zoned_out",
]
