"""Ways to run one layer that are one pass to the caller, with more or less of what moved in it.

OWN_CALL      the layer's own call: output and state, by its kernel where one takes it
EXACTLY       the cell's own steps, with gates and every state; slow, and gradients flow through it to any order
QUICKLY       the layer's kernel, which hands out its gates; without gradients
"""

from dataclasses import dataclass
from typing import final

from torch import Tensor

from gatecast.cells import NOTHING_MORE, Keep
from gatecast.cells.equations import States
from gatecast.kernels import Kernel
from gatecast.nn.backend import kernel_of_call
from gatecast.nn.sequences import Given
from gatecast.nn.stacking import Layer, Trace, run_stack


@final
@dataclass(frozen=True)
class Way:
    """How a layer is run.

    Attributes:
        keep: what is handed out beside output and state.
        exact: by the cell's own steps in any case.
    """

    keep: Keep = NOTHING_MORE
    exact: bool = False

    def run(self, layer: Layer, x: Given, state: Tensor | States | None) -> Trace:
        """One pass of a layer."""
        if not self.exact and not any(self.keep):
            output, after = layer(x, state)
            return Trace(output, after, {}, {}, {})
        kernel = None if self.exact else _kernel(layer, x, state)
        if kernel is None:
            return run_stack(layer, x, state, keep=self.keep)
        return run_stack(layer, x, state, keep=self.keep, by=kernel)


def _kernel(layer: Layer, x: Given, state: Tensor | States | None) -> Kernel | None:
    """The kernel of a call, if there is one; of packed sequences none hands out gates."""
    if not isinstance(x, Tensor):
        return None
    found = kernel_of_call(layer, x, state)
    return found if isinstance(found, Kernel) else None


OWN_CALL = Way()
EXACTLY = Way(Keep(gates=True, history=True), exact=True)
QUICKLY = Way(Keep(gates=True))
