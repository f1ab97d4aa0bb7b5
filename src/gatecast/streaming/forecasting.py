"""Forecasts from where some series stand: states are copied, never moved."""

from collections.abc import Iterator
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from gatecast.data.batches import Batch, Cutoffs
from gatecast.data.causal import covariate_places
from gatecast.data.scalers import Scaling
from gatecast.forecaster import RecurrentForecaster
from gatecast.forecaster.running import BATCH, PATHS_AT_ONCE, Runner
from gatecast.forecaster.scaling import in_units, targets_of
from gatecast.models.draws import origin_draws
from gatecast.models.remembering import Memory
from gatecast.streaming.encoding import Encoder
from gatecast.streaming.residents import Residents
from gatecast.streaming.rows import causal_state, newest
from gatecast.streaming.shape import Shape


class Asked(NamedTuple):
    """Which forecasts are wanted.

    Attributes:
        slots: the places of the series.
        names: of them, by which sample paths are drawn.
        known: of each row of the horizon what is known in advance: covariates, scaled, then the calendar.
    """

    slots: Int64[np.ndarray, " n"]
    names: list[str]
    known: Float64[np.ndarray, "n horizon known"]


@final
class Decoder:
    """Makes forecasts by the net's own calls, from what is kept.

    Args:
        forecaster: the forecaster.
        shape: sizes.
        residents: what is kept of each series.
        encoder: the states, where any are carried.
    """

    def __init__(self, forecaster: RecurrentForecaster, shape: Shape, residents: Residents, encoder: Encoder) -> None:
        self.forecaster, self.network = forecaster, forecaster.network_
        self.shape, self.residents, self.encoder = shape, residents, encoder
        self.runner = Runner(self.network, forecaster.config, Memory())

    def quantiles(
        self, asked: Asked
    ) -> tuple[Float64[np.ndarray, "n horizon targets"], Float64[np.ndarray, "n horizon targets levels"]]:
        """The point forecasts and the quantiles of the net, in the units of the data, not calibrated."""
        parts = [self._part(part) for part in _parts(asked, self._most())]
        return np.concatenate([mean for mean, _ in parts]), np.concatenate([spread for _, spread in parts])

    def _most(self) -> int:
        """Series at once, as memory holds."""
        network = self.forecaster.config.network
        return max(1, PATHS_AT_ONCE // network.paths) if network.samples else BATCH

    @torch.inference_mode()
    def _part(self, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
        kept, network = self.residents, self.forecaster.config.network
        scaling = Scaling(kept["centre"][asked.slots], kept["scale"][asked.slots])
        own = targets_of(scaling, self.shape.targets)
        return in_units(np.asarray(self._scaled(asked)), own, np.arange(len(asked.slots)), network.levels)

    def _scaled(self, asked: Asked) -> Tensor | np.ndarray:
        """What the net says, on the scaled values."""
        if self.forecaster.config.network.recursive:
            return self._paths(asked)
        if self.shape.carries:
            read = torch.from_numpy(self.residents["output"][asked.slots])
            return self.network.forecast_from(read, self._cutoffs(asked))
        return self.network(self._batch(asked))

    def _paths(self, asked: Asked) -> np.ndarray:
        """Forecasts that are fed back; of a density the quantiles of sample paths."""
        config, draws = self.forecaster.config, None
        horizon = asked.known.shape[1] if config.network.samples else self.shape.horizon
        if config.network.samples:
            shape = (config.network.paths, self.shape.horizon, self.shape.targets)
            position = self.residents["count"][asked.slots]
            drawn = origin_draws(config.training.seed, asked.names, position, shape)
            draws = torch.from_numpy(drawn[:, :, :horizon])
        batch = self._batch(asked)
        if self.shape.carries:
            paths = np.asarray(self.network.paths_from(self.encoder.states(asked.slots), batch, draws))
        else:
            paths = np.asarray(self.network.paths(batch, draws))
        return self.runner.quantiles(paths) if config.network.samples else paths[:, 0, :, :, None]

    def _cutoffs(self, asked: Asked) -> Cutoffs:
        """What a forecast from a carried state reads beside it."""
        kept, shape, slots = self.residents, self.shape, asked.slots
        past = newest(kept, "history", slots, shape.lookback)[..., : shape.targets]
        nothing = torch.zeros(()).expand(len(slots), asked.known.shape[1], shape.targets)
        unit = causal_state(kept, shape, slots).unit.float()
        return Cutoffs(_time_last(past), unit, torch.from_numpy(asked.known).float(), nothing, nothing)

    def _batch(self, asked: Asked) -> Batch:
        """The windows before some cutoffs, from rows that are kept whole."""
        kept, shape, slots = self.residents, self.shape, asked.slots
        rows = torch.from_numpy(newest(kept, "history", slots, shape.lookback))
        past, causal, flags, known = rows.split([shape.channels, shape.causal, shape.flags, shape.known], dim=-1)
        horizon = asked.known.shape[1]
        nothing = torch.zeros(len(slots), horizon, shape.targets)
        return Batch(
            past=past,
            causal=causal,
            observed=flags,
            known=torch.cat([known, torch.from_numpy(asked.known).float()], dim=1),
            ahead=self._ahead(asked),
            static=torch.from_numpy(kept["static"][slots]),
            identity=torch.from_numpy(kept["identity"][slots]),
            age=torch.from_numpy(kept["count"][slots]),
            actual=nothing,
            mask=nothing,
        )

    def _ahead(self, asked: Asked) -> Tensor:
        """Causal features of the covariates over the horizon, for nets that read their own forecasts."""
        config, shape = self.forecaster.config, self.shape
        horizon = asked.known.shape[1]
        if not config.network.recursive or shape.season is None or not shape.futures:
            return torch.zeros(len(asked.slots), horizon, 0)
        futures = [place for place in shape.numbers if place >= shape.channels - shape.futures]
        places = covariate_places(len(shape.numbers), shape.targets, shape.season)
        state, rows = causal_state(self.residents, shape, asked.slots), []
        values = torch.from_numpy(self.residents["filled"][asked.slots][:, list(shape.numbers)])
        planned = [place - (shape.channels - shape.futures) for place in futures]
        for step in range(horizon):
            values = values.clone()
            values[:, shape.targets :] = torch.from_numpy(asked.known[:, step, planned])
            features, state = state.advance(values)
            rows.append(features[:, places].float())
        return torch.stack(rows, dim=1)


def _time_last(past: Float32[np.ndarray, "n lookback targets"]) -> Tensor:
    """The same numbers with those of one target next to each other, as a pass over a table has them."""
    return torch.from_numpy(np.ascontiguousarray(past.transpose(0, 2, 1))).transpose(1, 2)


def _parts(asked: Asked, most: int) -> Iterator[Asked]:
    """At most so many series at a time."""
    for first in range(0, len(asked.slots), most):
        part = slice(first, first + most)
        yield Asked(asked.slots[part], asked.names[part], asked.known[part])
