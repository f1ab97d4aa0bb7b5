"""One step at a time, as fast as a call from Python can be: the weights are frozen, everything else is prepared.

A layer called with one step at a time packs its weights at every call, because they may have changed.  A `Step` packs
them once; a layer that goes on learning needs a new one.
"""

from typing import NoReturn, final

import torch
from torch import Tensor

from gatecast.cells import equations_of
from gatecast.cells.cell import weights_of
from gatecast.cells.equations import States
from gatecast.errors import OptionError
from gatecast.kernels import Kernel, kernel_for
from gatecast.kernels.calling import FLOAT, prepare
from gatecast.nn.stacking import Layer, state_shapes


@final
class Step:
    """One step of a layer with its weights as they are now: `state = step(x, state)`.

    x is (B, I), a state is as the layer's: (layers, B, H), or a pair of them for the LSTM.  The output of the step is h
    of the top layer, `state[-1]` (of the LSTM `state[0][-1]`).  Bit-equal to the layer's own call, and safe to share
    between threads, because the state is a value.

    Args:
        layer: of gatecast.nn or torch.nn, one that has a kernel, in one direction, float32 on the CPU.
        batch: sequences that step together.

    Raises:
        OptionError: there is no kernel for the layer here; the message says why.
        ValueError: x or a state does not fit.
    """

    def __init__(self, layer: Layer, batch: int = 1) -> None:
        weight = next(layer.parameters())
        kernel = kernel_for(equations_of(layer), weight.device, weight.dtype)
        if not isinstance(kernel, Kernel) or layer.bidirectional:
            why = "it reads both directions" if isinstance(kernel, Kernel) else kernel
            raise OptionError(f"this layer cannot step by a kernel: {why}. Call the layer itself, one step at a time.")
        self._x_shape = torch.Size((batch, layer.input_size))
        shapes = state_shapes(
            layer, torch.empty(1, batch, layer.input_size).transpose(0, 1 if layer.batch_first else 0)
        )
        self._state_shape, self._pair = torch.Size(shapes[0]), len(shapes) == 2
        levels = [weights_of(layer, f"_l{k}") for k in range(layer.num_layers)]
        self._levels = [prepare(kernel, weights, batch, layer.hidden_size) for weights in levels]
        self._level_bytes = FLOAT * batch * layer.hidden_size

    def __call__(self, x: Tensor, state: Tensor | States) -> Tensor | States:
        """The state after one step."""
        if isinstance(state, Tensor):
            h, c = state, None
        elif len(state) == 2:
            h, c = state
        else:
            self._refuse(x, state)
        if not (_fits(x, self._x_shape) and _fits(h, self._state_shape)) or (c is not None) != self._pair:
            self._refuse(x, state)
        after = torch.empty_like(h)
        if c is None:
            self._run(x.data_ptr(), h.data_ptr(), after.data_ptr(), 0, 0)
            return after
        if not _fits(c, self._state_shape):
            self._refuse(x, state)
        c_after = torch.empty_like(c)
        self._run(x.data_ptr(), h.data_ptr(), after.data_ptr(), c.data_ptr(), c_after.data_ptr())
        return after, c_after

    def _run(self, x: int, *places: int) -> None:
        """Every level in turn: the input of a level is h after the step of the one below it."""
        run, sequence, pack, _ = self._levels[0]
        run(sequence, pack, x, *places)
        for run, sequence, pack, _ in self._levels[1:]:
            x = places[1]
            places = tuple(place + self._level_bytes if place else 0 for place in places)
            run(sequence, pack, x, *places)

    def _refuse(self, x: Tensor, state: Tensor | States) -> NoReturn:
        """Say what does not fit: addresses go to compiled code, so nothing is taken on trust."""
        states = (state,) if isinstance(state, Tensor) else tuple(state)
        if not _fits(x, self._x_shape):
            raise ValueError(f"x is {tuple(self._x_shape)}, float32 on the CPU, without gaps; got {_shown(x)}.")
        if len(states) != 1 + self._pair:
            raise ValueError(f"this layer has {1 + self._pair} states, got {len(states)}.")
        wrong = next(each for each in states if not _fits(each, self._state_shape))
        shape = tuple(self._state_shape)
        raise ValueError(f"a state is {shape}, float32 on the CPU, without gaps; got {_shown(wrong)}.")


def _fits(tensor: Tensor, shape: torch.Size) -> bool:
    return tensor.shape == shape and tensor.dtype is torch.float32 and tensor.is_contiguous() and tensor.is_cpu


def _shown(tensor: Tensor) -> str:
    gaps = "" if tensor.is_contiguous() else ", with gaps"
    return f"{tuple(tensor.shape)}, {str(tensor.dtype).removeprefix('torch.')} on {tensor.device}{gaps}"
