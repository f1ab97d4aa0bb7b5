"""Autoregression: the next value as a weighted sum of the last p values.

    y_t = c + phi_1 y_{t-1} + ... + phi_p y_{t-p} + e_t

The order p is the one with the lowest AIC among 0 .. most, all on the same rows so that their AICs can be compared
(Luetkepohl 2005, section 4.3).  One QR factorisation of [1, y_{t-1}, ..., y_{t-most}, y_t] gives the squared error of
every order at once: what the first p + 1 columns leave unexplained of the last is the rest of its column in R.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.evaluation.baselines.base import LearntBaseline, Rule

MOST_LAGS = 200
LONGEST_SEASON = 400


@dataclass
class AutoReg(LearntBaseline):
    """AR(p) fitted by least squares, p chosen by AIC; later steps are forecast from earlier forecasts.

    Orders up to eight seasons (a week of hourly data) are tried, at least 24 and at most 200, or a season and one row
    where that is up to 400 (a week of half hours); but never more than a quarter of the rows.
    """

    season: int
    name: ClassVar[str] = "autoreg"

    def seconds(self, rows: int) -> float:
        """About how long learning one column takes."""
        return 5e-4 + 1.5e-10 * min(rows, self.latest) * self._most(rows) ** 2

    def learn(self, values: Float64[np.ndarray, " rows"]) -> Rule:
        """Choose the order, then fit it on every row that has that many rows before it."""
        most = self._most(len(values))
        # Measured from the mean, so that a high level does not cost digits; c is put back by the recursion.
        centre = float(values.mean())
        weights = fit_weights(values - centre, choose_order(values - centre, most))
        return recursion(centre, weights)

    def _most(self, rows: int) -> int:
        whole_season = self.season + 1 if self.season < LONGEST_SEASON else 0
        return min(rows // 4, max(24, min(8 * self.season, MOST_LAGS), whole_season))


def choose_order(values: Float64[np.ndarray, " rows"], most: int) -> int:
    """The order in 0 .. most with the lowest AIC = n log(sum of squared errors / n) + 2 p + constant."""
    last = np.asarray(np.linalg.qr(_lagged(values, most), mode="r"))[:, -1]
    unexplained = np.cumsum(last[:0:-1] ** 2)[::-1]  # of orders 0 .. most
    rows = len(values) - most
    noise = np.finfo(np.float64).eps * np.square(values).sum()  # below this an error is rounding, not fit
    return int(np.argmin(rows * np.log(np.maximum(unexplained, noise)) + 2 * np.arange(most + 1)))


def fit_weights(values: Float64[np.ndarray, " rows"], order: int) -> Float64[np.ndarray, " order_plus_one"]:
    """Least squares: c, phi_1, ..., phi_order."""
    table = _lagged(values, order)
    return np.linalg.lstsq(table[:, :-1], table[:, -1], rcond=None)[0]


def _lagged(values: Float64[np.ndarray, " rows"], order: int) -> Float64[np.ndarray, "equations order_plus_two"]:
    """One row [1, y_{t-1}, ..., y_{t-order}, y_t] for each t that has `order` rows before it."""
    windows = np.lib.stride_tricks.sliding_window_view(values, order + 1)
    return np.column_stack([np.ones(len(windows)), windows[:, -2::-1] if order else windows[:, :0], windows[:, -1]])


def recursion(centre: float, weights: Float64[np.ndarray, " order_plus_one"]) -> Rule:
    """The rule that feeds each forecast back as the latest value; where rows are too few the first one is repeated."""
    order = len(weights) - 1

    def rule(
        values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        rows = positions[:, None] - 1 - np.arange(order)
        recent = values[np.maximum(rows, 0)] - centre  # latest first
        forecast = np.empty((len(positions), horizon))
        for step in range(horizon):
            # Summed row by row: a matrix product may round one origin differently beside others than alone.
            forecast[:, step] = weights[0] + (recent * weights[1:]).sum(axis=1)
            recent = np.column_stack([forecast[:, step], recent])[:, :order]
        return forecast + centre

    return rule
