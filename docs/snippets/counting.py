from gatecast import nn
from gatecast.cells import GRUEquations, LSTMEquations, count_parameters

i, h, layers = 10, 64, 2
layer = nn.GRU(i, h, layers)
print("held by the layer:    ", sum(weight.numel() for weight in layer.parameters()))
print("count_parameters:     ", count_parameters(GRUEquations(), i, h, layers))
print("3h(i+h)+6h, 3h(2h)+6h:", (3 * h * (i + h) + 6 * h) + (layers - 1) * (3 * h * 2 * h + 6 * h))
print("tutorials' formula:   ", layers * 3 * h * (i + h))
print("LSTM, same sizes:     ", count_parameters(LSTMEquations(), i, h, layers))
