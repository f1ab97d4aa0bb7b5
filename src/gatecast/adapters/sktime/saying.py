"""Forecasts of the entries of a horizon: those ahead from the newest row, those behind from the rows before each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from gatecast.adapters.sktime.frames import series_name
from gatecast.adapters.sktime.horizon import Entries
from gatecast.adapters.sktime.past import Past
from gatecast.forecast import Forecast


class Said(NamedTuple):
    """What was said of all entries, series by series; NaN of rows that cannot be forecast.

    Attributes:
        mean: the point forecasts.
        levels: of the quantiles; none of a net for a point.
        quantiles: one forecast for each level.
    """

    mean: Float64[np.ndarray, "rows targets"]
    levels: tuple[float, ...]
    quantiles: Float64[np.ndarray, "rows targets levels"]


def say(past: Past, entries: Sequence[Entries], future: pl.DataFrame | None) -> Said:
    """The forecasts of all entries; `future` holds what is known of the rows ahead, where the net reads such things."""
    names = [series_name(each.cutoff.instance) for each in entries]
    series = np.repeat(np.arange(len(entries)), [len(each.steps) for each in entries])
    steps = np.concatenate([each.steps for each in entries])
    ahead = steps > 0
    parts: list[tuple[Int64[np.ndarray, " some"], Forecast, Int64[np.ndarray, " some"]]] = []
    if ahead.any():
        ends = {name: each.cutoff.newest for name, each in zip(names, entries, strict=True)}
        forecast = past.ahead(ends, int(steps.max()), future)
        parts.append((np.flatnonzero(ahead), forecast, series[ahead]))
    if not ahead.all():
        behind = np.flatnonzero(~ahead)
        stamps = np.concatenate([each.stamps for each in entries])[behind]
        found, can = past.behind([names[number] for number in series[behind]], stamps)
        if found is not None:
            parts.append((behind[can], found, np.arange(int(can.sum()))))
    return _joined(parts, np.maximum(steps, 1) - 1, len(past.model.forecaster.fitted_.columns.target))


def _joined(
    parts: Sequence[tuple[np.ndarray, Forecast, np.ndarray]], steps: Int64[np.ndarray, " rows"], targets: int
) -> Said:
    """The entries side by side: of each part their places, the forecast, and the window of each."""
    levels = parts[0][1].levels if parts else ()
    mean = np.full((len(steps), targets), np.nan)
    quantiles = np.full((len(steps), targets, len(levels)), np.nan)
    for places, forecast, windows in parts:
        mean[places] = forecast.mean[windows, steps[places]]
        quantiles[places] = forecast.quantiles[windows, steps[places]]
    return Said(mean, levels, quantiles)
