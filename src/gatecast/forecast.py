"""A forecast, and what it takes to be a forecaster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
from jaxtyping import Float32, Float64, Int64

from gatecast.data.frequency import show_time
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import InputError
from gatecast.showing import Card, Curve, number, short, thinned

SHOWN = 5  # windows that a notebook shows


@dataclass(frozen=True, eq=False)
class Forecast:
    """Forecasts from several origins, always on the original scale.

    Attributes:
        ids: the name of each series of the panel.
        targets: the names of the target columns.
        series: which series each window belongs to.
        cutoffs: the time of the last row each window knew; (windows,).
        times: the times forecast; (windows, horizon).
        mean: the point forecast (for a net trained on quantiles, the median).
        levels: the quantile levels, ascending; empty for a point forecaster.
        quantiles: one forecast for each level.
        samples: sample paths, where they were asked for; one path is one way that all steps may go together.
    """

    ids: tuple[str, ...]
    targets: tuple[str, ...]
    series: Int64[np.ndarray, " windows"]
    cutoffs: np.ndarray
    times: np.ndarray
    mean: Float64[np.ndarray, "windows horizon targets"]
    levels: tuple[float, ...]
    quantiles: Float64[np.ndarray, "windows horizon targets levels"]
    samples: Float64[np.ndarray, "windows paths horizon targets"] | None = None

    def __repr__(self) -> str:
        return _card(self).text()

    def _repr_html_(self) -> str:
        return _card(self).html()

    def to_frame(self) -> pl.DataFrame:
        """One row for each window and step: `unique_id, cutoff, ds, mean, q0.1, ...`.

        With several targets a column `target` follows `unique_id`.
        """
        windows, horizon, targets = self.mean.shape
        names = pl.Series(self.ids, dtype=pl.String)
        data: dict[str, object] = {"unique_id": names.gather(np.repeat(self.series, horizon * targets))}
        if targets > 1:
            data["target"] = list(self.targets) * (windows * horizon)
        data["cutoff"] = np.repeat(self.cutoffs, horizon * targets)
        data["ds"] = np.repeat(self.times.reshape(-1), targets)
        data["mean"] = self.mean.reshape(-1)
        for index, level in enumerate(self.levels):
            data[f"q{level:g}"] = self.quantiles[..., index].reshape(-1)
        return pl.DataFrame(data)


def _card(forecast: Forecast) -> Card:
    """How much is forecast, and the first windows."""
    windows, horizon, _ = forecast.mean.shape
    levels = ", ".join(f"{level:g}" for level in forecast.levels)
    facts = {"windows": f"{windows:,}", "of series": f"{len(np.unique(forecast.series)):,}"}
    facts["rows ahead"] = f"{horizon:,}"
    facts |= {"target": short(", ".join(forecast.targets))} | ({"quantiles": levels} if levels else {})
    facts |= {} if forecast.samples is None else {"sample paths": f"{forecast.samples.shape[1]:,}"}
    return Card(
        title="Forecast",
        facts=tuple(facts.items()),
        columns=("series", "cutoff", f"{short(forecast.targets[0], 20)} ahead", "first", "last"),
        rows=tuple(_window(forecast, window) for window in range(min(windows, SHOWN))),
        below=f"{windows - SHOWN:,} more windows; .to_frame() has them all" if windows > SHOWN else "",
    )


def _window(forecast: Forecast, window: int) -> tuple[str | Curve, ...]:
    mean, name = forecast.mean[window, :, 0], forecast.ids[forecast.series[window]]
    ends = number(float(mean[0])), number(float(mean[-1]))
    return short(name), show_time(forecast.cutoffs[window]), curve_ahead(forecast, window), *ends


def curve_ahead(forecast: Forecast, window: int, seen: Sequence[float] = ()) -> Curve:
    """The first target of one window with its outermost quantiles, after what was `seen`."""
    mean, quantiles = forecast.mean[window, :, 0], forecast.quantiles[window, :, 0]
    if len(forecast.levels) < 2:
        return Curve(thinned(seen), thinned(mean.tolist()))
    low, high = (thinned(quantiles[:, place].tolist()) for place in (0, -1))
    return Curve(thinned(seen), thinned(mean.tolist()), low, high)


@runtime_checkable
class Forecaster(Protocol):
    """Anything that can be judged: the net, a baseline, or somebody else's model.

    `forecast` may read rows `[0, position)` of each origin's series and no other row: the backtest's tests poison the
    rest.  It returns one window for each origin, in order, as `point_forecast` builds it.
    """

    @property
    def name(self) -> str:
        """The name in score tables, such as `gru` or `seasonal_naive`."""
        ...

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast `horizon` rows from each origin."""
        ...


