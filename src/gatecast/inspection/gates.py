"""What the gates of a layer do over time: how far open they are, where they are stuck, and which units never move."""

from collections.abc import Sequence
from math import isfinite

import numpy as np
from torch import Tensor

from gatecast.cells import equations_of
from gatecast.cells.equations import Equations, States
from gatecast.inspection.capturing import Recurrent
from gatecast.inspection.results import GateSummary, LayerGates
from gatecast.nn import Trace, watch
from gatecast.nn.sequences import Given
from gatecast.nn.stacked import RecurrentStack

NEAR = 0.1  # of a gate's range: closer to an end it is saturated (Karpathy et al. 2015, arXiv 1506.02078, section 4.2)
STILL = 1e-4  # a unit whose output moves less than this share of the layer's largest is dead


def layer_gates(layer: Recurrent, x: Given, state: Tensor | States | None = None) -> tuple[LayerGates, ...]:
    """The gates of each layer and direction over the first sequence of a batch.

    Args:
        layer: RNN, LSTM or GRU of gatecast.nn or torch.nn, or another layer of gatecast.nn.
        x: the input, in any form the layer takes.
        state: the state to start from; zeros if None.
    """
    return gates_of_trace(equations_in(layer), watch(layer, x, state))


def gates_of_trace(equations: Equations, traced: Trace) -> tuple[LayerGates, ...]:
    """The gates that a pass has handed out, of its first sequence."""
    return tuple(
        LayerGates(
            name=name,
            gates={letter: _first(gate) for letter, gate in gates.items()},
            ranges={letter: equations.gates[letter] for letter in gates},
            output=_first(traced.outputs[name]),
        )
        for name, gates in traced.gates.items()
    )


def equations_in(layer: Recurrent) -> Equations:
    """The equations of the layer's cell."""
    return equations_of(layer.layer(0) if isinstance(layer, RecurrentStack) else layer)


def summarise(layers: Sequence[LayerGates]) -> tuple[GateSummary, ...]:
    """How each gate was used; a gate without ends is never saturated."""
    return tuple(_summary(layer, letter) for layer in layers for letter in layer.gates)


def _summary(layer: LayerGates, letter: str) -> GateSummary:
    gate, (low, high) = layer.gates[letter], layer.ranges[letter]
    mean = float(gate.mean(dtype=np.float64))
    if not (isfinite(low) and isfinite(high)):
        return GateSummary(layer.name, letter, mean, 0.0, 0.0)
    near = NEAR * (high - low)
    return GateSummary(layer.name, letter, mean, float((gate < low + near).mean()), float((gate > high - near).mean()))


def dead_units(layer: LayerGates) -> list[int]:
    """The units whose output does not move, beside the one that moves most."""
    spread = np.ptp(layer.output, axis=0)
    return np.flatnonzero(spread <= STILL * spread.max(initial=0.0)).tolist()


def _first(moved: Tensor) -> np.ndarray:
    return moved[:, 0].detach().numpy()
