"""A forecast (B, 1) against targets (B,): the loss compares every forecast with every target."""

from collections.abc import Callable

import numpy as np
import torch
from small_net import train
from torch import Tensor, nn


def mistaken(forecast: Tensor, target: Tensor) -> Tensor:
    return (forecast - target).square().mean()  # (B, 1) - (B,) -> (B, B)


def correct(forecast: Tensor, target: Tensor) -> Tensor:
    return (forecast - target[:, None]).square().mean()  # (B, 1) - (B, 1) -> (B, 1)


def check(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    target = torch.arange(8.0)
    assert loss(target[:, None], target) == 0, "a perfect forecast has a loss"


x = np.linspace(-1, 1, 64)
y = 2 * x  # which a straight line learns without error
wrong, right = (
    np.mean((train(nn.Linear(1, 1).double(), x[:, None], y, learnt=64, epochs=1500, loss=loss)[-1] - y) ** 2)
    for loss in (mistaken, correct)
)
print(f"wrong: MSE {wrong:.2f} after training, the variance of the targets: the line is flat")
print(f"right: MSE {right:.2f} after training")
