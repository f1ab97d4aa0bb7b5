"""Layers of torch.nn, or their state_dict, as gatecast's: the same arguments, the same weights, the kernels' speed."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from gatecast.errors import InputError
from gatecast.nn.dropin import GRU
from gatecast.nn.foreign import CellKind, Convention, Layer, Nonlinearity, layer_of

REMEDY = "Give a torch.nn.RNN, LSTM or GRU, or its state_dict; of a larger net, say where it lies: prefix='encoder.'."


def load_torch(
    source: object,
    *,
    prefix: str = "",
    nonlinearity: Nonlinearity | None = None,
    reset_after: bool = True,
    batch_first: bool = False,
) -> Layer:
    """The layer of `gatecast.nn` that computes what a layer of torch.nn computes.

    Args:
        source: a torch.nn.RNN, LSTM or GRU, which says everything itself; or a state_dict.
        prefix: what stands before the names in a state_dict of a larger net, such as `encoder.`; what does not begin
            so is left alone.
        nonlinearity: of an RNN in a state_dict, `tanh` or `relu`.
        reset_after: of a GRU in a state_dict; torch's own is True.
        batch_first: whether the layer of a state_dict reads (batch, time, feature).

    Raises:
        InputError: the source is neither, or its weights are not those of one recurrent layer.
    """
    if isinstance(source, nn.RNNBase):
        return layer_of(source.state_dict(), convention_of(source), REMEDY)
    if isinstance(source, Mapping):
        said = Convention(None, nonlinearity, reset_after, batch_first)
        return layer_of(below(source, prefix), said, REMEDY)
    raise InputError(f"weights come from a recurrent layer or its state_dict, got {type(source).__name__}. {REMEDY}")


def convention_of(module: nn.RNNBase) -> Convention:
    """What a layer of torch's, or of ours, says beside its weights."""
    kinds: dict[str, CellKind] = {"RNN_TANH": "rnn", "RNN_RELU": "rnn", "GRU": "gru", "LSTM": "lstm"}
    return Convention(
        cell=kinds[module.mode],
        nonlinearity="relu" if module.mode == "RNN_RELU" else "tanh",
        reset_after=module.reset_after if isinstance(module, GRU) else True,
        batch_first=module.batch_first,
        dropout=module.dropout,
    )


def below(weights: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The weights whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
