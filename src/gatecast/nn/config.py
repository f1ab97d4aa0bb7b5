"""What a stack of recurrent layers is made of, as a value: `LayerConfig`."""

from typing import Literal, get_args

from msgspec import Struct

from gatecast.errors import OptionError

CellName = Literal["rnn", "lstm", "gru", "mingru", "minlstm", "indrnn", "slstm", "grud"]
CELLS: tuple[str, ...] = get_args(CellName)
"""The names of all cells, as `cell` takes them."""
Initialization = Literal["uniform", "orthogonal", "chrono", "forget_bias", "gaussian"]
MOST_HIDDEN, MOST_LAYERS, MOST_DILATION = 65_536, 64, 65_536
WITH_NONLINEARITY = {"rnn": "tanh", "indrnn": "relu"}  # and what each has where nothing is said
WITHOUT_MATRIX = ("mingru", "minlstm", "indrnn")  # whose units do not meet between steps
SHARES = ("dropout", "variational_dropout", "weight_dropout", "zoneout")


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
        residual: layers above the first add what they read to what they say.
        dilations: how many steps back the state lies that each layer reads, lowest layer first, such as 1 2 4 8; empty
            for 1 everywhere.
        layer_norm: normalise what each layer hands up: to the next layer, and out of the stack.
        variational_dropout: share of each layer's inputs and of the output dropped while training, the same ones at
            every step of a sequence.
        weight_dropout: share of the recurrent weights dropped while training, the same ones at every step and for every
            sequence of a batch.
        zoneout: share of units that keep their state of the step before, drawn at every step of training; runs by the
            reference cell, slowly.
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
    residual: bool = False
    dilations: tuple[int, ...] = ()
    layer_norm: bool = False
    variational_dropout: float = 0.0
    weight_dropout: float = 0.0
    zoneout: float = 0.0

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise OptionError(f"cell={self.cell!r} is unknown; the cells are {', '.join(CELLS)}.")
        for name, most in (("hidden_size", MOST_HIDDEN), ("num_layers", MOST_LAYERS)):
            if not 1 <= getattr(self, name) <= most:
                raise OptionError(f"{name} is a number from 1 to {most}, got {getattr(self, name)}.")
        for name in SHARES:
            if not 0 <= getattr(self, name) < 1:
                raise OptionError(f"{name} is a share from 0 up to (not including) 1, got {getattr(self, name)}.")
        _check_cell(self)
        _check_depth(self)
        _check_dilations(self)

    @property
    def output_size(self) -> int:
        """Features of the layer's output at each step."""
        return self.hidden_size * (2 if self.bidirectional else 1)

    @property
    def is_plain(self) -> bool:
        """Whether this is a stack as torch.nn has it, without any of the options of `RecurrentStack`."""
        shares = (self.variational_dropout, self.weight_dropout, self.zoneout)
        return not (self.residual or self.dilations or self.layer_norm or any(shares))

    @property
    def is_random(self) -> bool:
        """Whether a training pass draws random numbers."""
        return any(getattr(self, name) for name in SHARES)

    @property
    def skips(self) -> tuple[int, ...]:
        """How many steps back each layer's state lies: the dilations, or 1 for every layer."""
        return self.dilations or (1,) * self.num_layers


def _check_cell(config: LayerConfig) -> None:
    """Refuse options that the cell does not have."""
    if config.nonlinearity == "relu" and config.cell not in WITH_NONLINEARITY:
        raise OptionError(
            f"nonlinearity='relu' is a choice of the {' and '.join(WITH_NONLINEARITY)} cells only, "
            f"but cell={config.cell!r}: take one of them, or leave nonlinearity out."
        )
    if not config.reset_after and config.cell != "gru":
        raise OptionError(
            f"reset_after=False is a choice of the gru cell only, but cell={config.cell!r}: take cell='gru', or leave "
            f"reset_after out."
        )
    if config.weight_dropout and config.cell in WITHOUT_MATRIX:
        raise OptionError(
            f"weight_dropout={config.weight_dropout} drops entries of the recurrent matrix, and cell={config.cell!r} "
            f"has none: take another cell, or variational_dropout."
        )


def _check_depth(config: LayerConfig) -> None:
    """Refuse options that need more layers or units than there are."""
    for name, does in (("dropout", "acts between layers"), ("residual", "goes around the layers above the first")):
        value = getattr(config, name)
        if value and config.num_layers == 1:
            raise OptionError(
                f"{name}={value} {does}, and num_layers=1 has no {'between' if name == 'dropout' else 'such layer'}: "
                f"set num_layers=2 or more, or {name}={type(value)()}."
            )
    if config.layer_norm and config.hidden_size == 1:
        raise OptionError("layer_norm=True compares the units of a layer, and hidden_size=1 has one: set 2 or more.")


def _check_dilations(config: LayerConfig) -> None:
    """Refuse dilations that are not one for each layer, or of a stack that reads backwards too."""
    if not config.dilations:
        return
    shown = " ".join(map(str, config.dilations))
    if len(config.dilations) != config.num_layers:
        raise OptionError(
            f"dilations={shown} are {len(config.dilations)}, but num_layers={config.num_layers}: give one for each."
        )
    if not all(1 <= each <= MOST_DILATION for each in config.dilations):
        raise OptionError(f"dilations count steps from 1 to {MOST_DILATION}, got {shown}.")
    if config.bidirectional:
        raise OptionError(f"dilations={shown} skip back in time, in one direction: set bidirectional=False.")
