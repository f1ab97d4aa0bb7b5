"""The errors of one forecaster over a backtest, and the scale that makes them comparable between series."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.panel import Panel
from gatecast.evaluation.metrics import (
    Interval,
    coverage,
    interval_score,
    mae,
    mase,
    msis,
    pinball,
    rmse,
    seasonal_error,
    shares_below,
    smape,
)
from gatecast.evaluation.results import Score
from gatecast.forecast import Forecast

FEW = 3  # series that a note names


def mase_scales(
    panel: Panel, season: int, ends: Int64[np.ndarray, " series"]
) -> tuple[Float64[np.ndarray, "series targets"], tuple[str, ...]]:
    """The seasonal error of rows `[0, ends[i])` of every series and target, and notes on where it could not be had.

    Without two rows a season apart, or where all of them are equal, the scale is the error of the last value (a season
    of 1); where that is not to be had either, it is 1, so that the error is in the units of the data.
    """
    scale, used = scales_and_steps(panel, season, ends)
    return scale, scale_notes(odd_scales(panel, season, used), season)


def scales_and_steps(
    panel: Panel, season: int, ends: Int64[np.ndarray, " series"]
) -> tuple[Float64[np.ndarray, "series targets"], Int64[np.ndarray, "series targets"]]:
    """The scales as `mase_scales` has them, and the step of the error that each is: `season`, 1, or 0 for none."""
    scale = np.ones((len(panel.ids), len(panel.columns.target)))
    used = np.zeros(scale.shape, dtype=np.int64)
    for series, end in enumerate(ends.tolist()):
        for target, history in enumerate(panel.targets[panel.rows(series)][:end].astype(np.float64).T):
            for step in dict.fromkeys((season, 1)):
                error = seasonal_error(history, step)
                if error > 0:
                    scale[series, target], used[series, target] = error, step
                    break
    return scale, used


@dataclass(frozen=True)
class OddScales:
    """The series whose MASE is scaled in another way than by the seasonal error: how many, and the first few."""

    step: int
    count: int
    first: tuple[str, ...]


def odd_scales(panel: Panel, season: int, used: Int64[np.ndarray, "series targets"]) -> tuple[OddScales, ...]:
    """Those scaled by the error of the last value (a step of 1), then those by 1 (a step of 0)."""
    found = []
    for step in (1, 0):
        series = np.flatnonzero((used == step).any(axis=1)) if step != season else np.array([], dtype=np.int64)
        if len(series):
            found.append(OddScales(step, len(series), tuple(panel.ids[number] for number in series[:FEW].tolist())))
    return tuple(found)


def scale_notes(odd: Sequence[OddScales], season: int) -> tuple[str, ...]:
    """The odd scales in words."""
    return tuple(_note(each, season) for each in odd)


def _note(odd: OddScales, season: int) -> str:
    names = ", ".join(f'"{name}"' for name in odd.first)
    more = f" and {odd.count - FEW:,} more" if odd.count > FEW else ""
    words = "the error of the last value" if odd.step else "1, for they do not change at all"
    return (
        f"the MASE of series {names}{more} is scaled by {words}: before the test part they have no two "
        f"different values {season} rows apart."
    )


def score_forecast(
    name: str,
    actual: Float64[np.ndarray, "windows horizon targets"],
    forecast: Forecast,
    scale: Float64[np.ndarray, "series targets"],
) -> Score:
    """Every error of one forecaster; MASE is averaged over series and targets, the others over observed values."""
    mean, levels = forecast.mean, np.asarray(forecast.levels, dtype=np.float64)
    interval = _interval(forecast)
    below = shares_below(actual, forecast.quantiles).tolist()
    return Score(
        model=name,
        mase=_mase(actual, forecast, scale),
        rmse=rmse(actual, mean),
        mae=mae(actual, mean),
        smape=smape(actual, mean),
        pinball=pinball(actual, forecast.quantiles, levels) if len(levels) else None,
        coverage=coverage(actual, interval.low, interval.high) if interval else None,
        interval_score=interval_score(actual, interval) if interval else None,
        msis=_msis(actual, forecast, interval, scale) if interval else None,
        below={f"q{level:g}": share for level, share in zip(forecast.levels, below, strict=True)} or None,
    )


def _interval(forecast: Forecast) -> Interval | None:
    """Between the outermost quantiles; None for a point forecaster."""
    if len(forecast.levels) < 2:
        return None
    return Interval(forecast.quantiles[..., 0], forecast.quantiles[..., -1], forecast.levels[0], forecast.levels[-1])


def score_steps(
    actual: Float64[np.ndarray, "windows horizon targets"],
    forecast: Forecast,
    scale: Float64[np.ndarray, "series targets"],
) -> dict[str, tuple[float, ...]]:
    """MASE, MAE, RMSE and coverage at each step of the horizon; NaN at a step where nothing was ever observed."""
    steps = range(actual.shape[1])
    interval = _interval(forecast)
    low_high = [] if interval is None else [(interval.low[:, step], interval.high[:, step]) for step in steps]
    covered = tuple(coverage(actual[:, step], low, high) for step, (low, high) in enumerate(low_high))
    return {
        "mase": tuple(_mase(actual, forecast, scale, slice(step, step + 1)) for step in steps),
        "mae": tuple(mae(actual[:, step], forecast.mean[:, step]) for step in steps),
        "rmse": tuple(rmse(actual[:, step], forecast.mean[:, step]) for step in steps),
    } | ({"coverage": covered} if covered else {})


def window_losses(
    actual: Float64[np.ndarray, "windows horizon targets"],
    forecast: Forecast,
    scale: Float64[np.ndarray, "series targets"],
) -> Float64[np.ndarray, " windows"]:
    """The mean absolute scaled error of each window, over the values observed in it; every window needs one."""
    error = np.abs(actual - forecast.mean) / scale[forecast.series][:, None, :]
    return np.asarray(np.nanmean(error, axis=(1, 2)), dtype=np.float64)


def _mase(
    actual: Float64[np.ndarray, "windows horizon targets"],
    forecast: Forecast,
    scale: Float64[np.ndarray, "series targets"],
    steps: slice = slice(None),
) -> float:
    """MASE with each target of a series counted as a series of its own."""
    by_column = _by_column(actual[:, steps]), _by_column(forecast.mean[:, steps])
    return mase(*by_column, *_columns(forecast, scale))


def _msis(
    actual: Float64[np.ndarray, "windows horizon targets"],
    forecast: Forecast,
    interval: Interval,
    scale: Float64[np.ndarray, "series targets"],
) -> float:
    """MSIS with each target of a series counted as a series of its own."""
    ends = replace(interval, low=_by_column(interval.low), high=_by_column(interval.high))
    return msis(_by_column(actual), ends, *_columns(forecast, scale))


def _by_column(
    values: Float64[np.ndarray, "windows horizon targets"],
) -> Float64[np.ndarray, "windows_and_targets horizon"]:
    """Each target of a window as a window of its own."""
    return values.transpose(0, 2, 1).reshape(-1, values.shape[1])


def _columns(
    forecast: Forecast, scale: Float64[np.ndarray, "series targets"]
) -> tuple[Float64[np.ndarray, " windows_and_targets"], Int64[np.ndarray, " windows_and_targets"]]:
    """The scale of each window and target, and the series it then counts for."""
    targets = scale.shape[1]
    column = forecast.series[:, None] * targets + np.arange(targets)
    return scale[forecast.series].reshape(-1), column.reshape(-1)
