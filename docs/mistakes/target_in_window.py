"""The window holds the value that it is to forecast."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def mistaken(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return sliding_window_view(series, 5), series[4:]  # (N, 5), (N,)


def correct(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return sliding_window_view(series[:-1], 5), series[5:]  # (N, 5), (N,)


def check(make_windows: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]) -> None:
    x, y = make_windows(np.arange(100.0))  # a row's value is its number
    assert (x.max(axis=1) < y).all(), "a window holds its own target"


def mse_on_test(x: np.ndarray, y: np.ndarray) -> float:
    weights = np.linalg.lstsq(x[:1000], y[:1000])[0]
    return float(np.mean((x[1000:] @ weights - y[1000:]) ** 2))


noise = np.random.default_rng(0).normal(size=2000)  # nothing can forecast it: its variance, 1, is the best MSE there is
wrong, right = mse_on_test(*mistaken(noise)), mse_on_test(*correct(noise))
print(f"wrong: test MSE {wrong:.2f} on noise of variance 1")
print(f"right: test MSE {right:.2f}")
