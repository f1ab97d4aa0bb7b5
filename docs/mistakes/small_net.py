"""What several demonstrations share: a small net, the loop that trains it, its score, and data."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn

torch.set_num_threads(1)


def last_step(states: Tensor) -> Tensor:
    return states[:, -1]  # (N, L, H) -> (N, H)


def squared_error(forecast: Tensor, target: Tensor) -> Tensor:
    return (forecast[:, 0] - target).square().mean()  # (N,) against (N,)


class SmallNet(nn.Module):
    """A recurrent layer, and a straight line from the state that `read` picks, within `bound`."""

    def __init__(
        self,
        cell: type[nn.RNN | nn.LSTM | nn.GRU] = nn.RNN,
        seed: int = 0,
        read: Callable[[Tensor], Tensor] = last_step,
        bound: type[nn.Module] = nn.Identity,
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layer, self.read = cell(1, 16, batch_first=True), read
        self.output = nn.Sequential(nn.Linear(16, 1), bound())
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.layer(x[..., None])  # (N, L) -> (N, L, 1) -> (N, L, H)
        return self.output(self.read(states))  # (N, 1)


def train(
    net: nn.Module,
    x: np.ndarray,
    y: np.ndarray,
    learnt: int,
    epochs: int,
    loss: Callable[[Tensor, Tensor], Tensor] = squared_error,
) -> np.ndarray:
    """Learn from the first `learnt` windows; gives the forecast of every window after each epoch: (epochs, N)."""
    windows, targets = torch.tensor(x.copy()), torch.tensor(y.copy())  # (N, L), (N,); a reversed view must be copied
    optimiser, forecasts = torch.optim.Adam(net.parameters(), lr=0.01), []
    for _ in range(epochs):
        for rows in torch.randperm(learnt).split(64):
            optimiser.zero_grad()
            loss(net(windows[rows]), targets[rows]).backward()
            optimiser.step()
        with torch.no_grad():
            forecasts.append(net(windows)[:, 0])
    return torch.stack(forecasts).numpy()


def mse_on_test(net: nn.Module, x: np.ndarray, y: np.ndarray, learnt: int, epochs: int) -> float:
    """Train, and score on the windows after the first `learnt`."""
    forecast = train(net, x, y, learnt, epochs)[-1]
    return float(np.mean((forecast - y)[learnt:] ** 2))


def windows_of(series: np.ndarray, lookback: int) -> tuple[np.ndarray, np.ndarray]:
    """Every window, and the value after it."""
    return sliding_window_view(series[:-1], lookback), series[lookback:]  # (N, L), (N,)


def slowly_forgetting(keep: float, rows: int) -> np.ndarray:
    """Each row keeps a share of the one before it and adds noise of variance 1."""
    series = np.random.default_rng(0).normal(size=rows)
    for row in range(1, rows):
        series[row] += keep * series[row - 1]
    return series
