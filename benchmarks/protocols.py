"""The published protocols: what may be learnt from, where forecasts start, and how their errors are computed.

- *Long horizon* (Zhou et al. 2021 and after): z-scored columns, every window of the test part one row apart, no window
  left out; MSE and MAE over all values.  The lookback may reach over the border of the test part.
- *M4* (Makridakis et al. 2020): one origin, the end of the training file; sMAPE, MASE, OWA and MSIS of 95 % intervals.
- *GIFT-Eval* (Aksu et al. 2024): up to 20 windows without overlap at the end, one horizon apart; MASE in which each
  window and column counts the same, scaled by the rows before that window; CRPS as the mean weighted quantile loss.

Validation parts lie before the test part: one horizon in M4, as many rows as the test part in GIFT-Eval.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from jaxtyping import Float64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, Split, rolling_origins
from gatecast.evaluation.backtest import Backtest, backtest
from gatecast.evaluation.metrics import mase, seasonal_error, smape
from gatecast.forecast import Forecast, Forecaster

AT_ONCE = 20_000_000  # values of one forecast held in memory
GIFT_LEVELS = tuple(k / 10 for k in range(1, 10))
M4_LEVELS = (0.025, 0.5, 0.975)


@dataclass(frozen=True, eq=False)
class Protocol:
    """One judged piece of work.

    Attributes:
        panel: the table, test part included.
        split: the parts; nothing is learnt from rows at or after `validation_end`.
        origins: where the forecasts start that are judged.
        horizon: rows forecast from each.
        season: rows of a season, of the seasonal naive forecast and of MASE.
        errors: from this protocol and a forecaster to its errors, by name; the first one decides.
    """

    panel: Panel
    split: Split
    origins: Origins
    horizon: int
    season: int
    errors: Callable[["Protocol", Forecaster], dict[str, float]]


def long_horizon(panel: Panel, train: int, test: int, horizon: int, season: int) -> Protocol:
    """Rows `[0, train)`, validation, and the last `test` rows, every window of which is judged."""
    ends = panel.lengths
    split = Split(np.full_like(ends, train), ends - test, ends)
    origins = rolling_origins(split.validation_end, ends, horizon, 1)
    return Protocol(panel, split, origins, horizon, season, squared_and_absolute)


def m4_protocol(panel: Panel, horizon: int, season: int, naive2: tuple[float, float]) -> Protocol:
    """One origin a series, one horizon before its end; `naive2` is the sMAPE and MASE of the competition's Naive2."""
    ends = panel.lengths
    split = Split(ends - 2 * horizon, ends - horizon, ends)
    origins = rolling_origins(split.validation_end, ends, horizon, horizon)

    def errors(protocol: Protocol, forecaster: Forecaster) -> dict[str, float]:
        return m4_errors(protocol, forecaster, naive2)

    return Protocol(panel, split, origins, horizon, season, errors)


def gift_windows(panel: Panel, horizon: int) -> int:
    """How many windows GIFT-Eval judges: a tenth of the shortest series, 1 to 20."""
    return min(20, max(1, ceil(0.1 * int(panel.lengths.min()) / horizon)))


def gift_eval(panel: Panel, horizon: int, season: int, windows: int | None = None) -> Protocol:
    """The last windows of every series (by GIFT-Eval's rule where `windows` is None, 1 in its M4 configurations)."""
    ends = panel.lengths
    test = (windows or gift_windows(panel, horizon)) * horizon
    split = Split(ends - 2 * test, ends - test, ends)
    origins = rolling_origins(split.validation_end, ends, horizon, horizon)
    return Protocol(panel, split, origins, horizon, season, gift_errors)


