import numpy as np
import torch

from gatecast import nn
from gatecast.errors import GatecastError

# torch: a layer, or its place in the state_dict of a larger net
net = torch.nn.ModuleDict({"encoder": torch.nn.GRU(3, 8, num_layers=2), "head": torch.nn.Linear(8, 1)})
print(nn.load_torch(net["encoder"]))
print(nn.load_torch(net.state_dict(), prefix="encoder."))

# Keras: layers, or what their get_weights() gives; here a Bidirectional LSTM of 8 units, twice
rng = np.random.default_rng(0)
first = [rng.normal(size=shape) for shape in [(3, 32), (8, 32), (32,)] * 2]
second = [rng.normal(size=shape) for shape in [(16, 32), (8, 32), (32,)] * 2]
print(nn.load_keras(first, second))

# NeuralForecast: a fitted model, its state_dict, or the .safetensors that it saves; here one with the same names
theirs = torch.nn.GRU(1, 8, batch_first=True)
model = torch.nn.ModuleDict({"hist_encoder": theirs, "mlp_decoder": torch.nn.Linear(8, 1)})
encoder = nn.load_neuralforecast(model)
x = torch.randn(4, 24, 1)
print("the same outputs:", torch.allclose(encoder(x)[0], theirs(x)[0], rtol=0, atol=1e-6))
print("its gates:", sorted(nn.trace(encoder, x).gates["l0"]))

# What is no layer is refused by name
weights = dict(net["encoder"].state_dict())
del weights["bias_hh_l1"]
try:
    nn.load_torch(weights)
except GatecastError as error:
    print(error)
