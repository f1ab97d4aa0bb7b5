"""The window is fed newest row first, so the newest is what the state has carried longest."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from small_net import SmallNet, mse_on_test, slowly_forgetting
from torch import nn


def mistaken(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return sliding_window_view(series[:-1], 30)[:, ::-1], series[30:]  # (N, 30), (N,)


def correct(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return sliding_window_view(series[:-1], 30), series[30:]  # (N, 30), (N,)


def check(make_windows: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]) -> None:
    x, _ = make_windows(np.arange(100.0))  # a row's value is its number
    assert (np.diff(x, axis=1) == 1).all(), "a window does not run from old to new"


series = slowly_forgetting(keep=0.95, rows=1500)  # its noise has a variance of 1, the best MSE there is
windows = mistaken(series), correct(series)
wrong, right = (mse_on_test(SmallNet(nn.RNN), x, y, learnt=1000, epochs=10) for x, y in windows)
wrong_gru, right_gru = (mse_on_test(SmallNet(nn.GRU), x, y, learnt=1000, epochs=10) for x, y in windows)
naive = np.mean(np.diff(series[1029:]) ** 2)
print(f"wrong: test MSE {wrong:.0f} of an Elman net, {wrong_gru:.1f} of a GRU, newest row first")
print(f"right: test MSE {right:.1f} and {right_gru:.1f}, newest row last; tomorrow = today {naive:.1f}")
