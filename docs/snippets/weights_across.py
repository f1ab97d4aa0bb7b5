import numpy as np
import torch

from gatecast import nn

rng = np.random.default_rng(0)
F, H, T = 3, 4, 20  # features, units, steps
x, kernel, recurrent = rng.normal(size=(T, F)), rng.normal(size=(F, 3 * H)), rng.normal(size=(H, 3 * H))


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def keras_like(bias: np.ndarray) -> np.ndarray:
    """A GRU as Keras stores and computes it: matrices from the right, gates in the order z, r, h."""
    first, second = bias if bias.ndim == 2 else (bias, np.zeros(3 * H))
    W_z, W_r, W_h = np.split(x @ kernel + first, 3, axis=1)
    U_z, U_r, U_h = np.split(recurrent, 3, axis=1)
    c_z, c_r, c_h = np.split(second, 3)
    h = np.zeros(H)
    for of_z, of_r, of_h in zip(W_z, W_r, W_h, strict=True):
        z, r = sigmoid(of_z + h @ U_z + c_z), sigmoid(of_r + h @ U_r + c_r)
        n = np.tanh(of_h + (r * (h @ U_h + c_h) if bias.ndim == 2 else (r * h) @ U_h))
        h = z * h + (1 - z) * n
    return h


for bias in (rng.normal(size=(2, 3 * H)), rng.normal(size=3 * H)):
    layer = nn.gru_from_keras([kernel, recurrent, bias])  # the form is told by the shape of the bias
    _, state = layer(torch.tensor(x)[None])
    same = np.allclose(state[0, 0].detach(), keras_like(bias), rtol=1e-10)
    count = kernel.size + recurrent.size + bias.size
    print(f"bias {bias.shape}: reset_after={layer.reset_after}, {count} parameters, the same state: {same}")

chung = nn.GRU(F, H).double()  # a net whose paper has h' = (1 - z) h + z n: what it calls z is our 1 - z
ours = nn.GRU(F, H).double()
ours.load_state_dict(chung.state_dict())
with torch.no_grad():
    for weight in ours.parameters():
        weight[H : 2 * H] *= -1  # sigmoid(-a) = 1 - sigmoid(a)
gates, flipped = (nn.trace(layer, torch.tensor(x)).gates["l0"] for layer in (chung, ours))
print("z of the first step, and 1 - z:", torch.allclose(flipped["z"][0], 1 - gates["z"][0]))
