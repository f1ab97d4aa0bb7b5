"""The scaler is fitted on all data, so that the net is told how high the future will rise."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
LOOKBACK, CUTOFF = 12, 320  # rows 320 to 399 are the test part
FitScaler = Callable[[np.ndarray, int], tuple[float, float]]


def mistaken(series: np.ndarray, cutoff: int) -> tuple[float, float]:
    return series.min(), series.max()


def correct(series: np.ndarray, cutoff: int) -> tuple[float, float]:
    return series[:cutoff].min(), series[:cutoff].max()


def check(fit_scaler: FitScaler) -> None:
    series, poisoned = np.arange(100.0), np.arange(100.0)
    poisoned[80:] = 1e9
    assert fit_scaler(series, 80) == fit_scaler(poisoned, 80), "the scaler has seen the test part"


def rising(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.5, 1, 400).cumsum()


def mse_on_test(fit_scaler: FitScaler, bound: nn.Module, seed: int) -> float:
    """Train an Elman net on a series that rises, and score it in the units of the series."""
    low, high = fit_scaler(rising(seed), CUTOFF)
    scaled = torch.tensor((rising(seed) - low) / (high - low), dtype=torch.float32)
    x, y = scaled.unfold(0, LOOKBACK, 1)[:-1, :, None], scaled[LOOKBACK:, None]  # (N, L, 1), (N, 1)
    learnt = CUTOFF - LOOKBACK  # windows whose target lies before the cutoff
    torch.manual_seed(seed)
    layer, head = nn.RNN(1, 16, batch_first=True), nn.Sequential(nn.Linear(16, 1), bound)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.01)
    for _ in range(200):
        loss = nn.functional.mse_loss(head(layer(x[:learnt])[0][:, -1]), y[:learnt])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        error = (head(layer(x[learnt:])[0][:, -1]) - y[learnt:]) * (high - low)
    return float(error.square().mean())


def rmse_on_test(fit_scaler: FitScaler, bound: nn.Module) -> float:
    return float(np.sqrt(np.mean([mse_on_test(fit_scaler, bound, seed) for seed in range(3)])))


wrong, right = rmse_on_test(mistaken, nn.Sigmoid()), rmse_on_test(correct, nn.Sigmoid())
wrong_linear, right_linear = rmse_on_test(mistaken, nn.Identity()), rmse_on_test(correct, nn.Identity())
naive = np.sqrt(np.mean([np.diff(rising(seed)[CUTOFF - 1 :]) ** 2 for seed in range(3)]))
print(f"wrong: test RMSE {wrong:.0f} with a sigmoid output, the scaler fitted on all data")
print(f"right: test RMSE {right:.0f}, the scaler fitted on what lies before the cutoff")
print(f"with a linear output {wrong_linear:.1f} and {right_linear:.1f}; tomorrow = today {naive:.1f}")
