"""Cells stacked over time: layers on top of each other, each in one direction or both.

Layer l reads the output of layer l - 1, dropped out while training; a bidirectional layer reads it forwards and, with
weights of its own (`_reverse`), backwards, and joins both outputs feature by feature.  The states of layer l and
direction d lie at row l * directions + d, as in torch.nn.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout
from torch.nn.utils.rnn import PackedSequence

from gatecast.cells import NOTHING_MORE, Keep, Unrolled, equations_of, unroll
from gatecast.cells.cell import (
    check_sizes,
    draw_weights,
    pack_states,
    register_weights,
    unpack_states,
    weights_of,
)
from gatecast.cells.equations import Equations, Gates, States, Weights
from gatecast.errors import OptionError
from gatecast.kernels import Kernel, run_kernel, watch_kernel
from gatecast.nn.sequences import Given, Steps, as_given, as_steps, states_to_given, states_to_steps


class Stack(nn.Module):
    """A stack of cells over time, with torch.nn's shapes and names; how it is called stands in `layers.py`.

    The input is (T, B, I), (B, T, I) with `batch_first`, (T, I), or a PackedSequence.  The output is h of the top layer
    at every step, (T, B, directions * H) in the input's form.  Each state is (layers * directions, B, H), never batch
    first; a cell with one state takes and gives a tensor, one with several a tuple.

    Args:
        input_size: features of the input.
        hidden_size: units of each layer.
        num_layers: layers on top of each other.
        bias: whether the gates have biases.
        batch_first: whether the batch comes before time, in input and output.
        dropout: share of units dropped between layers while training.
        bidirectional: whether each layer also runs backwards.
        device: where the weights lie.
        dtype: of the weights; inputs must have the same.
        equations: of the cell.

    Raises:
        OptionError: a size is below 1, or dropout is no share.
        ValueError: an input or a state does not fit.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - torch.nn's arguments, in its order
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002
        batch_first: bool = False,  # noqa: FBT001, FBT002
        dropout: float = 0.0,
        bidirectional: bool = False,  # noqa: FBT001, FBT002
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        equations: Equations,
    ) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        if not 0 <= dropout <= 1:
            raise OptionError(f"dropout is a share from 0 to 1, got {dropout}.")
        self.equations = equations
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        placed = {"device": device, "dtype": dtype}
        for number in range(num_layers):
            below = len(directions(self)) * hidden_size if number else input_size
            for direction in directions(self):
                suffix = f"_l{number}{direction}"
                register_weights(self, equations, (below, hidden_size), bias=bias, placed=placed, suffix=suffix)
        draw_weights(self, equations, hidden_size)

    def extra_repr(self) -> str:
        """Sizes and settings, as they stand in a printed module."""
        settings = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        changed = [f"{name}={getattr(self, name)}" for name, usual in settings.items() if getattr(self, name) != usual]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])


Layer = Stack | nn.RNNBase


class Trace(NamedTuple):
    """One pass, with everything that moved.

    Attributes:
        output: what the layer's call gives.
        state: what the layer's call gives.
        gates: for each layer and direction (`l0`, `l0_reverse`, `l1`), each gate at every step by its letter,
            (T, B, H); backwards layers in the order of the input's time.
        history: for each layer and direction, the states after each step, each (B, H), in the order in which they came
            about; empty where they were not asked for.
        outputs: for each layer and direction, what it put out, (T, B, H); backwards layers in the order of time.
    """

    output: Given
    state: Tensor | States
    gates: dict[str, Gates]
    history: dict[str, tuple[States, ...]]
    outputs: dict[str, Tensor]


