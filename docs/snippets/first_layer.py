import torch

import gatecast as gc

x = torch.randn(96, 32, 8)  # time, batch, features
layer = gc.nn.GRU(8, 64, num_layers=2)  # torch.nn.GRU's constructor, call, state_dict and numbers
output, state = layer(x)  # the state is a value: hand it in to go on where you stopped
gates = gc.nn.trace(layer, x).gates["l0"]  # r, z and n at every step
textbook = gc.nn.GRU(8, 64, reset_after=False)  # the other published form of the GRU
