"""A gated net that reads raw values, and one that reads changes, before and after the level has moved."""

import numpy as np
import torch

from gatecast import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
wave = np.sin(2 * np.pi * np.arange(3000) / 24) + 0.1 * rng.normal(size=3000)
wave[2000:] += 8  # the level moves after what was learnt from
y = torch.tensor(wave, dtype=torch.float32)[None, :, None]


class Net(torch.nn.Module):
    def __init__(self, *, changes: bool) -> None:
        super().__init__()
        self.changes, self.gru, self.head = changes, nn.GRU(1, 16, batch_first=True), torch.nn.Linear(16, 1)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """The next value, said at every row but the first; (1, rows - 1, 1)."""
        read = y.diff(dim=1) if self.changes else y[:, 1:]
        said = self.head(self.gru(read)[0])
        return y[:, 1:] + said if self.changes else said


for changes in (False, True):
    net = Net(changes=changes)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(200):
        optimiser.zero_grad()
        loss = (net(y[:, :2000])[:, :-1] - y[:, 2:2000]).square().mean()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        errors = (net(y)[:, :-1] - y[:, 2:]).abs()[0, :, 0]
    name = "changes   " if changes else "raw values"
    print(f"{name}: error {errors[1500:1990].mean():.1f} where it learnt, {errors[2100:].mean():.1f} on the new level")
