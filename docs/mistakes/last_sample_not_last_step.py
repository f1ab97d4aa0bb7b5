"""With batch_first=True, `output[-1]` is every step of the last sample, not the last step of every sample."""

from collections.abc import Callable

import numpy as np
import torch
from small_net import SmallNet, train
from torch import Tensor, nn


def mistaken(output: Tensor) -> Tensor:
    return output[-1]  # (B, T, H) -> (T, H)


def correct(output: Tensor) -> Tensor:
    return output[:, -1]  # (B, T, H) -> (B, H)


def check(read_state: Callable[[Tensor], Tensor]) -> None:
    output, last = nn.GRU(1, 4, batch_first=True)(torch.randn(6, 6, 1))  # B = T: no shape complains
    assert torch.equal(read_state(output), last[-1]), "what is read is not the state after the last step"


def mse_on_new_sequences(read_state: Callable[[Tensor], Tensor]) -> float:
    net = SmallNet(nn.GRU, read=read_state)
    x, new = np.random.default_rng(0).normal(size=(2, 64, 64))  # (B, T) each; the net learns to repeat the last value
    train(net, x, x[:, -1], learnt=64, epochs=100)
    return float(np.mean((net(torch.tensor(new)).detach().numpy() - new[:, -1:]) ** 2))  # (B, 1) against (B, 1)


wrong, right = mse_on_new_sequences(mistaken), mse_on_new_sequences(correct)
print(f"wrong: MSE {wrong:.1f}, and the targets have a variance of 1")
print(f"right: MSE {right:.1f}")
