"""Intervals that follow a series while it changes: each miss moves the quantile of its step by a little.

Adaptive conformal inference (Gibbs & Candes 2021) moves the level at which a quantile of past residuals is read:
alpha_{t+1} = alpha_t + gamma (alpha - err_t).  Here the quantile itself moves, in units of the forecast's own width
(the quantile tracking of Angelopoulos, Candes & Tibshirani 2023): offset_{t+1} = offset_t + rate (q - [y_t <= Q_t]).
That keeps no residuals, so an observation costs the same however many came before, and on hourly and half-hourly tables
its intervals had the lower interval score at the same coverage (`benchmarks/interval_coverage.py`).

An observation settles one forecast of every step at once, and when a series grows harder to forecast all steps miss.
So one part of the offset is shared by all of them and moves by the mean of their misses, which chance sways less than
one miss alone; beside it the own part of each step can move slowly.  On half-hourly demand that held more, at a lower
score, than a rate of 0.02 for each step alone; on hourly temperatures it was level with that.  The price of both: after
a jump of so many widths it takes some jump / rate observations to follow, where ranks among the newest residuals take a
few dozen.

Whatever the series does, the sum of its own moves telescopes: over T observations of a step, the share below its
quantile differs from q by |own_T - own_0| / (rate T), which goes to zero as long as the residuals are bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float64, Int64

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
        rate: how far a miss moves the quantile of its own step, in units; 0 never moves any.
        shared_rate: how far it moves those of all steps, if all steps missed.
        offsets: of each step, as they stand; (horizon, targets, levels).
        shared: of all steps, to be added to them.
        open: what was said, newest first: place h holds the forecast issued h observations ago, or None.
    """

    start: Calibration
    rate: float
    shared_rate: float
    offsets: Said
    shared: Float64[np.ndarray, "targets levels"]
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
        return base + unit[..., None] * (self.offsets[: len(base)] + self.shared)

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
        moves = np.asarray(self.start.levels) - below
        moves[:, ~np.isfinite(actual)] = 0.0
        if not self.start.move_median:
            moves[..., np.asarray(self.start.levels) == 0.5] = 0.0
        offsets = self.offsets.copy()
        offsets[due] += self.rate * moves
        return replace(self, offsets=offsets, shared=self.shared + self.shared_rate * moves.mean(axis=0), open=later)


def adaptive(calibration: Calibration, rate: float = 0.005, shared_rate: float = 0.02) -> AdaptiveCalibration:
    """Begin with a calibration.

    Raises:
        OptionError: a rate is negative or not a number.
    """
    for name, value in (("rate", rate), ("shared_rate", shared_rate)):
        if not (np.isfinite(value) and value >= 0):
            raise OptionError(f"{name} is how far a miss moves a quantile, in units, and not below 0; got {value}.")
    offsets = calibration.array
    waiting = (None,) * len(offsets)
    return AdaptiveCalibration(calibration, rate, shared_rate, offsets, np.zeros_like(offsets[0]), waiting)


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
        windows = np.flatnonzero(origins.series == series)
        windows = windows[np.argsort(origins.position[windows], kind="stable")]
        position = origins.position[windows]
        issued = Issued(position, base[windows], unit[windows])
        states = follow(start, _rows(position, actual[windows]), issued, position)
        for window, state in zip(windows, states, strict=True):
            said[window] = state.moved(base[window], unit[window])
    return in_order(forecast, said, start.start.levels)


class Issued(NamedTuple):
    """Forecasts of one series, not calibrated, in the order of their origins.

    Attributes:
        position: of the origins.
        base: their quantiles.
        unit: the length of a unit at each value.
    """

    position: Int64[np.ndarray, " windows"]
    base: Float64[np.ndarray, "windows horizon targets levels"]
    unit: Float64[np.ndarray, "windows horizon targets"]


def follow(
    state: AdaptiveCalibration,
    rows: tuple[int, Float64[np.ndarray, "rows targets"]],
    issued: Issued,
    wanted: Int64[np.ndarray, " wanted"],
) -> Iterator[AdaptiveCalibration]:
    """The state at each of some positions of one series, in ascending order.

    Args:
        state: at the first position.
        rows: the position of the first row, and what came from there on; NaN where missing.
        issued: what is said on the way, each by the state that it finds.
        wanted: the positions.
    """
    first, came = rows
    said = {position: window for window, position in enumerate(issued.position.tolist())}
    asked = set(wanted.tolist())
    known = first
    for position in sorted(asked | said.keys()):
        for row in came[known - first : position - first]:
            state = state.observe(row)
        known = position
        if position in asked:
            yield state
        if position in said:
            window = said[position]
            state = state.remember(state.moved(issued.base[window], issued.unit[window]))


def _rows(
    position: Int64[np.ndarray, " windows"], actual: Float64[np.ndarray, "windows horizon targets"]
) -> tuple[int, Float64[np.ndarray, "rows targets"]]:
    """The first position, and the rows that windows in their order show from there on."""
    first = int(position[0])
    rows = np.full((int(position[-1]) - first + actual.shape[1], actual.shape[2]), np.nan)
    for start, window in zip(position.tolist(), actual, strict=True):
        rows[start - first :][: len(window)] = window
    return first, rows
