"""What the gates of a GRU do where a series changes its ways, at rows that are known.

    python examples/changing_regimes.py        a few seconds

    drift      y_t =  0.98 y_{t-1} + e_t
    zigzag     y_t = -0.90 y_{t-1} + e_t

The series goes from one to the other after every 60 to 140 rows, and nothing but its values says so.  A GRU learns to
say the next value from the first half of the rows; everything that is told and drawn is of the second half.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from drawing.changing_regimes import write
from made.changing_regimes import KEPT, REGIMES, Series, made_series
from torch import Tensor

from gatecast import nn
from gatecast.evaluation.metrics import rmse
from gatecast.inspection import LayerGates, layer_gates

ROWS, UNITS, STRETCH, STEPS = 8000, 8, 200, 1000
FRESH, SETTLED = 5, 20  # a switch is fresh for so many rows, and a regime settled from so many on


class Net(torch.nn.Module):
    """A GRU, and a straight line from its state to the next value."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent, self.output = nn.GRU(1, UNITS, batch_first=True), torch.nn.Linear(UNITS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """What comes after each step."""
        states, _ = self.recurrent(x)  # (B, T, 1) -> (B, T, H)
        return self.output(states)  # (B, T, H) -> (B, T, 1)


def fit(values: np.ndarray, seed: int) -> Net:
    """Learn to say the next value, from stretches that begin anywhere."""
    torch.manual_seed(seed)
    net, series = Net(), torch.tensor(values).float()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    stretches = series.unfold(0, STRETCH + 1, 1).unsqueeze(-1)  # (starts, T + 1, 1)
    for _ in range(STEPS):
        batch = stretches[torch.randint(len(stretches), (16,))]
        loss = torch.nn.functional.mse_loss(net(batch[:, :-1]), batch[:, 1:])  # at every row
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
    return net


def look(net: Net, series: Series) -> tuple[np.ndarray, LayerGates]:
    """What the net says of each row but the first, and its gates at each row but the last."""
    x = torch.tensor(series.values[:-1]).float().reshape(1, -1, 1)
    with torch.no_grad():
        said = net(x)[0, :, 0].double().numpy()
    (gates,) = layer_gates(net.recurrent, x)
    return said, gates


def by_regime(gate: np.ndarray, series: Series) -> np.ndarray:
    """The mean of a gate's units in each regime, where it is settled: (2, H)."""
    settled, regime = (series.since >= SETTLED)[:-1], series.regime[:-1]
    return np.stack([gate[settled & (regime == number)].mean(axis=0) for number in (0, 1)])


def ranked(gates: LayerGates, series: Series) -> dict[str, np.ndarray]:
    """The units of z and of r, from the one that is further open in drift to the one that is so in zigzag."""
    return {letter: np.argsort(-np.subtract(*by_regime(gates.gates[letter], series))) for letter in "zr"}


def most_apart(gates: LayerGates, series: Series) -> dict[str, int]:
    """For z and for r, the unit whose means differ most."""
    return {letter: int(np.abs(np.subtract(*by_regime(gates.gates[letter], series))).argmax()) for letter in "zr"}


def moving(gate: np.ndarray, series: Series) -> tuple[float, float]:
    """The mean |change| of a gate from row to row: where a switch is fresh, and where a regime is settled."""
    change, since = np.abs(np.diff(gate, axis=0)).mean(axis=1), series.since[1:-1]
    return float(change[since < FRESH].mean()), float(change[since >= SETTLED].mean())


def tell_errors(said: np.ndarray, series: Series) -> None:
    """The net beside what is best where the regime is known, and beside tomorrow = today."""
    today, actual = series.values[:-1], series.values[1:]
    known = np.take(KEPT, series.regime[1:]) * today
    fresh = series.since[1:] < FRESH
    print(f"{'RMSE on held-back rows':24}    all   {FRESH} rows from a switch on   the others")
    for name, answer in {"gru": said, "regime known": known, "tomorrow = today": today}.items():
        parts = [rmse(actual[rows], answer[rows]) for rows in (slice(None), fresh, ~fresh)]
        print(f"{name:24}  {parts[0]:5.3f}  {parts[1]:24.3f}  {parts[2]:11.3f}")


def tell_gates(gates: LayerGates, chosen: dict[str, int], series: Series) -> None:
    """How far a gate tells the regimes apart, and how much it moves at a switch."""
    print(f"\n{'gate':24}  {REGIMES[0]:>5}  {REGIMES[1]:>6}")
    for letter, unit in chosen.items():
        means = by_regime(gates.gates[letter], series)
        for name, (drift, zigzag) in {"all units": means.mean(axis=1), f"unit {unit}": means[:, unit]}.items():
            print(f"{f'mean {letter} of {name}':24}  {drift:5.2f}  {zigzag:6.2f}")
    for letter in chosen:
        fresh, settled = moving(gates.gates[letter], series)
        print(
            f"|change of {letter}| from row to row: {fresh:.3f} in {FRESH} rows from a switch on, {settled:.3f} settled"
        )


def main() -> None:
    """Make, train, look, tell, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    out = Path("runs/examples/changing_regimes")
    parser.add_argument("--out", type=Path, default=out, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="of the series and the first weights (default: 0)")
    options = parser.parse_args()
    series = made_series(ROWS, options.seed)
    learnt, held_back = series.half(0), series.half(1)
    net = fit(learnt.values, options.seed)
    _, seen = look(net, learnt)
    chosen = most_apart(seen, learnt)  # by the rows learnt from, as is the order of the units
    said, gates = look(net, held_back)
    tell_errors(said, held_back)
    tell_gates(gates, chosen, held_back)
    write(options.out, held_back, gates, ranked(seen, learnt), chosen)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
