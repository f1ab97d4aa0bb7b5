"""Between tables and streams: the rows of a panel as arrivals, and forecasts side by side."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int64

from gatecast.data.categories import recode
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel
from gatecast.errors import ColumnError, OptionError
from gatecast.forecast import Forecast
from gatecast.streaming.intake import Arrivals


def arrivals_of(panel: Panel, columns: Columns) -> Arrivals:
    """The known rows of a table, a series at a time, with the codes of the words that training has seen.

    Raises:
        ColumnError: the table has not the columns that the net reads.
    """
    if panel.columns.channels != columns.channels or panel.columns.static != columns.static:
        raise ColumnError(
            f"this net reads the columns {', '.join(columns.channels + columns.static)}, in this order; got "
            f"{', '.join(panel.columns.channels + panel.columns.static)}."
        )
    panel = recode(panel, columns.categories)
    series, places = known_rows(panel)
    names = np.array(panel.ids, dtype=object)[series].tolist()
    return Arrivals(names, counted_times(panel)[places].tolist(), panel.values[places])


def known_rows(panel: Panel) -> tuple[Int64[np.ndarray, " rows"], Int64[np.ndarray, " rows"]]:
    """The rows of a table that are known, a series at a time: the series of each, and its place in the flat arrays."""
    known = panel.known()
    places = [np.arange(count) + first for count, first in zip(known, panel.offsets[:-1], strict=True)]
    return np.repeat(np.arange(len(panel.ids)), known), np.concatenate(places)


def counted_times(panel: Panel) -> Int64[np.ndarray, " rows"]:
    """The times of all rows of a table, as a stream's clock counts them."""
    return (panel.times.astype("datetime64[us]") if panel.dated else panel.times).astype(np.int64)


def at_levels(forecast: Forecast, levels: Sequence[float]) -> Forecast:
    """The forecast with some of its quantiles, in the order of their levels.

    Raises:
        OptionError: a level is not among those of the forecast.
    """
    unknown = [level for level in levels if level not in forecast.levels]
    if unknown:
        raise OptionError(
            f"quantile {unknown[0]:g} is not among those of this model: "
            f"{' '.join(f'{level:g}' for level in forecast.levels) or 'it forecasts a point'}."
        )
    chosen = tuple(sorted(set(levels)))
    places = [forecast.levels.index(level) for level in chosen]
    return replace(forecast, levels=chosen, quantiles=forecast.quantiles[..., places])


def window(forecast: Forecast, number: int) -> Forecast:
    """One window of a forecast, on its own."""
    one = slice(number, number + 1)
    return _with_windows(forecast, forecast.ids[one], [each[one] for each in _windows(forecast)])


def side_by_side(forecasts: Sequence[Forecast]) -> Forecast:
    """Forecasts of one window each as one forecast."""
    ids = tuple(name for each in forecasts for name in each.ids)
    parts = zip(*map(_windows, forecasts), strict=True)
    return _with_windows(forecasts[0], ids, [np.concatenate(part) for part in parts])


def _windows(forecast: Forecast) -> tuple[np.ndarray, ...]:
    return forecast.cutoffs, forecast.times, forecast.mean, forecast.quantiles


def _with_windows(forecast: Forecast, ids: tuple[str, ...], windows: Sequence[np.ndarray]) -> Forecast:
    cutoffs, times, mean, quantiles = windows
    series = np.arange(len(ids))
    return replace(forecast, ids=ids, series=series, cutoffs=cutoffs, times=times, mean=mean, quantiles=quantiles)
