"""How much of a loss reaches the states before it: an Elman net whose recurrent matrix shrinks, keeps or stretches.

    python examples/vanishing_gradients.py        a few seconds

    h_t = tanh(W x_t + U h_{t-1})        J_t = d h_t / d h_{t-1} = diag(1 - h_t^2) U
    d loss / d h_{t-k} = J_{t-k+1}^T ... J_t^T d loss / d h_t

Where no input comes, h stays at 0 and tanh is a straight line: every J is U, and the gradient follows the power of U's
spectral radius (R. Pascanu, T. Mikolov & Y. Bengio 2013, arXiv 1211.5063, section 2.1).  Where the net reads noise, the
slopes of tanh, 1 - h^2, come in too.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from drawing.vanishing_gradients import write
from torch import Tensor

from gatecast import nn
from gatecast.inspection import Call, gradient_norms, spectra, step_jacobians

UNITS, LAGS = 100, 61
SEQUENCES, LENGTH = 8, 161  # the first hundred steps lead into the noise, and count in no lag
RADII = (0.5, 1.0, 1.5)
LOOKED_AT = range(LENGTH - LAGS, LENGTH, 10)  # the steps whose Jacobians are taken


class Flow(NamedTuple):
    """What came back through one net.

    Attributes:
        norms: |d loss / d h| at lags 0, 1, ..., beside that at lag 0.
        radius: the mean spectral radius of a step's Jacobian.
    """

    norms: np.ndarray
    radius: float


def elman(radius: float) -> nn.RNN:
    """A layer as torch makes it, without biases, U scaled to a spectral radius."""
    torch.manual_seed(0)
    layer = nn.RNN(1, UNITS, bias=False, batch_first=True).double()
    with torch.no_grad():
        layer.weight_hh_l0 *= radius / spectral_radius(layer)
    return layer


def spectral_radius(layer: torch.nn.RNN) -> float:
    """The largest modulus of an eigenvalue of U."""
    return float(torch.linalg.eigvals(layer.weight_hh_l0.detach()).abs().max())


def flow(layer: nn.RNN, x: Tensor) -> Flow:
    """Send a loss at the last step back through a layer; x is (B, T, 1)."""
    passed = nn.trace(layer, x)
    norms = gradient_norms(passed.output[:, -1].sum(), passed)[:LAGS]
    radii, _ = spectra(step_jacobians(layer, Call(x, None), LOOKED_AT))
    return Flow(norms / norms[0], float(radii.mean()))


def inputs() -> dict[str, Tensor]:
    """No input at all, and noise; (B, T, 1) each."""
    noise = torch.randn(SEQUENCES, LENGTH, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return {"at rest": torch.zeros_like(noise), "reading noise": noise}


def tell(flows: dict[str, dict[float, Flow]]) -> None:
    """The table."""
    print("               radius of U   radius of J   gradient at lag 40   U's radius ^ 40   lag 60 / lag 50   ^ 10")
    for name, by_radius in flows.items():
        for radius, (norms, of_step) in by_radius.items():
            law = f"{norms[40]:18.1e}   {radius**40:15.1e}   {norms[60] / norms[50]:15.1e}   {radius**10:.1e}"
            print(f"{name:13}  {radius:11.1f}   {of_step:11.2f}   {law}")


def main() -> None:
    """Measure, tell, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    out = Path("runs/examples/vanishing_gradients")
    parser.add_argument("--out", type=Path, default=out, help="folder to write to")
    options = parser.parse_args()
    flows = {name: {radius: flow(elman(radius), x) for radius in RADII} for name, x in inputs().items()}
    tell(flows)
    torch.manual_seed(0)
    print(f"torch's own first weights of {UNITS} units: U's radius is {spectral_radius(nn.RNN(1, UNITS)):.2f}")
    write(options.out, {name: {r: each.norms for r, each in found.items()} for name, found in flows.items()})


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
