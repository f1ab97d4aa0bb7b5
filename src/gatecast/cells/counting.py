"""How many parameters a stack of recurrent layers has.

For the GRU of torch.nn, with h units, i inputs and two biases: 3h(i + h) + 6h in the first layer and 3h(2h) + 6h in
each above it, whose input is the h units below.  Bidirectional layers count twice, and read 2h units above the first.

The formula `layers x 3 x n x (m + n)` of many tutorials forgets both bias vectors, and takes every layer's input to be
as wide as the first one's: GRU(10, 64, num_layers=2) has 14,592 + 24,960 = 39,552 parameters, not 28,416.
"""

from math import prod

from gatecast.cells.cell import check_sizes
from gatecast.cells.equations import Equations


def count_parameters(
    equations: Equations,
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    *,
    bidirectional: bool = False,
    bias: bool = True,
) -> int:
    """Parameters of a stack, without building it.

    Args:
        equations: of the cell, such as `GRUEquations()`.
        input_size: features of the first layer's input.
        hidden_size: units of each layer.
        num_layers: layers on top of each other.
        bidirectional: whether each layer also runs backwards.
        bias: whether the gates have biases.

    Raises:
        OptionError: a size is below 1.
    """
    check_sizes(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
    directions = 2 if bidirectional else 1
    above = directions * equations.state_sizes(hidden_size)[0]
    inputs = [input_size] + [above] * (num_layers - 1)
    return directions * sum(_count_layer(equations, size, hidden_size, bias=bias) for size in inputs)


def _count_layer(equations: Equations, input_size: int, hidden_size: int, *, bias: bool) -> int:
    shapes = equations.shapes(input_size, hidden_size)
    return sum(prod(shape) for name, shape in shapes.items() if bias or not name.startswith("bias"))
