"""The state machine: one step for each row, and forecasts from where series stand, by their places alone."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64

from gatecast.data.reach import surely_within
from gatecast.data.scalers import Scaling
from gatecast.errors import ArtifactError
from gatecast.evaluation.calibration import Calibration, in_order, units
from gatecast.forecast import Forecast, checked
from gatecast.forecaster import RecurrentForecaster
from gatecast.models.ensemble import nets_of
from gatecast.streaming.calendars import Calendars
from gatecast.streaming.clock import Clock
from gatecast.streaming.cold import kept_of_cold, rows_to_warm
from gatecast.streaming.encoding import Encoder, kept_of_states
from gatecast.streaming.fast_steps import FastSteps, fast_steps
from gatecast.streaming.forecasting import Asked, Decoder
from gatecast.streaming.intake import Rows
from gatecast.streaming.options import StreamOptions
from gatecast.streaming.reading import LARGEST
from gatecast.streaming.residents import Residents
from gatecast.streaming.rows import RowMaker, kept_of_rows
from gatecast.streaming.shape import shape_of
from gatecast.streaming.slow_steps import SlowSteps
from gatecast.streaming.state import REMEDY
from gatecast.streaming.tracking import Tracker, kept_of_tracking


class Beginning(NamedTuple):
    """What a series begins with: its scaling, its static covariates (scaled), and its number among those trained."""

    scaling: Scaling
    static: Float32[np.ndarray, " static"]
    identity: int


@final
class Machine:
    """Moves and forecasts series by their places.

    Args:
        forecaster: fitted.
        calibration: that every series begins with; None where quantiles stand as the net says them.
        options: the policies.
    """

    def __init__(
        self, forecaster: RecurrentForecaster, calibration: Calibration | None, options: StreamOptions
    ) -> None:
        config, fitted = forecaster.config, forecaster.fitted_
        start = self.start = calibration or _uncalibrated(forecaster)
        self.point = calibration is None and not config.network.levels
        self.shape = shape = shape_of(forecaster, options.every or config.horizon)
        self.clock = Clock(fitted.frequency, dated=fitted.columns.time is not None)
        self.calendars = Calendars(self.clock, fitted.columns.holidays, config.calendar, shape.calendar)
        kept = kept_of_rows(shape) | kept_of_states(forecaster.network_, shape, len(fitted.columns.static))
        kept |= kept_of_tracking(shape, start)
        kept |= kept_of_cold(rows_to_warm(config, options.warm_up), shape.channels)
        self.residents = Residents(kept)
        self.network = nets_of(forecaster.network_)[0]
        self.encoder = Encoder(forecaster.network_, shape, self.residents)
        self.steps = fast_steps(forecaster, shape, self.residents, self.calendars) or SlowSteps(
            RowMaker(shape, self.residents), self.encoder, self.calendars
        )
        self.decoder = Decoder(forecaster, shape, self.residents, self.encoder)
        self.tracker = Tracker(shape, self.residents, start, options)
        self.targets = fitted.columns.target
        self.samples = config.network.samples
        self.reads_ahead = config.ahead or shape.whole  # rows of the horizon, by the decoder or fed back
        self.names: list[str] = []
        self.within = LARGEST  # what no value needs to be looked at up to

    def begin(self, name: str, beginning: Beginning) -> None:
        """Make the next place for a series that has no rows yet."""
        kept, slot = self.residents, len(self.names)
        kept.add(1)
        self.names.append(name)
        self.scale(slot, beginning.scaling)
        kept["static"][slot], kept["identity"][slot] = beginning.static, beginning.identity
        static, identity = torch.from_numpy(beginning.static[None]), torch.tensor([beginning.identity])
        with torch.inference_mode():
            kept["named"][slot] = self.network.named(static, identity)[0].numpy()

    def scale(self, slot: int, scaling: Scaling) -> None:
        """Set the scaling of a series that no row was read of."""
        self.residents["centre"][slot], self.residents["scale"][slot] = scaling.centre[0], scaling.scale[0]
        self.within = min(self.within, surely_within(scaling))

    def check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Refuse counts of rows that contradict each other.

        Raises:
            ArtifactError: they do.
        """
        count, pending = arrays["count"], arrays["count"] - arrays["settled"]
        if ((pending < 0) | (pending > self.shape.every)).any() or (arrays["unseen"] > count[:, None]).any():
            raise ArtifactError(f"this state is damaged: its counts of rows contradict each other. {REMEDY}")

    def restore(self, names: Sequence[str], arrays: Mapping[str, np.ndarray]) -> None:
        """Take what was kept of some series in place of what is."""
        self.names = list(names)
        self.residents.restore(arrays)
        self.within = min(LARGEST, surely_within(Scaling(arrays["centre"], arrays["scale"])))

    def advance(self, rows: Rows) -> None:
        """One row more of each of some different series: one update of each state."""
        due = self.steps.advance(rows)
        if len(due):
            self._settle(due.copy())

    def advance_one(self, slot: int, time: int, value: float) -> bool:
        """The one channel of the next row of one series, by the shortest way; False if it is not the row expected."""
        steps, step = self.steps, self.clock.step
        if step is None or self.clock.irregular or not isinstance(steps, FastSteps):
            return False
        if int(self.residents["last"][slot]) + step != time:
            return False
        if steps.advance_one(slot, time, value):
            self._settle(np.array([slot]))
        return True

    def forecast(
        self, slots: Int64[np.ndarray, " n"], horizon: int, future: Float64[np.ndarray, "n horizon futures"]
    ) -> Forecast:
        """Forecast so many rows, with quantiles moved as they stand.

        Args:
            slots: the places of the series.
            horizon: rows to forecast.
            future: covariates known in advance, in the units of the data; codes of words.

        Raises:
            InputError: the net's forecast is no number.
        """
        raw = checked(self._dated(slots, *self._said(slots, horizon, future)))
        if self.point:
            return raw
        standing = self.tracker.standing(slots)
        base = self.start.base(raw, standing.scale)
        moved = base + units(base, standing.scale, self.start.unit)[..., None] * standing.offsets[:, :horizon]
        return in_order(raw, moved, self.start.levels)

    def gates(self, slot: int) -> dict[str, float]:
        """The mean of each gate of the top layer at a series' newest row; nothing where it is not known any more."""
        return self.steps.gates(slot) if isinstance(self.steps, FastSteps) else {}

    def _settle(self, slots: Int64[np.ndarray, " n"]) -> None:
        """Settle what was said of some series, and say the next; nothing where the future has to be told."""
        standing = self.tracker.standing(slots)
        if self.shape.futures:
            self.tracker.remember(slots, None, standing)
            return
        mean, quantiles = self._said(slots, self.shape.horizon, np.empty((len(slots), 1, 0)))
        base = quantiles if self.shape.levels else np.repeat(mean[..., None], len(self.start.levels), axis=-1)
        said = base + units(base, standing.scale, self.start.unit)[..., None] * standing.offsets
        self.tracker.remember(slots, said, standing)

    def _said(
        self, slots: Int64[np.ndarray, " n"], horizon: int, future: Float64[np.ndarray, "n rows futures"]
    ) -> tuple[Float64[np.ndarray, "n horizon targets"], Float64[np.ndarray, "n horizon targets levels"]]:
        """The point forecasts and quantiles as the net says them."""
        names = [self.names[slot] for slot in slots.tolist()]
        rows = horizon if self.samples else self.shape.horizon  # nets say all of their horizon, but paths end anywhere
        known = np.zeros((len(slots), rows, self.shape.known))
        if self.shape.futures:
            further = np.minimum(np.arange(rows), future.shape[1] - 1)  # what is not told goes on as it was
            known[..., : self.shape.futures] = self._scaled(slots, future)[:, further]
        if self.shape.calendar and self.reads_ahead:
            known[..., self.shape.futures :] = self._calendar(self.residents["last"][slots], rows)
        mean, quantiles = self.decoder.quantiles(Asked(slots, names, known))
        return mean[:, :horizon], quantiles[:, :horizon]

    def _dated(
        self,
        slots: Int64[np.ndarray, " n"],
        mean: Float64[np.ndarray, "n horizon targets"],
        quantiles: Float64[np.ndarray, "n horizon targets levels"],
    ) -> Forecast:
        """What the net says, with names and times."""
        cutoffs = self.residents["last"][slots]
        times = self._times(cutoffs, mean.shape[1])
        if self.clock.dated:
            times, cutoffs = times.view("datetime64[us]"), cutoffs.view("datetime64[us]")
        return Forecast(
            ids=tuple(self.names[slot] for slot in slots.tolist()),
            targets=self.targets,
            series=np.arange(len(slots)),
            cutoffs=cutoffs,
            times=times,
            mean=mean,
            levels=self.shape.levels,
            quantiles=quantiles,
        )

    def _scaled(self, slots: Int64[np.ndarray, " n"], future: Float64[np.ndarray, "n horizon futures"]) -> np.ndarray:
        """What is known in advance, scaled as in training."""
        first = self.shape.channels - self.shape.futures
        centre, scale = (self.residents[name][slots, None, first:] for name in ("centre", "scale"))
        return np.asarray((future.astype(np.float32) - centre) / scale)

    def _calendar(self, last: Int64[np.ndarray, " n"], horizon: int) -> Float32[np.ndarray, "n horizon calendar"]:
        """The calendar of the rows after each time."""
        different, which = np.unique(last, return_inverse=True)
        return np.stack([self.calendars.after(time, horizon) for time in different.tolist()])[which]

    def _times(self, last: Int64[np.ndarray, " n"], horizon: int) -> Int64[np.ndarray, "n horizon"]:
        """The times of the rows after each time."""
        if self.clock.step is not None:
            return last[:, None] + self.clock.step * np.arange(1, horizon + 1)
        different, which = np.unique(last, return_inverse=True)
        return np.stack([self.clock.after(time, horizon) for time in different.tolist()])[which]


def _uncalibrated(forecaster: RecurrentForecaster) -> Calibration:
    """Quantiles as the net says them; those of a point are the point itself."""
    levels, targets = forecaster.config.network.levels or (0.5,), len(forecaster.fitted_.columns.target)
    zeros = ((0.0,) * len(levels),) * targets
    return Calibration(levels, (zeros,) * forecaster.config.horizon)
