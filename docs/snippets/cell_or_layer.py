import torch

from gatecast import cells, nn

cell = cells.GRUCell(input_size=3, hidden_size=8)  # one step in time
layer = nn.GRU(input_size=3, hidden_size=8)  # the same equations over a whole sequence
layer.load_state_dict({f"{name}_l0": weight for name, weight in cell.state_dict().items()})

x = torch.randn(20, 5, 3)  # 20 steps, 5 sequences, 3 features
h = torch.zeros(5, 8)
for step in x:  # (5, 3)
    h = cell(step, h)  # (5, 8)

output, state = layer(x)
print("output", tuple(output.shape), "state", tuple(state.shape))
print("the loop over the cell ends where the layer ends:", torch.allclose(h, state[0], atol=1e-6))
