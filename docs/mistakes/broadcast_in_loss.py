"""A forecast (B, 1) against targets (B,): the loss compares every forecast with every target."""

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def mistaken(forecast: Tensor, target: Tensor) -> Tensor:
    return (forecast - target).square().mean()  # (B, 1) - (B,) -> (B, B)


def correct(forecast: Tensor, target: Tensor) -> Tensor:
    return (forecast - target[:, None]).square().mean()  # (B, 1) - (B, 1) -> (B, 1)


def check(loss: Loss) -> None:
    target = torch.arange(8.0)
    assert loss(target[:, None], target) == 0, "a perfect forecast has a loss"


def mse_after_training(loss: Loss) -> float:
    """Learn y = 2 x, which a straight line does without error."""
    x = torch.linspace(-1, 1, 64, dtype=torch.float64)[:, None]  # (B, 1)
    y = 2 * x[:, 0]  # (B,)
    line = torch.nn.Linear(1, 1, dtype=torch.float64)
    optimiser = torch.optim.SGD(line.parameters(), lr=0.1)
    for _ in range(500):
        optimiser.zero_grad()
        loss(line(x), y).backward()
        optimiser.step()
    return float((line(x).detach()[:, 0] - y).square().mean())


wrong, right = mse_after_training(mistaken), mse_after_training(correct)
print(f"wrong: MSE {wrong:.2f} after training, the variance of the targets: the line is flat")
print(f"right: MSE {right:.2f} after training")