def run_stack(
    layer: Layer,
    x: Given,
    state: Tensor | States | None,
    *,
    keep: Keep = NOTHING_MORE,
    by: Kernel | Equations | None = None,
) -> Trace:
    """Run a layer by its cell's equations, or by what is given in their place.

    Args:
        layer: RNN, LSTM or GRU of gatecast.nn or torch.nn, or another layer of gatecast.nn.
        x: the input, in any form the layer takes.
        state: the state to start from; zeros if None.
        keep: what to hand out beside the output.  A kernel has no states but the last, and gates where no
            gradient is wanted and sequences are not packed.
        by: a kernel of the layer's equations, or other equations of the same weights and states.

    Raises:
        OptionError: the module is not recurrent.
        ValueError: a shape does not fit the layer.
    """
    kernel = by if isinstance(by, Kernel) else None
    equations = by.equations if isinstance(by, Kernel) else by or equations_of(layer)
    _check_input(layer, x)
    steps = as_steps(x, batch_first=layer.batch_first, padded=kernel is None)
    if not len(steps.x):
        raise ValueError("the input has no steps; a sequence has at least one.")
    states: States = ()  # a kernel takes nothing for zeros
    if state is not None or kernel is None:
        states = states_to_steps(unpack_states(state, steps.x, state_shapes(layer, x)), x)
    run_one = _by_kernel(kernel, steps, keep) if kernel is not None else _by_cell(equations, steps, keep)
    output, runs = _run_layers(layer, run_one, steps.x, states)
    after = tuple(_stacked(parts) for parts in zip(*(run.states for run in runs.values()), strict=True))
    return Trace(
        as_given(output, x, batch_first=layer.batch_first),
        pack_states(states_to_given(after, x)),
        {suffix.removeprefix("_"): run.gates for suffix, run in runs.items()},
        {suffix.removeprefix("_"): run.history for suffix, run in runs.items() if keep.history},
        {suffix.removeprefix("_"): run.output for suffix, run in runs.items() if any(keep)},
    )


def directions(layer: Layer) -> tuple[str, ...]:
    """What the names of the weights of each direction end in."""
    return ("", "_reverse") if layer.bidirectional else ("",)


def _stacked(parts: States) -> Tensor:
    return torch.stack(parts) if len(parts) > 1 else parts[0].unsqueeze(0)


RunOne = Callable[[Weights, Tensor, States, bool], Unrolled]


def _run_layers(layer: Layer, run_one: RunOne, x: Tensor, states: States) -> tuple[Tensor, dict[str, Unrolled]]:
    """The output of the top layer, and the run of every layer and direction by the suffix of its weights.

    `run_one(weights, x, states, backwards)` runs one of them.
    """
    runs: dict[str, Unrolled] = {}
    for number in range(layer.num_layers):
        if number:
            x = dropout(x, layer.dropout, layer.training)
        outputs = []
        for direction in directions(layer):
            own = tuple(state[len(runs)] for state in states)
            run = run_one(weights_of(layer, f"_l{number}{direction}"), x, own, bool(direction))
            runs[f"_l{number}{direction}"] = run
            outputs.append(run.output)
        x = torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0]  # (T, B, directions * H)
    return x, runs


def _by_kernel(kernel: Kernel, steps: Steps, keep: Keep) -> RunOne:
    """A kernel, which hands out its gates where nobody wants gradients."""

    def run_one(weights: Weights, x: Tensor, states: States, backwards: bool) -> Unrolled:  # noqa: FBT001
        if keep.gates:
            return watch_kernel(kernel, weights, x, states, reverse=backwards)
        return run_kernel(kernel, weights, x, states, steps.rows, reverse=backwards)

    return run_one


def _by_cell(equations: Equations, steps: Steps, keep: Keep) -> RunOne:
    """The cell's own steps.

    Backwards, a sequence shorter than the others begins at its own end: padding holds its first state.
    """
    real = steps.real

    def run_one(weights: Weights, x: Tensor, states: States, backwards: bool) -> Unrolled:  # noqa: FBT001
        over = partial(unroll, equations, weights, keep=keep)
        if not backwards:
            return over(x, states, real)
        run = over(x.flip(0), states, None if real is None else real.flip(0))
        return run._replace(output=run.output.flip(0), gates=_turned(run.gates))

    return run_one


def _turned(gates: Gates) -> Gates:
    return {name: gate.flip(0) for name, gate in gates.items()}


def state_shapes(layer: Layer, x: Given) -> list[tuple[int, ...]]:
    """The shape of each state that goes in with x, as torch.nn has it: never batch first."""
    rows = layer.num_layers * len(directions(layer))
    if isinstance(x, PackedSequence):
        batch: tuple[int, ...] = (int(x.batch_sizes[0]),)
    else:
        batch = () if x.dim() == 2 else (x.shape[0 if layer.batch_first else 1],)
    return [(rows, *batch, size) for size in equations_of(layer).state_sizes(layer.hidden_size)]


def _check_input(layer: Layer, x: Given) -> None:
    data = x.data if isinstance(x, PackedSequence) else x
    if isinstance(x, Tensor) and x.dim() not in (2, 3):
        raise ValueError(f"the input has 2 dimensions (one sequence) or 3 (a batch), got {x.dim()}.")
    if data.shape[-1] != layer.input_size:
        raise ValueError(f"the input has {layer.input_size} features at each step, got {data.shape[-1]}.")
