import torch

from gatecast import nn

torch.manual_seed(0)
config = nn.LayerConfig(num_layers=4, residual=True, dilations=(1, 2, 4, 8), layer_norm=True, weight_dropout=0.2)
stack, x = nn.RecurrentStack(config, input_size=3).eval(), torch.randn(5, 50, 3)  # batch first

whole, end = stack(x)
first, state = stack(x[:, :13])  # stop anywhere ...
second, carried = stack(x[:, 13:], state)  # ... and go on with the state that came out
print("state", tuple(state.shape), "- the last 1 + 2 + 4 + 8 states, layer by layer, oldest first")
print("two pieces equal one pass:", torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-6))
