"""Layers by name, as torch.nn has them: one cell, stacked, with nothing else between the layers but dropout."""

from collections.abc import Callable
from typing import Any

from gatecast.cells.initialization import chrono_, forget_bias_, gaussian_, orthogonal_
from gatecast.nn.config import WITH_NONLINEARITY, Initialization, LayerConfig
from gatecast.nn.dropin import GRU, LSTM, RNN
from gatecast.nn.layers import GRUD, SLSTM, IndRNN, MinGRU, MinLSTM
from gatecast.nn.stacking import Layer

LAYERS: dict[str, Callable[..., Layer]] = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
    "indrnn": IndRNN,
    "slstm": SLSTM,
    "grud": GRUD,
}


def plain_layer(config: LayerConfig, input_size: int, **stacked: Any) -> Layer:  # noqa: ANN401 - torch.nn's settings
    """The layer of a config's cell.

    Args:
        config: says the cell with its choices, its units, biases and directions; nothing more is taken from it.
        input_size: features of the input.
        stacked: settings of torch.nn's layers: `num_layers`, `dropout`, `batch_first`.
    """
    own: dict[str, Any] = {}
    if config.cell in WITH_NONLINEARITY:
        own["nonlinearity"] = config.nonlinearity or WITH_NONLINEARITY[config.cell]
    if config.cell == "gru":
        own["reset_after"] = config.reset_after
    settings = {"bias": config.bias, "bidirectional": config.bidirectional}
    return LAYERS[config.cell](input_size, config.hidden_size, **settings, **stacked, **own)


def initialize(layer: Layer, how: Initialization, lookback: int) -> None:
    """First weights, where they are not torch.nn's own.

    Raises:
        OptionError: the cell cannot start so.
    """
    if how == "chrono":
        chrono_(layer, max(3, lookback))
    elif how != "uniform":
        {"orthogonal": orthogonal_, "forget_bias": forget_bias_, "gaussian": gaussian_}[how](layer)
