from math import exp, tanh

from gatecast import nn


def sigmoid(a: float) -> float:
    return 1 / (1 + exp(-a))


x, h = 1.0, 0.5  # one input, one unit
W, U, b, c = 0.6, 1.5, 0.1, -0.4  # of the candidate; r and z are given, so that only the difference is left
r, z = sigmoid(-1.0), sigmoid(0.5)

after = tanh(W * x + b + r * (U * h + c))  # reset_after=True: r damps what the state says, its bias included
before = tanh(W * x + b + U * (r * h) + c)  # reset_after=False: r damps the state, and c stands outside
print(f"candidate n: {after:.4f} after, {before:.4f} before")
print(f"new state:   {(1 - z) * after + z * h:.4f} after, {(1 - z) * before + z * h:.4f} before")
print(f"other z:     {z * after + (1 - z) * h:.4f} with the same z read the other way")

for form in (True, False):
    layer = nn.GRU(1, 1, reset_after=form).double()
    for name, of_gates in (("weight_ih_l0", (0, 0, W)), ("weight_hh_l0", (0, 0, U))):
        getattr(layer, name).data[:, 0] = layer.bias_ih_l0.new_tensor(of_gates)
    layer.bias_ih_l0.data = layer.bias_ih_l0.new_tensor((-1.0, 0.5, b))  # r, z, n
    layer.bias_hh_l0.data = layer.bias_hh_l0.new_tensor((0, 0, c))
    _, state = layer(layer.bias_ih_l0.new_tensor([[[x]]]), layer.bias_ih_l0.new_tensor([[[h]]]))
    print(f"nn.GRU(1, 1, reset_after={form}): {state.item():.4f}")
