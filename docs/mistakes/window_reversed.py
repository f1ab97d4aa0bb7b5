"""The window is fed newest row first, so the newest is what the state has carried longest."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

torch.set_num_threads(1)
LOOKBACK = 30
Windows = tuple[np.ndarray, np.ndarray]


def mistaken(series: np.ndarray) -> Windows:
    return sliding_window_view(series[:-1], LOOKBACK)[:, ::-1], series[LOOKBACK:]  # (N, L), (N,)


def correct(series: np.ndarray) -> Windows:
    return sliding_window_view(series[:-1], LOOKBACK), series[LOOKBACK:]  # (N, L), (N,)


def check(make_windows: Callable[[np.ndarray], Windows]) -> None:
    x, _ = make_windows(np.arange(100.0))  # a row's value is its number
    assert (np.diff(x, axis=1) == 1).all(), "a window does not run from old to new"


def slowly_forgetting() -> np.ndarray:
    """Each row keeps 95 % of the one before it and adds noise of variance 1, the best MSE there is."""
    series = np.random.default_rng(0).normal(size=1500)
    for row in range(1, len(series)):
        series[row] += 0.95 * series[row - 1]
    return series


def mse_on_test(make_windows: Callable[[np.ndarray], Windows], cell: type[nn.RNN | nn.GRU]) -> float:
    """Train a net on the first 1,000 windows and score it on the others."""
    arrays = make_windows(slowly_forgetting())
    x, y = (torch.tensor(each.copy(), dtype=torch.float32)[..., None] for each in arrays)  # (N, L, 1), (N, 1)
    torch.manual_seed(0)
    layer, head = cell(1, 16, batch_first=True), nn.Linear(16, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.01)
    for _ in range(200):
        rows = torch.randint(1000, (64,))
        loss = nn.functional.mse_loss(head(layer(x[rows])[0][:, -1]), y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return nn.functional.mse_loss(head(layer(x[1000:])[0][:, -1]), y[1000:]).item()


wrong, right = mse_on_test(mistaken, nn.RNN), mse_on_test(correct, nn.RNN)
wrong_gru, right_gru = mse_on_test(mistaken, nn.GRU), mse_on_test(correct, nn.GRU)
naive = np.mean(np.diff(slowly_forgetting()[1000 + LOOKBACK - 1 :]) ** 2)
print(f"wrong: test MSE {wrong:.0f} of an Elman net, {wrong_gru:.1f} of a GRU, newest row first")
print(f"right: test MSE {right:.1f} and {right_gru:.1f}, newest row last; tomorrow = today {naive:.1f}")
