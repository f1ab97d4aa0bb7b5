import numpy as np
import torch

from gatecast import nn

rng = np.random.default_rng(0)
kernel, recurrent, bias = rng.normal(size=(3, 24)), rng.normal(size=(8, 24)), rng.normal(size=(2, 24))
layer = nn.gru_from_keras([kernel, recurrent, bias])  # what keras_layer.get_weights() gives
print(layer)
print(tuple(layer(torch.randn(5, 20, 3, dtype=torch.float64))[0].shape))
