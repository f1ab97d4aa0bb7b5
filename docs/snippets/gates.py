import torch

from gatecast import cells, nn

torch.manual_seed(0)
x = torch.randn(20, 5, 3)
layer = nn.GRU(3, 8, num_layers=2)
gates = nn.trace(layer, x).gates  # any layer of gatecast.nn or torch.nn
for name, of_layer in gates.items():
    print(name, {letter: tuple(gate.shape) for letter, gate in of_layer.items()})

print("one step:", list(cells.LSTMCell(3, 8).gates(x[0])))
print("z keeps the past: its mean is", f"{gates['l0']['z'].mean():.1f}", "before training")
