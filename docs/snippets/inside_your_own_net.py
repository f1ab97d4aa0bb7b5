import torch

from gatecast.inspection import (
    captured,
    gradient_norms,
    layer_gates,
    memory_by_lag,
    recurrent_part,
    spectra,
    step_jacobians,
    timescales,
    traced,
)


class Yours(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = torch.nn.GRU(3, 16, batch_first=True), torch.nn.Linear(16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(x)[0][:, -1])


torch.manual_seed(0)
net, x, y = Yours(), torch.randn(32, 50, 3), torch.randn(32, 1)
layer = recurrent_part(net)  # the GRU, wherever it is in the net

with traced(layer) as passes, captured(layer) as calls:  # what goes in, and every state, while the net runs as ever
    loss = (net(x) - y).square().sum()
norms = gradient_norms(loss, passes[0])
radii, _ = spectra(step_jacobians(layer, calls[0], range(0, 50, 10)))
(gates,) = layer_gates(layer, x)
kept = timescales(gates.gates["z"])
memory = memory_by_lag(net, x)

print(f"gradient at lag 20 beside lag 0: {norms[20] / norms[0]:.0e}")
print(f"spectral radius of a step: {radii.mean():.2f}")
print(f"units keep e^-1 of their state for {kept.min():.1f} to {kept.max():.1f} steps by themselves")
print(f"90 % of what moves the output lies in the newest {int((memory.cumsum() < 0.9 * memory.sum()).sum()) + 1} rows")
