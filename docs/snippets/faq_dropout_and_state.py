import warnings

import torch

from gatecast import nn

x = torch.randn(4, 10, 3)  # batch, time, features
with warnings.catch_warnings(record=True, action="always") as caught:
    layer = nn.GRU(3, 8, dropout=0.5, batch_first=True)  # one layer: there is no "between"
print("dropped:", not torch.equal(layer(x)[0], layer(x)[0]), "- warned:", len(caught) == 1)

first, state = layer(x[:, :6])  # "stateful": hand the state on yourself
second, _ = layer(x[:, 6:], state)
print("the state handed on:", torch.allclose(torch.cat([first, second], 1), layer(x)[0], atol=1e-6))
print("batch first:", tuple(layer(x)[0].shape), "- the last step is output[:, -1], not output[-1]")
