"""The network: normalise the window, encode it, read the state, forecast every step."""

from typing import Literal

import torch
from jaxtyping import Float
from msgspec import Struct
from torch import Tensor, nn

from gatecast.data.batches import Batch
from gatecast.errors import OptionError
from gatecast.models.distributions import DENSITIES
from gatecast.models.heads import DirectHead, Highway
from gatecast.models.losses import POINT_LOSSES, LossName, masked_mean, quantile_loss
from gatecast.models.normalising import Subtract, forecast_base, input_channels, window_inputs
from gatecast.nn import LayerConfig, recurrent_layer


class NetworkConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What the net is made of, whatever the data.

    Attributes:
        layer: the recurrent layers.
        readout: the `last` state of the window, or the `mean` of all states.
        highway: add a linear forecast from the window to the net's.
        loss: `quantile`; `mae`, `mse` or `huber` of a point; or `normal`, `student` or `mixture`, the negative
            log-likelihood of a density.
        quantiles: the levels that the quantile loss trains, or that are read off the density; ascending, with 0.5 among
            them.
    """

    layer: LayerConfig = LayerConfig()
    readout: Literal["last", "mean"] = "last"
    highway: bool = True
    loss: LossName = "quantile"
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        levels = self.quantiles
        inside = all(0 < level < 1 for level in levels)
        if self.loss not in POINT_LOSSES and not (inside and list(levels) == sorted(set(levels)) and 0.5 in levels):
            raise OptionError(
                f"quantiles are ascending levels between 0 and 1 with the median 0.5 among them, such as 0.1 0.5 0.9; "
                f"got {' '.join(f'{level:g}' for level in levels) or 'none'}."
            )

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantile levels of the output; empty when the loss is for a point."""
        return () if self.loss in POINT_LOSSES else self.quantiles

    @property
    def raw(self) -> int:
        """What the head says for each step and target: quantiles, parameters of a density, or a point."""
        return DENSITIES[self.loss].parameters if self.loss in DENSITIES else max(1, len(self.levels))


class Sizes(Struct, frozen=True, forbid_unknown_fields=True):
    """What the data make of the net: lengths in rows, what is subtracted inside the window, channels counted."""

    lookback: int
    horizon: int
    season: int
    subtract: Subtract
    targets: int
    channels: int
    known: int
    static: int


class RecurrentNetwork(nn.Module):
    """Maps a Batch to forecasts on the scaled values, one for each step, target and level."""

    levels: Tensor

    def __init__(self, config: NetworkConfig, sizes: Sizes) -> None:
        super().__init__()
        if sizes.subtract == "seasonal" and sizes.lookback < sizes.season:
            raise OptionError(
                f"subtract='seasonal' with a season of {sizes.season} needs a lookback of at least {sizes.season}, "
                f"got {sizes.lookback}."
            )
        self.config, self.sizes = config, sizes
        own = input_channels(sizes.channels, sizes.targets, sizes.subtract)
        outputs = sizes.targets * config.raw
        features = own + sizes.channels + sizes.known + sizes.static
        self.encoder = recurrent_layer(config.layer, features, sizes.lookback)
        self.head = DirectHead(config.layer.output_size, sizes.known, sizes.horizon, outputs)
        self.highway = Highway(sizes.lookback, sizes.horizon) if config.highway else None
        self.register_buffer("levels", torch.tensor(config.levels, device="cpu"), persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "batch horizon targets levels"]:
        """Forecast the scaled targets; a point forecaster has one level."""
        raw, base = self._raw(batch)
        if self.config.loss in DENSITIES:
            return DENSITIES[self.config.loss].quantiles(raw, base, self.levels)
        return base.unsqueeze(-1) + raw

    def _raw(
        self, batch: Batch
    ) -> tuple[Float[Tensor, "batch horizon targets raw"], Float[Tensor, "batch horizon targets"]]:
        """What the head says, and the base that it is said of."""
        sizes = self.sizes
        past = batch.past[..., : sizes.targets]
        states, _ = self.encoder(self._inputs(batch))  # (B, L, output_size)
        output = self.head(self._read(states), batch.known[:, sizes.lookback :])
        raw = output.unflatten(-1, (sizes.targets, -1))  # (B, H, targets, raw)
        base = forecast_base(past, sizes.horizon, sizes.subtract, sizes.season)
        if self.highway is not None:
            base = base + self.highway(past if sizes.subtract == "none" else past - past[:, -1:])
        return raw, base

    def _inputs(self, batch: Batch) -> Float[Tensor, "batch lookback features"]:
        """Everything the encoder reads at each step of the lookback."""
        sizes = self.sizes
        window = window_inputs(batch.past, sizes.targets, sizes.subtract, sizes.season)
        static = batch.static[:, None].expand(-1, sizes.lookback, -1)
        return torch.cat([window, batch.observed, batch.known[:, : sizes.lookback], static], dim=-1)

    def _read(self, states: Float[Tensor, "batch lookback features"]) -> Float[Tensor, "batch features"]:
        """The state at the cutoff; backwards reading ends at the first row of the window."""
        if self.config.readout == "mean":
            return states.mean(dim=1)
        if not self.config.layer.bidirectional:
            return states[:, -1]
        forward, backward = states.chunk(2, dim=-1)
        return torch.cat([forward[:, -1], backward[:, 0]], dim=-1)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        """The training loss: the mean over observed targets, steps and levels, on the scaled values."""
        raw, base = self._raw(batch)
        if self.config.loss in DENSITIES:
            errors = DENSITIES[self.config.loss].loss(batch.actual, raw, base)
        elif self.config.loss == "quantile":
            errors = quantile_loss(batch.actual, base.unsqueeze(-1) + raw, self.levels)
        else:
            errors = POINT_LOSSES[self.config.loss](base.unsqueeze(-1) + raw, batch.actual.unsqueeze(-1))
        return masked_mean(errors, batch.mask)
