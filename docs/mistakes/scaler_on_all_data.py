"""The scaler is fitted on all data, so that the net is told how high the future will rise."""

from collections.abc import Callable

import numpy as np
from small_net import SmallNet, mse_on_test, windows_of
from torch import nn


def mistaken(series: np.ndarray, cutoff: int) -> tuple[float, float]:
    return series.min(), series.max()


def correct(series: np.ndarray, cutoff: int) -> tuple[float, float]:
    return series[:cutoff].min(), series[:cutoff].max()


def check(fit_scaler: Callable[[np.ndarray, int], tuple[float, float]]) -> None:
    series = np.arange(100.0)
    assert fit_scaler(series, 80) == fit_scaler(np.append(series[:80], 1e9), 80), "the scaler has seen the test part"


def mse(series: np.ndarray, low: float, high: float, bound: type[nn.Module]) -> float:
    x, y = windows_of((series - low) / (high - low), lookback=12)
    return mse_on_test(SmallNet(bound=bound), x, y, learnt=308, epochs=40) * (high - low) ** 2


rising = np.random.default_rng(0).normal(0.5, 1, (3, 400)).cumsum(axis=1)  # three series, the test part from row 320
wrong, right, wrong_linear, right_linear = (
    np.mean([mse(series, *fit_scaler(series, 320), bound) for series in rising]) ** 0.5
    for bound in (nn.Sigmoid, nn.Identity)
    for fit_scaler in (mistaken, correct)
)
naive = np.mean(np.diff(rising[:, 319:]) ** 2) ** 0.5
print(f"wrong: test RMSE {wrong:.0f} with a sigmoid output, the scaler fitted on all data")
print(f"right: test RMSE {right:.0f}, the scaler fitted on what lies before the cutoff")
print(f"with a linear output {wrong_linear:.1f} and {right_linear:.1f}; tomorrow = today {naive:.1f}")
