"""With batch_first=True, `output[-1]` is every step of the last sample, not the last step of every sample."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

torch.set_num_threads(1)


def mistaken(output: Tensor) -> Tensor:
    return output[-1]  # (B, T, H) -> (T, H)


def correct(output: Tensor) -> Tensor:
    return output[:, -1]  # (B, T, H) -> (B, H)


def check(read_state: Callable[[Tensor], Tensor]) -> None:
    output, last = nn.GRU(1, 4, batch_first=True)(torch.randn(6, 6, 1))  # B = T: no shape complains
    assert torch.equal(read_state(output), last[-1]), "what is read is not the state after the last step"


def mse_after_training(read_state: Callable[[Tensor], Tensor]) -> float:
    """Learn to say the last value of 16 steps of noise, 16 new sequences at a time; the mean of the last 20 losses."""
    torch.manual_seed(0)
    layer, head = nn.GRU(1, 8, batch_first=True), nn.Linear(8, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.02)
    losses = []
    for _ in range(200):
        x = torch.randn(16, 16, 1)  # (B, T, 1)
        loss = nn.functional.mse_loss(head(read_state(layer(x)[0])), x[:, -1])  # (16, 1) against (16, 1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return sum(losses[-20:]) / 20


wrong, right = mse_after_training(mistaken), mse_after_training(correct)
print(f"wrong: MSE {wrong:.1f}, and the targets have a variance of 1")
print(f"right: MSE {right:.1f}")
