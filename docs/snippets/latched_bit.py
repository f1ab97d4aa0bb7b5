"""One Elman unit that keeps the sign of its first input for good, where derivatives see nothing of it."""

import torch

from gatecast import nn
from gatecast.inspection import memory_by_lag, occlusion

latch = nn.RNN(1, 1, bias=False, batch_first=True).double()  # h' = tanh(3 h + x): it rests near +1 or -1
torch.nn.init.constant_(latch.weight_hh_l0, 3)
torch.nn.init.constant_(latch.weight_ih_l0, 1)
x = torch.rand(500, 41, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.5
x[:, 0] = x[:, 0].sign()


def answer(x: torch.Tensor) -> torch.Tensor:
    return latch(x)[0][:, -1]


kept = (answer(x).sign() == x[:, 0].sign()).float().mean()
hidden = occlusion(answer, x)[..., 0].abs().mean(dim=0)  # the newest row first
print(f"the answer has the sign of the first of 41 inputs: {kept:.0%} of 500 sequences")
print(f"|d answer / d input| at lag 40: {memory_by_lag(answer, x)[40]:.0e}")
print(f"change of the answer when the input is hidden: lag 0 {hidden[0]:.2f}, lag 20 {hidden[20]:.2f}", end=", ")
print(f"lag 40 {hidden[40]:.2f}")