@runtime_checkable
class Stateful(Forecaster, Protocol):
    """A forecaster that reads a whole series and carries its state along, so that it may drift on a long one."""

    def bounded(self, panel: Panel, origins: Origins, horizon: int, context: int) -> Forecast:
        """Forecast as `forecast` does, with a state that has read nothing but the `context` rows before each origin.

        Raises:
            OptionError: this one carries no state after all; the message says why.
        """
        ...


@runtime_checkable
class Stream(Protocol):
    """One series, row by row."""

    def observe(self, row: Float32[np.ndarray, " channels"]) -> None:
        """Take in the next row: the channels of `Panel.values`, NaN where missing."""
        ...

    def forecast(self, horizon: int) -> Float64[np.ndarray, "horizon targets"]:
        """The point forecast of the next `horizon` rows, on the original scale."""
        ...


@runtime_checkable
class Streamable(Forecaster, Protocol):
    """A forecaster that can take one observation at a time."""

    def stream(self, panel: Panel, series: int, start: int) -> Stream:
        """A stream that has seen rows `[0, start)` of one series, and waits for row `start`.

        From `start` on it may read the panel's times and future covariates; the rest comes by `observe`.

        Raises:
            OptionError: this one cannot be streamed after all; the message says why.
        """
        ...


def origin_cutoffs(panel: Panel, origins: Origins) -> np.ndarray:
    """The time of the last row that each origin knows; (windows,)."""
    return np.asarray(panel.times[panel.offsets[origins.series] + origins.position - 1])


def forecast_times(panel: Panel, origins: Origins, horizon: int) -> np.ndarray:
    """The times that each origin forecasts; (windows, horizon)."""
    step = _even_step(panel)
    if step is not None:
        return np.asarray(origin_cutoffs(panel, origins)[:, None] + np.arange(1, horizon + 1) * step)
    times = np.empty((len(origins), horizon), dtype=panel.times.dtype)
    for series, mine in origins.by_series():
        own = panel.times[panel.rows(series)]
        beyond = int(origins.position[mine].max()) + horizon - len(own)
        if beyond > 0:
            own = np.concatenate([own, panel.horizon_times(series, len(own), beyond)])
        times[mine] = np.lib.stride_tricks.sliding_window_view(own, horizon)[origins.position[mine]]
    return times


def _even_step(panel: Panel) -> np.timedelta64 | int | None:
    """What lies between all rows, where it is always the same."""
    if not np.issubdtype(panel.times.dtype, np.datetime64):
        return 1
    step = panel.frequency.fixed_step
    return None if step is None or panel.frequency.unit == "irregular" else np.timedelta64(step, "us")


def make_forecast(
    panel: Panel,
    origins: Origins,
    mean: Float64[np.ndarray, "windows horizon targets"],
    levels: Sequence[float] = (),
    quantiles: Float64[np.ndarray, "windows horizon targets levels"] | None = None,
) -> Forecast:
    """Dress arrays as a Forecast; `levels` and `quantiles` are left out by point forecasters."""
    cutoffs, times = origin_cutoffs(panel, origins), forecast_times(panel, origins, mean.shape[1])
    if quantiles is None:
        quantiles = np.empty((*mean.shape, 0))
    return Forecast(panel.ids, panel.columns.target, origins.series, cutoffs, times, mean, tuple(levels), quantiles)


def checked(forecast: Forecast) -> Forecast:
    """The forecast, if all of it are numbers.

    Raises:
        InputError: of some series it is not.
    """
    for window in np.flatnonzero(~np.isfinite(forecast.mean).all(axis=(1, 2)))[:1]:
        raise InputError(
            f'the forecast of series "{forecast.ids[forecast.series[window]]}" is no number: the net has grown past '
            f"what float32 holds, as one with a state that nothing bounds can (cell=rnn or indrnn with relu). Look for "
            f"extreme values among its newest rows, or train with cell=gru."
        )
    return forecast
