import torch

from gatecast import nn

torch.manual_seed(0)
T = 192
layer, head = nn.GRU(1, 16, batch_first=True).double(), torch.nn.Linear(16, 1).double()
x = torch.randn(8, T, 1, dtype=torch.float64)
y = x.roll(3, dims=1)  # the value three rows ago: a memory that a GRU begins with


def gradient(chunk: int, *, carry: bool) -> tuple[torch.Tensor, float]:
    """Of the recurrent weights, from a loss at every row, with gradients that end at the borders of chunks."""
    layer.zero_grad()
    state, total = None, 0.0
    for start in range(0, T, chunk):
        output, state = layer(x[:, start : start + chunk], state)
        loss = (head(output) - y[:, start : start + chunk]).square().sum() / (8 * T)
        loss.backward()
        total += loss.item()
        state = state.detach() if carry else None  # the value goes on, its history does not
    return layer.weight_hh_l0.grad.clone(), total


whole, loss = gradient(T, carry=True)
print(f"one piece of {T} rows: loss {loss:.6f}")
for chunk in (48, 12, 3, 1):
    for carry in (True, False):
        cut, loss = gradient(chunk, carry=carry)
        apart = ((cut - whole).norm() / whole.norm()).item()
        state = "carried" if carry else "zeros  "
        print(f"chunks of {chunk:2d}, {state}: loss {loss:.6f}, gradient off by {apart:.1%}")
