"""Intervals that follow a series while it changes: each miss moves the quantile of its step by a little.

Adaptive conformal inference (Gibbs & Candes 2021) moves the level at which a quantile of past residuals is read:
alpha_{t+1} = alpha_t + gamma (alpha - err_t).  Here the quantile itself moves, in units of the forecast's own width
(the quantile tracking of Angelopoulos, Candes & Tibshirani 2023): offset_{t+1} = offset_t + rate (q - [y_t <= Q_t]).
That keeps no residuals, so an observation costs the same however many came before, and on hourly and half-hourly tables
its intervals had the lower interval score at the same coverage (`benchmarks/interval_coverage.py`).
The price: after a jump of so many widths it takes some jump / rate observations to follow, where ranks among the newest
residuals take a few dozen.

Whatever the series does, the sum telescopes: over T observations of a step, the share below its quantile differs from q
by |offset_T - offset_0| / (rate T), which goes to zero as long as the residuals are bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float64

from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.evaluation.calibration import Calibration, in_order, units
from gatecast.forecast import Forecast

Said = Float64[np.ndarray, "horizon targets levels"]


@final
@dataclass(frozen=True, eq=False)
class AdaptiveCalibration:
    """The offsets of one series as they stand, and what was forecast but not yet observed; a value.

    A forecast from origin t speaks of row t + h at step h, and the error of that step is known h rows later: `issue`
    remembers what was said, and `observe` settles, for each step, the forecast that spoke of the row that came.

    Attributes:
        start: the calibration it began with.
        rate: how far a miss moves a quantile, in units; 0 never moves any.
        offsets: as they stand; (horizon, targets, levels).
        open: what was said, newest first: place h holds the forecast issued h observations ago, or None.
    """

    start: Calibration
    rate: float
    offsets: Said
    open: tuple[Said | None, ...]

    def issue(
        self, forecast: Forecast, scale: Float64[np.ndarray, "1 targets"]
    ) -> tuple[Forecast, "AdaptiveCalibration"]:
        """The forecast of one window with its quantiles moved as they stand, and the state that remembers it.

        Raises:
            OptionError: the forecast does not fit the calibration.
        """
        base = self.start.base(forecast, scale)
        said = self.moved(base[0], units(base, scale, self.start.unit)[0])
        return in_order(forecast, said[None], self.start.levels), self.remember(said)

    def moved(self, base: Said, unit: Float64[np.ndarray, "horizon targets"]) -> Said:
        """Quantiles moved as the offsets stand, not yet put in order."""
        return base + unit[..., None] * self.offsets[: len(base)]

    def remember(self, said: Said) -> "AdaptiveCalibration":
        """The state that will hold what was said against what comes."""
        return replace(self, open=(said, *self.open[1:]))

    def observe(self, actual: Float64[np.ndarray, " targets"]) -> "AdaptiveCalibration":
        """The state after one more row; NaN where it is missing, which moves nothing.

        Raises:
            OptionError: not one value for each target.
        """
        if actual.shape != self.offsets.shape[1:2]:
            raise OptionError(
                f"an observation holds one value for each of {self.offsets.shape[1]} targets, got shape {actual.shape}."
            )
        due = [step for step, said in enumerate(self.open) if said is not None and step < len(said)]
        later = (None, *self.open[:-1])
        if not due:
            return replace(self, open=later)
        below = actual[:, None] <= np.stack([said[step] for step in due if (said := self.open[step]) is not None])
        moves = self.rate * (np.asarray(self.start.levels) - below)
        moves[:, ~np.isfinite(actual)] = 0.0
        if not self.start.move_median:
            moves[..., np.asarray(self.start.levels) == 0.5] = 0.0
        offsets = self.offsets.copy()
        offsets[due] += moves
        return replace(self, offsets=offsets, open=later)


def adaptive(calibration: Calibration, rate: float = 0.01) -> AdaptiveCalibration:
    """Begin with a calibration.

    Raises:
        OptionError: the rate is negative or not a number.
    """
    if not (np.isfinite(rate) and rate >= 0):
        raise OptionError(f"rate is how far a miss moves a quantile, in units, and not below 0; got {rate}.")
    return AdaptiveCalibration(calibration, rate, calibration.array, (None,) * len(calibration.offsets))


def adapt(
    start: AdaptiveCalibration,
    forecast: Forecast,
    actual: Float64[np.ndarray, "windows horizon targets"],
    origins: Origins,
    scale: Float64[np.ndarray, "windows targets"],
) -> Forecast:
    """Calibrate forecasts from rolling origins as they would have been while the rows came in.

    Each series walks on its own from `start`; at an origin only rows before its position were observed, and only
    errors of forecasts from the origins given.

    Args:
        start: the state before the first origin of each series.
        forecast: one window for each origin, in order, not calibrated.
        actual: what came; NaN where missing.
        origins: where the windows start.
        scale: as `Calibration.apply` takes it.

    Raises:
        OptionError: the windows of the forecast, the actuals and the origins are not the same.
    """
    if actual.shape != forecast.mean.shape or not np.array_equal(forecast.series, origins.series):
        raise OptionError(
            f"adapting needs the origins of the forecast and one actual for each of its values, "
            f"{forecast.mean.shape}; got {len(origins)} origins and actuals of {actual.shape}."
        )
    base = start.start.base(forecast, scale)
    unit = units(base, scale, start.start.unit)
    said = np.empty_like(base)
    for series in np.unique(origins.series).tolist():
        state = start
        for window, rows in _walk(np.flatnonzero(origins.series == series), origins.position, actual):
            for row in rows:
                state = state.observe(row)
            said[window] = state.moved(base[window], unit[window])
            state = state.remember(said[window])
    return in_order(forecast, said, start.start.levels)


def _walk(windows: np.ndarray, position: np.ndarray, actual: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The windows of one series in time order, each with the rows that came since the one before."""
    windows = windows[np.argsort(position[windows], kind="stable")]
    first, horizon = int(position[windows[0]]), actual.shape[1]
    rows = np.full((int(position[windows[-1]]) - first + horizon, actual.shape[2]), np.nan)
    for window in windows.tolist():
        rows[position[window] - first :][:horizon] = actual[window]
    known = 0
    for window in windows.tolist():
        now = int(position[window]) - first
        yield window, rows[known:now]
        known = now
