import torch

from gatecast import nn

layer, x = nn.LSTM(3, 64), torch.randn(20, 5, 3)
nn.explain_backend(layer, x)  # LSTM: kernel lstm
nn.explain_backend(layer.double(), x.double())  # LSTM: torch.nn (kernels compute in float32, ...)
