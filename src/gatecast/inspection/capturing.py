"""What goes into a recurrent layer while a net runs, and what moves in it: for any net, ours or another."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn

from gatecast.cells.equations import States
from gatecast.errors import OptionError
from gatecast.models.network import RecurrentNetwork
from gatecast.nn import LearnedInitialState, Trace, trace
from gatecast.nn.sequences import Given
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import Layer, Stack

Recurrent = Layer | RecurrentStack


class Call(NamedTuple):
    """A call of a layer: its input, and the state it started from; None for zeros."""

    x: Given
    state: Tensor | States | None


def recurrent_part(network: nn.Module) -> Recurrent:
    """The first recurrent layer of a net, in the order in which its parts were made; of a layer itself.

    Raises:
        OptionError: there is none.
    """
    kinds = (RecurrentStack, Stack, nn.RNNBase)
    if isinstance(network, RecurrentNetwork):
        network = network.encoder.layer
    if isinstance(network, LearnedInitialState):
        network = network.layer
    for module in network.modules():
        if isinstance(module, kinds):
            return module
    raise OptionError(
        f"{type(network).__name__} holds no recurrent layer: give one of gatecast.nn, or torch.nn's RNN, LSTM or GRU, "
        f"or a module that holds one."
    )


@contextmanager
def captured(layer: Recurrent) -> Iterator[list[Call]]:
    """The calls of a layer within the context, in their order."""
    calls: list[Call] = []

    def note(_: nn.Module, given: tuple[Any, ...]) -> None:
        calls.append(Call(given[0], given[1] if len(given) > 1 else None))

    handle = layer.register_forward_pre_hook(note)
    try:
        yield calls
    finally:
        handle.remove()


@contextmanager
def traced(layer: Recurrent) -> Iterator[list[Trace]]:
    """Within the context every call of a layer runs by its cell, and its traces are kept, with their gradients."""
    traces: list[Trace] = []

    def run_by_cell(_: nn.Module, given: tuple[Any, ...], _output: object) -> tuple[Given, Tensor | States]:
        traces.append(trace(layer, *given))
        return traces[-1].output, traces[-1].state

    handle = layer.register_forward_hook(run_by_cell)
    try:
        yield traces
    finally:
        handle.remove()
