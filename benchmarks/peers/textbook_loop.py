"""The loop that most tutorials show: a list of windows, TensorDataset, DataLoader, nn.GRU, Adam."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from common import HIDDEN, HORIZON, KNOWN, LOOKBACK, RATE, TRAIN, WINDOWS, Peer, lookbacks, main


class Net(nn.Module):
    """A GRU and a linear layer on its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, HIDDEN, batch_first=True)
        self.linear = nn.Linear(HIDDEN, HORIZON)

    def forward(self, x: Tensor) -> Tensor:
        """All steps of the horizon from the last output."""
        return self.linear(self.gru(x)[0][:, -1])


def fit(y: np.ndarray, steps: int, tick: Callable[[], None]) -> Net:
    """Train a net."""
    inputs, outputs = [], []
    for start in range(TRAIN - LOOKBACK - HORIZON + 1):
        inputs.append(y[start : start + LOOKBACK])
        outputs.append(y[start + LOOKBACK : start + LOOKBACK + HORIZON])
    windows = TensorDataset(torch.tensor(np.array(inputs)).unsqueeze(-1), torch.tensor(np.array(outputs)))
    loader = DataLoader(windows, batch_size=WINDOWS, shuffle=True, drop_last=True)
    net = Net()
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    total, step = 0.0, 0
    while step < steps:
        for x, actual in loader:
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(net(x), actual)
            loss.backward()
            optimiser.step()
            total += loss.item()
            tick()
            step += 1
            if step == steps:
                break
    return net.eval()


@torch.no_grad()
def backtest(net: Net, y: np.ndarray) -> np.ndarray:
    """Forecast from every row of the test part."""
    loader = DataLoader(torch.tensor(lookbacks(y).copy()), batch_size=WINDOWS)
    return np.concatenate([net(x.unsqueeze(-1)).numpy() for x in loader])


@torch.no_grad()
def forecast(net: Net, y: np.ndarray) -> np.ndarray:
    """Forecast once."""
    return net(torch.tensor(y[KNOWN - LOOKBACK : KNOWN])[None, :, None]).numpy()


if __name__ == "__main__":
    torch.manual_seed(0)
    main(
        Peer(
            "textbook loop, nn.GRU",
            ("torch",),
            "the horizon of each window",
            HORIZON,
            np.asarray,
            fit,
            backtest,
            forecast,
        )
    )
