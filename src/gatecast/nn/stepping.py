"""One step at a time, as fast as a call from Python can be: the weights are frozen, everything else is prepared.

A layer called with one step at a time packs its weights at every call, because they may have changed.  A `stepper`
packs them once; a layer that goes on learning needs a new one.
"""

from collections.abc import Callable
from typing import NoReturn

import torch
from torch import Tensor, empty_like

from gatecast.cells import equations_of
from gatecast.cells.cell import weights_of
from gatecast.cells.equations import States
from gatecast.errors import OptionError
from gatecast.kernels import Kernel, kernel_for
from gatecast.kernels.calling import PreparedStep, prepare
from gatecast.nn.stacking import Layer, state_shapes

FLOAT = torch.float32
Shapes = tuple[torch.Size, torch.Size]  # of x and of each state


def stepper(layer: Layer, batch: int = 1) -> Callable[[Tensor, Tensor | States], Tensor | States]:
    """A function that takes one step of a layer with its weights as they are now: `state = step(x, state)`.

    x is (B, I), a state is as the layer's: (layers, B, H), or a pair of them for the LSTM.  The output of the step is h
    of the top layer, `state[-1]` (of the LSTM `state[0][-1]`).  Bit-equal to the layer's own call, and safe to share
    between threads, because the state is a value.  It raises ValueError where x or a state does not fit.

    Args:
        layer: of gatecast.nn or torch.nn, one that has a kernel, in one direction, float32 on the CPU.
        batch: sequences that step together.

    Raises:
        OptionError: there is no kernel for the layer here; the message says why.
        ValueError: a weight, replaced or parametrized, does not fit the layer.
    """
    weight = next(layer.parameters())
    kernel = kernel_for(equations_of(layer), weight.device, weight.dtype)
    if not isinstance(kernel, Kernel) or layer.bidirectional:
        why = "it reads both directions" if isinstance(kernel, Kernel) else kernel
        raise OptionError(f"this layer cannot step by a kernel: {why}. Call the layer itself, one step at a time.")
    x = torch.empty(1, batch, layer.input_size).transpose(0, 1 if layer.batch_first else 0)
    shapes = state_shapes(layer, x)
    weights = [weights_of(layer, f"_l{k}") for k in range(layer.num_layers)]
    prepared = prepare(kernel, weights, (batch, layer.input_size, layer.hidden_size))
    step = _step_of_one if len(shapes) == 1 else _step_of_pair
    return step(prepared, (torch.Size((batch, layer.input_size)), torch.Size(shapes[0])))


def _step_of_one(prepared: PreparedStep, shapes: Shapes) -> Callable[[Tensor, Tensor | States], Tensor | States]:
    """For cells whose only state is h.  Every name is local: looking up and calling cost a tenth of a step."""
    run, first, alive = prepared
    x_shape, h_shape = shapes

    def step(x: Tensor, state: Tensor | States) -> Tensor | States:
        if (
            not isinstance(state, Tensor)
            or x.shape != x_shape
            or state.shape != h_shape
            or not x.dtype is FLOAT is state.dtype
            or not (x.is_contiguous() and state.is_contiguous() and x.is_cpu and state.is_cpu)
        ):
            _refuse(x, state, shapes, 1)
        after = empty_like(state)
        run(first, x.data_ptr(), state.data_ptr(), after.data_ptr())
        return after

    step.alive = alive  # type: ignore[attr-defined]  # what the addresses point to
    return step


def _step_of_pair(prepared: PreparedStep, shapes: Shapes) -> Callable[[Tensor, Tensor | States], Tensor | States]:
    """For cells with the states h and c."""
    run, first, alive = prepared
    x_shape, h_shape = shapes

    def step(x: Tensor, state: Tensor | States) -> Tensor | States:
        if isinstance(state, Tensor) or len(state) != 2:
            _refuse(x, state, shapes, 2)
        h, c = state
        if not (_fits(x, x_shape) and _fits(h, h_shape) and _fits(c, h_shape)):
            _refuse(x, state, shapes, 2)
        h_after, c_after = empty_like(h), empty_like(c)
        run(first, x.data_ptr(), h.data_ptr(), h_after.data_ptr(), c.data_ptr(), c_after.data_ptr())
        return h_after, c_after

    step.alive = alive  # type: ignore[attr-defined]  # what the addresses point to
    return step


def _refuse(x: Tensor, state: Tensor | States, shapes: Shapes, count: int) -> NoReturn:
    """Say what does not fit: addresses go to compiled code, so nothing is taken on trust."""
    x_shape, h_shape = shapes
    states = (state,) if isinstance(state, Tensor) else tuple(state)
    if not _fits(x, x_shape):
        raise ValueError(f"x is {tuple(x_shape)}, float32 on the CPU, without gaps; got {_shown(x)}.")
    if len(states) != count or isinstance(state, Tensor) != (count == 1):
        raise ValueError(f"this layer has {count} {'state' if count == 1 else 'states'}, got {len(states)}.")
    wrong = next(each for each in states if not _fits(each, h_shape))
    raise ValueError(f"a state is {tuple(h_shape)}, float32 on the CPU, without gaps; got {_shown(wrong)}.")


def _fits(tensor: Tensor, shape: torch.Size) -> bool:
    return tensor.shape == shape and tensor.dtype is FLOAT and tensor.is_contiguous() and tensor.is_cpu


def _shown(tensor: Tensor) -> str:
    gaps = "" if tensor.is_contiguous() else ", with gaps"
    return f"{tuple(tensor.shape)}, {str(tensor.dtype).removeprefix('torch.')} on {tensor.device}{gaps}"
