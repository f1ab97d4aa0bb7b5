"""What a layer does when it is called, told: the gates that move, and the road that the call takes."""

import torch
from torch import Tensor, nn

from gatecast.cells.equations import States
from gatecast.kernels import Kernel
from gatecast.nn.backend import is_cast, kernel_of_call, uncast
from gatecast.nn.dilating import fold
from gatecast.nn.sequences import Given
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import Layer, Trace
from gatecast.nn.ways import EXACTLY, QUICKLY, Way


def trace(layer: Layer | RecurrentStack, x: Given, state: Tensor | States | None = None) -> Trace:
    """Run a layer, ours or torch.nn's, by its cell's equations, and hand out its gates and every state.

    Slow and exact: every step is the cell's own.  Gradients flow through it to any order.

    Args:
        layer: RNN, LSTM or GRU of gatecast.nn or torch.nn, or another layer of gatecast.nn.
        x: the input, in any form the layer takes.
        state: the state to start from; zeros if None.

    Raises:
        OptionError: the module is not recurrent.
        ValueError: a shape does not fit the layer.
    """
    return _run(layer, x, state, EXACTLY)


def watch(layer: Layer | RecurrentStack, x: Given, state: Tensor | States | None = None) -> Trace:
    """As `trace`, at little more than the time of a call: by the layer's kernel, which hands out its gates.

    They equal those of `trace` but for rounding; there are no states but the last, and no gradients.  Where no kernel
    takes the call, and for packed sequences, the cell's own steps run.

    Args:
        layer: RNN, LSTM or GRU of gatecast.nn or torch.nn, or another layer of gatecast.nn.
        x: the input, in any form the layer takes.
        state: the state to start from; zeros if None.

    Raises:
        OptionError: the module is not recurrent.
        ValueError: a shape does not fit the layer.
    """
    with torch.no_grad():
        return _run(layer, x, state, QUICKLY)


def _run(layer: Layer | RecurrentStack, x: Given, state: Tensor | States | None, way: Way) -> Trace:
    return layer.run(x, state, way) if isinstance(layer, RecurrentStack) else way.run(layer, x, state)


def explain_backend(layer: Layer | RecurrentStack, x: Given, state: Tensor | States | None = None) -> str:
    """Say, in one line, what runs when `layer(x, state)` is called; the line is printed and returned.

    Args:
        layer: RNN, LSTM or GRU of gatecast.nn or torch.nn, or another layer of gatecast.nn.
        x: the input.
        state: the state to start from.

    Raises:
        OptionError: the module is not recurrent.
    """
    line = _of_stack(layer, x) if isinstance(layer, RecurrentStack) else _of_layer(layer, x, state)
    print(line)  # noqa: T201 - it is what the function is for
    return line


def _of_layer(layer: Layer, x: Given, state: Tensor | States | None) -> str:
    return f"{type(layer).__name__}: {_road(layer, kernel_of_call(layer, *uncast(x, state)), x)}"


def _of_stack(stack: RecurrentStack, x: Given) -> str:
    """All layers of a stack take the road of the first; a dilated one reads packed sequences."""
    first, steps = stack.layer(0), stack.check_input(x).transpose(0, 1)
    dilation = max(stack.config.skips)
    given = steps if dilation == 1 else fold(steps, dilation)
    if stack.config.zoneout:
        road = "reference cell (zoneout mixes states at every step, which no kernel does)"
    else:
        road = _road(first, kernel_of_call(first, *uncast(given, None)), given)
    return f"{type(stack).__name__} of {stack.num_layers} {type(first).__name__}: {road}"


def _road(layer: Layer, found: Kernel | str, x: Given) -> str:
    """The kernel, or what runs in its place and why."""
    if isinstance(found, Kernel):
        return f"kernel {found.name}" + (" in float32, under autocast" if is_cast(x) else "")
    is_torchs = isinstance(layer, nn.RNNBase) and getattr(layer, "reset_after", True)
    return f"{'torch.nn' if is_torchs else 'reference cell'} ({found})"
