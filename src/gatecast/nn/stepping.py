"""One step at a time, as fast as a call from Python can be: the weights are frozen, everything else is prepared.

A layer called with one step at a time packs its weights at every call, because they may have changed.  A `stepper`
packs them once; a layer that goes on learning needs a new one.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor, empty_like, nn

from gatecast.cells import equations_of
from gatecast.cells.cell import weights_of
from gatecast.errors import OptionError
from gatecast.kernels import Kernel, kernel_for
from gatecast.kernels.preparing import PreparedStep, prepare
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import Layer, Stack, state_shapes

FLOAT = torch.float32
Shapes = tuple[torch.Size, torch.Size]  # of x and of each state
Step = Callable[[Tensor, Any], Any]


def stepper(layer: Layer | RecurrentStack, batch: int = 1) -> Step:
    """A function that takes one step of a layer with its weights as they are now: `state = step(x, state)`.

    x is (B, I), a state is as the layer's: (layers, B, H), or a pair of them for the LSTM.  The output of the step is h
    of the top layer, `state[-1]` (of the LSTM `state[0][-1]`).  Bit-equal to the layer's own call, and safe to share
    between threads, because the state is a value.  It knows no gradients, and raises ValueError where x or a state does
    not fit.

    Args:
        layer: of gatecast.nn or torch.nn, one that has a kernel, in one direction, float32 on the CPU.
        batch: sequences that step together.

    Raises:
        OptionError: there is no kernel for the layer here; the message says why.
        ValueError: a weight, replaced or parametrized, does not fit the layer.
    """
    prepared = prepared_step(layer, batch)
    assert not isinstance(layer, RecurrentStack)  # noqa: S101 - it was refused
    x = torch.empty(1, batch, layer.input_size).transpose(0, 1 if layer.batch_first else 0)
    shapes = state_shapes(layer, x)
    step = _step_of_one if len(shapes) == 1 else _step_of_pair
    return step(prepared, (torch.Size((batch, layer.input_size)), torch.Size(shapes[0])))


def prepared_step(layer: nn.Module, batch: int) -> PreparedStep:
    """What a kernel needs to step a layer with its weights as they are now, for callers that hand over addresses.

    Raises:
        OptionError: there is no kernel for the layer here; the message says why.
        ValueError: a weight, replaced or parametrized, does not fit the layer.
    """
    if not isinstance(layer, (nn.RNNBase, Stack)):
        name = type(layer).__name__
        raise OptionError(f"a {name} has no prepared step: call the {name} itself, one step at a time.")
    weight = next(layer.parameters())
    kernel = kernel_for(equations_of(layer), weight.device, weight.dtype)
    if not isinstance(kernel, Kernel) or layer.bidirectional:
        why = "it reads both directions" if isinstance(kernel, Kernel) else kernel
        raise OptionError(f"this layer cannot step by a kernel: {why}. Call the layer itself, one step at a time.")
    weights = [weights_of(layer, f"_l{k}") for k in range(layer.num_layers)]
    return prepare(kernel, weights, (batch, layer.input_size, layer.hidden_size))


def _step_of_one(prepared: PreparedStep, shapes: Shapes) -> Step:
    """For cells whose only state is h.  Every name is local: looking up and calling cost a tenth of a step."""
    run, first, alive = prepared
    x_shape, h_shape = shapes

    def step(x: Any, state: Any) -> Any:  # noqa: ANN401 - tensors; what is none is refused
        try:
            fits = x.shape == x_shape and x.dtype is FLOAT and x.is_contiguous() and x.is_cpu
            held = state.shape == h_shape and state.dtype is FLOAT and state.is_contiguous() and state.is_cpu
        except AttributeError:  # what is no tensor; to try costs less than to ask
            fits = held = False
        if not (fits and held):
            _refuse(x, state, shapes, 1)
        after = empty_like(state)
        run(first, x.data_ptr(), state.data_ptr(), after.data_ptr())
        return after

    step.alive = alive  # type: ignore[attr-defined]  # what the addresses point to
    return step


def _step_of_pair(prepared: PreparedStep, shapes: Shapes) -> Step:
    """For cells with the states h and c."""
    run, first, alive = prepared
    x_shape, h_shape = shapes

    def step(x: Any, state: Any) -> Any:  # noqa: ANN401 - a tensor and a pair; what is none is refused
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            _refuse(x, state, shapes, 2)
        h, c = state
        if not (_fits(x, x_shape) and _fits(h, h_shape) and _fits(c, h_shape)):
            _refuse(x, state, shapes, 2)
        h_after, c_after = empty_like(h), empty_like(c)
        run(first, x.data_ptr(), h.data_ptr(), h_after.data_ptr(), c.data_ptr(), c_after.data_ptr())
        return h_after, c_after

    step.alive = alive  # type: ignore[attr-defined]  # what the addresses point to
    return step


def _refuse(x: object, state: object, shapes: Shapes, count: int) -> NoReturn:
    """Say what does not fit: addresses go to compiled code, so nothing is taken on trust."""
    x_shape, h_shape = shapes
    states = tuple(state) if isinstance(state, (tuple, list)) else (state,)
    if not _fits(x, x_shape):
        raise ValueError(f"x is {tuple(x_shape)}, float32 on the CPU, without gaps; got {_shown(x)}.")
    if len(states) != count:
        raise ValueError(f"this layer has {count} {'state' if count == 1 else 'states'}, got {len(states)}.")
    wrong = next((each for each in states if not _fits(each, h_shape)), state)
    raise ValueError(f"a state is {tuple(h_shape)}, float32 on the CPU, without gaps; got {_shown(wrong)}.")


def _fits(given: object, shape: torch.Size) -> bool:
    if not isinstance(given, Tensor):
        return False
    return given.shape == shape and given.dtype is FLOAT and given.is_contiguous() and given.is_cpu


def _shown(given: object) -> str:
    if not isinstance(given, Tensor):
        return f"a {type(given).__name__}"
    gaps = "" if given.is_contiguous() else ", with gaps"
    return f"{tuple(given.shape)}, {str(given.dtype).removeprefix('torch.')} on {given.device}{gaps}"
