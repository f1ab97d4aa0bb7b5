"""Recurrent layers with one calling convention: `output, state = layer(x, state)`.

The state is a value that goes in and comes out; nothing is remembered on the module, so two forecasts can never share
one.  Elman's RNN (Elman 1990), LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000) and GRU
(Cho et al. 2014, arXiv 1406.1078v1, `reset_after`) are those of torch.nn.
"""

from typing import Literal, get_args

from msgspec import Struct
from torch import nn

from gatecast.errors import OptionError

Cell = Literal["rnn", "lstm", "gru"]
CELLS: tuple[str, ...] = get_args(Cell)
MOST_HIDDEN, MOST_LAYERS = 65_536, 64


class LayerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A stack of recurrent layers.

    Attributes:
        cell: `rnn`, `lstm` or `gru`.
        nonlinearity: of the rnn cell, `tanh` or `relu`; the gated cells have their own.
        hidden_size: units of each layer.
        num_layers: layers stacked on each other.
        dropout: share of units dropped between layers while training; there is no "between" with one layer.
        bidirectional: also read the lookback backwards; both readings end at the cutoff, so nothing leaks.
        bias: whether the gates have biases.
    """

    cell: Cell = "gru"
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    hidden_size: int = 64
    num_layers: int = 1
    dropout: float = 0.0
    bidirectional: bool = False
    bias: bool = True

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise OptionError(f"cell={self.cell!r} is unknown; the cells are {', '.join(CELLS)}.")
        for name, most in (("hidden_size", MOST_HIDDEN), ("num_layers", MOST_LAYERS)):
            if not 1 <= getattr(self, name) <= most:
                raise OptionError(f"{name} is a number from 1 to {most}, got {getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise OptionError(f"dropout is a share from 0 up to (not including) 1, got {self.dropout}.")
        if self.dropout and self.num_layers == 1:
            raise OptionError(
                f"dropout={self.dropout} acts between layers, and num_layers=1 has no between: "
                f"set num_layers=2 or more, or dropout=0."
            )
        if self.nonlinearity == "relu" and self.cell != "rnn":
            raise OptionError(f"nonlinearity='relu' is a choice of the rnn cell only, but cell={self.cell!r}.")

    @property
    def output_size(self) -> int:
        """Features of the layer's output at each step."""
        return self.hidden_size * (2 if self.bidirectional else 1)


def recurrent_layer(config: LayerConfig, input_size: int) -> nn.RNNBase:
    """Build the stack; input and output are batch first: (B, T, input_size) -> (B, T, output_size)."""
    sizes = (input_size, config.hidden_size, config.num_layers)
    if config.cell == "rnn":
        return nn.RNN(
            *sizes,
            nonlinearity=config.nonlinearity,
            bias=config.bias,
            batch_first=True,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
        )
    kind = {"lstm": nn.LSTM, "gru": nn.GRU}[config.cell]
    return kind(*sizes, bias=config.bias, batch_first=True, dropout=config.dropout, bidirectional=config.bidirectional)