def parts(protocol: Protocol) -> Iterator[Origins]:
    """The origins in parts whose forecasts fit into memory."""
    size = max(1, AT_ONCE // (protocol.horizon * len(protocol.panel.columns.target)))
    for start in range(0, len(protocol.origins), size):
        yield Origins(protocol.origins.series[start : start + size], protocol.origins.position[start : start + size])


def squared_and_absolute(protocol: Protocol, forecaster: Forecaster) -> dict[str, float]:
    """MSE and MAE over every observed value of every window."""
    squared, absolute, count = 0.0, 0.0, 0
    for origins in parts(protocol):
        result = backtest([forecaster], protocol.panel, origins, protocol.horizon)
        error = (result.actual - result.forecasts[forecaster.name].mean)[np.isfinite(result.actual)]
        squared, absolute, count = squared + np.square(error).sum(), absolute + np.abs(error).sum(), count + error.size
    return {"MSE": float(squared / count), "MAE": float(absolute / count)}


def m4_errors(protocol: Protocol, forecaster: Forecaster, naive2: tuple[float, float]) -> dict[str, float]:
    """OWA, sMAPE, MASE and, where there are quantiles .025 and .975, MSIS."""
    result, scale = judged(protocol, forecaster)
    forecast = result.forecasts[forecaster.name]
    s, m = smape(result.actual, forecast.mean), mase(result.actual, forecast.mean, scale)
    found = {"OWA": (s / naive2[0] + m / naive2[1]) / 2, "sMAPE": s, "MASE": m}
    if {M4_LEVELS[0], M4_LEVELS[-1]} <= set(forecast.levels):
        low, high = (forecast.quantiles[..., forecast.levels.index(level)] for level in (0.025, 0.975))
        found["MSIS"] = float((interval_scores(result.actual, low, high, 0.05).mean(axis=(1, 2)) / scale).mean())
    return found


def interval_scores(
    actual: Float64[np.ndarray, "*shape"],
    low: Float64[np.ndarray, "*shape"],
    high: Float64[np.ndarray, "*shape"],
    alpha: float,
) -> Float64[np.ndarray, "*shape"]:
    """The width, and 2 / alpha times what a value lies outside (Gneiting & Raftery 2007, eq. 43)."""
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return high - low + 2 / alpha * outside


def gift_errors(protocol: Protocol, forecaster: Forecaster) -> dict[str, float]:
    """MASE and, of a forecaster with quantiles .1 to .9, CRPS."""
    result, scale = judged(protocol, forecaster)
    forecast = result.forecasts[forecaster.name]
    found = {"MASE": mase(by_column(result.actual), by_column(forecast.mean), scale)}
    if set(GIFT_LEVELS) <= set(forecast.levels):
        found["CRPS"] = weighted_quantile_loss(result.actual, forecast)
    return found


def weighted_quantile_loss(actual: Float64[np.ndarray, "windows horizon targets"], forecast: Forecast) -> float:
    """Twice the summed quantile loss over the sum of |y|, averaged over the levels .1 to .9."""
    chosen = [forecast.levels.index(level) for level in GIFT_LEVELS]
    miss = actual[..., None] - forecast.quantiles[..., chosen]
    levels = np.asarray(GIFT_LEVELS)
    return float(np.nansum(2 * np.maximum(levels * miss, (levels - 1) * miss)) / 9 / np.nansum(np.abs(actual)))


def judged(protocol: Protocol, forecaster: Forecaster) -> tuple[Backtest, Float64[np.ndarray, " columns"]]:
    """The forecasts beside what came, and the seasonal error of the rows before each window, column by column."""
    result = backtest([forecaster], protocol.panel, protocol.origins, protocol.horizon)
    pairs = zip(result.origins.series.tolist(), result.origins.position.tolist(), strict=True)
    pasts = [protocol.panel.targets[protocol.panel.rows(series)][:position] for series, position in pairs]
    scale = [seasonal_error(column, protocol.season) for past in pasts for column in past.astype(np.float64).T]
    return result, np.asarray(scale)


def by_column(values: Float64[np.ndarray, "windows horizon targets"]) -> Float64[np.ndarray, "columns horizon"]:
    """One row a window and target."""
    return values.transpose(0, 2, 1).reshape(-1, values.shape[1])
