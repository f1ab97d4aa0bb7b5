"""The window holds the value that it is to forecast."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

LOOKBACK = 5
Windows = tuple[np.ndarray, np.ndarray]


def mistaken(series: np.ndarray) -> Windows:
    return sliding_window_view(series, LOOKBACK), series[LOOKBACK - 1 :]  # (N, L), (N,)


def correct(series: np.ndarray) -> Windows:
    return sliding_window_view(series[:-1], LOOKBACK), series[LOOKBACK:]  # (N, L), (N,)


def check(make_windows: Callable[[np.ndarray], Windows]) -> None:
    x, y = make_windows(np.arange(100.0))  # a row's value is its number
    assert (x.max(axis=1) < y).all(), "a window holds its own target"


def mse_on_test(make_windows: Callable[[np.ndarray], Windows]) -> float:
    """Least squares on noise of variance 1: nothing can forecast it, so about 1 is the best there is."""
    x, y = make_windows(np.random.default_rng(0).normal(size=2000))
    weights = np.linalg.lstsq(x[:1000], y[:1000])[0]
    return float(np.mean((x[1000:] @ weights - y[1000:]) ** 2))


wrong, right = mse_on_test(mistaken), mse_on_test(correct)
print(f"wrong: test MSE {wrong:.2f} on noise of variance 1")
print(f"right: test MSE {right:.2f}")
