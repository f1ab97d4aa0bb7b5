"""One call for every kernel: those that go unit by unit run their own road."""

from torch import Tensor

from gatecast.cells.equations import States, Weights
from gatecast.cells.unrolling import Unrolled
from gatecast.kernels import calling, function, scan_calling
from gatecast.kernels.calling import Prepared
from gatecast.kernels.registry import Kernel
from gatecast.kernels.scanning import run_scan


def run_kernel(kernel: Kernel, weights: Weights, x: Tensor, states: States, *, reverse: bool = False) -> Unrolled:
    """As `gatecast.cells.unroll` with the equations of the kernel; without gates.

    Args:
        kernel: from `kernel_for`.
        weights: of the cell.
        x: the inputs, (T, B, I).
        states: before the first step, each (B, H).
        reverse: whether to run from the newest step to the oldest.

    Raises:
        ValueError: a weight, replaced or parametrized, has not the shape or the type of the equations.
    """
    run = run_scan if kernel.by_unit else function.run_kernel
    return run(kernel, weights, x, states, reverse=reverse)


def prepare(kernel: Kernel, weights: Weights, batch: int) -> Prepared:
    """A step of one layer with its weights as they are now."""
    if kernel.by_unit:
        return scan_calling.prepare(kernel, weights, batch)
    return calling.prepare(kernel.name, weights, batch)
