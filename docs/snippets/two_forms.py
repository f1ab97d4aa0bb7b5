import torch

from gatecast import nn

torch.manual_seed(0)
after = nn.GRU(3, 8)  # n = tanh(W x + b + r * (U h + c)): torch.nn, cuDNN
before = nn.GRU(3, 8, reset_after=False)  # n = tanh(W x + b + U (r * h) + c): most textbooks
before.load_state_dict(after.state_dict())

x = torch.randn(20, 5, 3)
difference = (after(x)[0] - before(x)[0]).abs().max()
print(f"the same weights, two functions: outputs differ by up to {difference:.2f}")
