"""Errors of forecasts.  Missing actuals (NaN) are left out of every mean; what is averaged over what is said at each.

Arrays start with one axis of windows; the axes after it (steps, targets) may be of any number.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64


@dataclass(frozen=True, eq=False)
class Interval:
    """Two quantile forecasts, each of the actuals' shape, and their levels: 0.1 and 0.9 for an 80 % interval."""

    low: Float64[np.ndarray, "*shape"]
    high: Float64[np.ndarray, "*shape"]
    low_level: float
    high_level: float


def mae(actual: Float64[np.ndarray, "*shape"], forecast: Float64[np.ndarray, "*shape"]) -> float:
    """Mean absolute error over every observed value, in the units of the data."""
    return _mean(np.abs(actual - forecast))


def rmse(actual: Float64[np.ndarray, "*shape"], forecast: Float64[np.ndarray, "*shape"]) -> float:
    """Root of the mean squared error over every observed value, in the units of the data."""
    return float(np.sqrt(_mean((actual - forecast) ** 2)))


def smape(actual: Float64[np.ndarray, "*shape"], forecast: Float64[np.ndarray, "*shape"]) -> float:
    """Symmetric error in percent: the mean of 200 |y - f| / (|y| + |f|) over every observed value; between 0 and 200.

    As in the M4 competition (Makridakis, Spiliotis & Assimakopoulos 2020, eq. 1).  Where actual and forecast are both
    zero the forecast is right, and the term counts 0.
    """
    size = np.abs(actual) + np.abs(forecast)
    return _mean(200 * np.abs(actual - forecast) / np.where(size == 0, 1.0, size))


def mase(
    actual: Float64[np.ndarray, "windows ..."],
    forecast: Float64[np.ndarray, "windows ..."],
    scale: Float64[np.ndarray, " windows"],
    series: Int64[np.ndarray, " windows"] | None = None,
) -> float:
    """Mean absolute scaled error (Hyndman & Koehler 2006): the error over what the scale calls a usual error.

    Taken for each series over its own windows first, then averaged over series, so that a long series counts as much
    as a short one, as in the M4 competition.  A series without any actual is left out.

    Args:
        actual: NaN where missing.
        forecast: of the same shape.
        scale: for each window, the `seasonal_error` of its series, in the units of the data.
        series: which series each window belongs to; None when every window is a series of its own.
    """
    return _scaled(np.abs(actual - forecast), scale, series)


def msis(
    actual: Float64[np.ndarray, "windows ..."],
    interval: Interval,
    scale: Float64[np.ndarray, " windows"],
    series: Int64[np.ndarray, " windows"] | None = None,
) -> float:
    """Mean scaled interval score, scaled and averaged as `mase` is (M4 competition: Makridakis et al. 2020)."""
    return _scaled(_interval_scores(actual, interval), scale, series)


def _scaled(
    error: Float64[np.ndarray, "windows ..."],
    scale: Float64[np.ndarray, " windows"],
    series: Int64[np.ndarray, " windows"] | None,
) -> float:
    """The mean over series of the mean error of each over its scale."""
    series = np.arange(len(error)) if series is None else series
    error = error.reshape(len(error), -1) / scale[:, None]
    seen = np.isfinite(error)
    total = np.bincount(series, weights=np.where(seen, error, 0.0).sum(axis=1))
    count = np.bincount(series, weights=seen.sum(axis=1))
    return float(np.mean(total[count > 0] / count[count > 0])) if (count > 0).any() else float("nan")


def seasonal_error(history: Float64[np.ndarray, " rows"], season: int) -> float:
    """The scale of MASE: mean |x_t - x_{t - season}| within the history; NaN when no such pair is observed."""
    return _mean(np.abs(history[season:] - history[:-season]))


def pinball(
    actual: Float64[np.ndarray, "*shape"],
    quantiles: Float64[np.ndarray, "*shape levels"],
    levels: Float64[np.ndarray, " levels"],
) -> float:
    """Quantile loss: the mean over observed values and levels of max(l d, (l - 1) d) with d = y - q (Koenker 1978).

    Half the absolute error when the only level is 0.5; in the units of the data.
    """
    miss = actual[..., None] - quantiles
    return _mean(np.maximum(levels * miss, (levels - 1) * miss))


def coverage(
    actual: Float64[np.ndarray, "*shape"],
    low: Float64[np.ndarray, "*shape"],
    high: Float64[np.ndarray, "*shape"],
) -> float:
    """The share of observed values within [low, high], both ends included; between 0 and 1."""
    inside: Bool[np.ndarray, "*shape"] = (low <= actual) & (actual <= high)
    return _mean(np.where(np.isfinite(actual), inside.astype(np.float64), np.nan))


def shares_below(
    actual: Float64[np.ndarray, "*shape"], quantiles: Float64[np.ndarray, "*shape levels"]
) -> Float64[np.ndarray, " levels"]:
    """The share of observed values at or below each quantile, which should be its level; between 0 and 1."""
    below = np.where(np.isfinite(actual)[..., None], actual[..., None] <= quantiles, np.nan)
    return np.asarray([_mean(level) for level in np.moveaxis(below, -1, 0)], dtype=np.float64)


def interval_score(actual: Float64[np.ndarray, "*shape"], interval: Interval) -> float:
    """The width of an interval and the price of its misses, in the units of the data (Gneiting & Raftery 2007, eq. 43).

    The mean over observed values of (high - low) + (low - y)+ / l + (y - high)+ / (1 - h) for the levels l and h; for
    the 80 % interval both misses are divided by 0.1.  The true quantiles have the lowest expected score.
    """
    return _mean(_interval_scores(actual, interval))


def _interval_scores(actual: Float64[np.ndarray, "*shape"], interval: Interval) -> Float64[np.ndarray, "*shape"]:
    below = np.maximum(interval.low - actual, 0.0) / interval.low_level
    above = np.maximum(actual - interval.high, 0.0) / (1 - interval.high_level)
    return interval.high - interval.low + below + above


def _mean(values: Float64[np.ndarray, "*shape"]) -> float:
    """The mean of what is not NaN; NaN when nothing is left."""
    seen = ~np.isnan(values)
    return float(values[seen].mean()) if seen.any() else float("nan")
