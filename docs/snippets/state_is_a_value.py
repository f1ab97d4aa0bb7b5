import torch

from gatecast import nn

layer, x = nn.LSTM(3, 8).double(), torch.randn(20, 5, 3, dtype=torch.float64)

whole, end = layer(x)
first, state = layer(x[:12])  # stop anywhere ...
second, carried = layer(x[12:], state)  # ... and go on with the state that came out

print("two halves equal one pass:", torch.allclose(torch.cat([first, second]), whole, rtol=1e-12))
print("nothing is remembered:", torch.equal(layer(x)[0], whole))
