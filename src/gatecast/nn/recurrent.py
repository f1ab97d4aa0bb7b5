"""Recurrent layers by name: one calling convention, `output, state = layer(x, state)`.

The state is a value that goes in and comes out; nothing is remembered on the module, so two forecasts can never share
one.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

from msgspec import Struct
from torch import nn

from gatecast.cells.initialization import chrono_, forget_bias_, gaussian_, orthogonal_
from gatecast.errors import OptionError
from gatecast.nn.dropin import GRU, LSTM, RNN
from gatecast.nn.initial_state import LearnedInitialState
from gatecast.nn.layers import GRUD, SLSTM, IndRNN, MinGRU, MinLSTM
from gatecast.nn.stacking import Layer

CellName = Literal["rnn", "lstm", "gru", "mingru", "minlstm", "indrnn", "slstm", "grud"]
CELLS: tuple[str, ...] = get_args(CellName)
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
Initialization = Literal["uniform", "orthogonal", "chrono", "forget_bias", "gaussian"]
MOST_HIDDEN, MOST_LAYERS = 65_536, 64
WITH_NONLINEARITY = {"rnn": "tanh", "indrnn": "relu"}  # and what each has where nothing is said


class LayerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A stack of recurrent layers.

    Attributes:
        cell: `rnn`, `lstm`, `gru`, `mingru`, `minlstm`, `indrnn`, `slstm` or `grud`.
        nonlinearity: of the rnn and indrnn cells, `tanh` or `relu`; None takes tanh for rnn and relu for indrnn.
        reset_after: of the gru cell, where r acts: after the recurrent product (as in torch.nn), or before it.
        hidden_size: units of each layer.
        num_layers: layers stacked on each other.
        dropout: share of units dropped between layers while training; there is no "between" with one layer.
        bidirectional: also read the lookback backwards; both readings end at the cutoff, so nothing leaks.
        bias: whether the gates have biases.
        initialization: first weights: `uniform` (torch.nn's), `orthogonal` recurrent matrices, `chrono` (memories from
            1 step to the lookback), `forget_bias` (start by remembering), or `gaussian` (N(0, 0.01), biases 0).
        learn_initial_state: start from a learnt state instead of zeros.
    """

    cell: CellName = "gru"
    nonlinearity: Literal["tanh", "relu"] | None = None
    reset_after: bool = True
    hidden_size: int = 64
    num_layers: int = 1
    dropout: float = 0.0
    bidirectional: bool = False
    bias: bool = True
    initialization: Initialization = "uniform"
    learn_initial_state: bool = False

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
        if self.nonlinearity == "relu" and self.cell not in WITH_NONLINEARITY:
            raise OptionError(
                f"nonlinearity='relu' is a choice of the {' and '.join(WITH_NONLINEARITY)} cells only, "
                f"but cell={self.cell!r}."
            )
        if not self.reset_after and self.cell != "gru":
            raise OptionError(f"reset_after=False is a choice of the gru cell only, but cell={self.cell!r}.")

    @property
    def output_size(self) -> int:
        """Features of the layer's output at each step."""
        return self.hidden_size * (2 if self.bidirectional else 1)


def recurrent_layer(config: LayerConfig, input_size: int, lookback: int) -> nn.Module:
    """Build the stack; input and output are batch first: (B, T, input_size) -> (B, T, output_size).

    Args:
        config: of the stack.
        input_size: features of the input.
        lookback: steps that a memory may have to span, for `initialization="chrono"`.

    Raises:
        OptionError: the cell cannot start as `initialization` says.
    """
    own: dict[str, Any] = {}
    if config.cell in WITH_NONLINEARITY:
        own["nonlinearity"] = config.nonlinearity or WITH_NONLINEARITY[config.cell]
    if config.cell == "gru":
        own["reset_after"] = config.reset_after
    layer = LAYERS[config.cell](
        input_size,
        config.hidden_size,
        config.num_layers,
        bias=config.bias,
        batch_first=True,
        dropout=config.dropout,
        bidirectional=config.bidirectional,
        **own,
    )
    _initialize(layer, config.initialization, lookback)
    return LearnedInitialState(layer) if config.learn_initial_state else layer


def _initialize(layer: Layer, how: Initialization, lookback: int) -> None:
    """First weights, where they are not torch.nn's own."""
    if how == "chrono":
        chrono_(layer, max(3, lookback))
    elif how != "uniform":
        {"orthogonal": orthogonal_, "forget_bias": forget_bias_, "gaussian": gaussian_}[how](layer)
