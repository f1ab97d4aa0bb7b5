"""statsmodels' AutoReg with a lag for each hour of the lookback: no net, and no steps of training."""

from collections.abc import Callable

import numpy as np
import statsmodels  # noqa: F401 - its version is told
from statsmodels.tsa.ar_model import AutoReg

from common import HORIZON, KNOWN, LOOKBACK, ROWS, TRAIN, Peer, main

ENOUGH = 2 * LOOKBACK + 10  # a model of the newest rows is made with rows to fit it by, though it is not fitted


def fit(y: np.ndarray, _steps: int, _tick: Callable[[], None]) -> np.ndarray:
    """Fit by least squares."""
    return AutoReg(y[:TRAIN].astype(np.float64), LOOKBACK).fit().params


def backtest(weights: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Forecast from every row of the test part."""
    return np.stack([forecast(weights, y[:cutoff]) for cutoff in range(KNOWN, ROWS - HORIZON + 1)])


def forecast(weights: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Forecast once, from the end of `y`."""
    newest = y[-ENOUGH:].astype(np.float64)
    return AutoReg(newest, LOOKBACK).predict(weights, start=ENOUGH, end=ENOUGH + HORIZON - 1)


if __name__ == "__main__":
    packages = ("statsmodels",)
    main(
        Peer(
            "statsmodels AutoReg(96)",
            packages,
            "",
            0,
            np.asarray,
            fit,
            backtest,
            lambda w, y: forecast(w, y[:KNOWN]),
            repeats=1,
        )
    )
