"""One step of a stack of layers, ready to be called again and again."""

from ctypes import addressof
from typing import Any, NamedTuple

from gatecast.cells.equations import Weights
from gatecast.kernels.checking import check_weights
from gatecast.kernels.library import step_function
from gatecast.kernels.packing import loaded, pack_weights
from gatecast.kernels.registry import Kernel
from gatecast.kernels.structs import Prepared, Sequence


class PreparedStep(NamedTuple):
    """One step of a stack of layers, ready to be called: `run(first, x, h, h_after)`, and c, c_after for a pair.

    Attributes:
        run: the kernel's function, which takes addresses.
        first: the address of what is prepared of the lowest layer; the others follow it.
        alive: what the addresses point to.
    """

    run: Any
    first: int
    alive: tuple[Any, ...]


def prepare(kernel: Kernel, layers: list[Weights], sizes: tuple[int, int, int]) -> PreparedStep:
    """A step of a stack with its weights as they are now.

    Args:
        kernel: from `kernel_for`.
        layers: the weights of each, lowest first.
        sizes: batch, features of x, units of each layer.

    Raises:
        ValueError: a weight, replaced or parametrized, has not the shape or the type of the equations.
    """
    batch, features, hidden = sizes
    prepared, packs = (Prepared * len(layers))(), []
    for k, weights in enumerate(layers):
        check_weights(kernel.equations, weights, features, hidden)
        packs.append(pack_weights(kernel, weights, hidden, keep=False))
        sequence = Sequence(1, batch, features, hidden, 1)
        sequence.x_row, sequence.x_feature, sequence.out_row = features, 1, hidden
        sequence.first_row[0] = sequence.first_row[1] = hidden
        prepared[k] = Prepared(sequence, packs[k].data_ptr(), len(layers) - k)
        features = hidden
    run = step_function(loaded(), kernel.name, batch * sum(len(pack) for pack in packs))
    return PreparedStep(run, addressof(prepared), (prepared, *packs))
