"""How much faster is a whole training step when gatecast.nn's layer takes the place of torch.nn's?

A step is one batch through the layer and a linear head on the last h, the mean squared error, backward, clipping of the
gradients' norm and Adam; only the layer differs.  Both sides start from the same weights and take turns in one process;
a figure is a median, a ratio that of two.

    python benchmarks/train_step.py [--json FILE] [--rounds 25]
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import mse_loss
from torch.nn.utils import clip_grad_norm_

from gatecast import nn
from layers import in_turn
from report import environment, write_section

GRID = ((32, 96, 8, 64), (64, 60, 1, 64), (256, 96, 4, 64), (1024, 48, 1, 32))
KINDS = {"GRU": (nn.GRU, torch.nn.GRU), "LSTM": (nn.LSTM, torch.nn.LSTM)}


@dataclass(frozen=True)
class Row:
    """One point of the grid: medians in milliseconds."""

    layer: str
    threads: int
    sizes: tuple[int, int, int, int]
    torch: float
    own: float


class Net(torch.nn.Module):
    """A recurrent layer, and a linear head on its last h."""

    def __init__(self, layer: torch.nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer
        self.head = torch.nn.Linear(layer.hidden_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """One number for each sequence of a batch (B, T, I)."""
        return self.head(self.layer(x)[0][:, -1])


def training(net: Net, x: Tensor, y: Tensor) -> Callable[[], tuple[Tensor, Tensor]]:
    """A call that takes one training step, and gives the loss and the gradients' norm before it."""
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step() -> tuple[Tensor, Tensor]:
        optimiser.zero_grad()
        loss = mse_loss(net(x), y)
        loss.backward()
        norm = clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        return loss.detach(), norm

    return step


def measure(kind: str, sizes: tuple[int, int, int, int], threads: int, rounds: int) -> Row:
    """Both sides at one point of the grid."""
    torch.manual_seed(0)
    batch, steps, features, hidden = sizes
    own, theirs = (Net(each(features, hidden, batch_first=True)) for each in KINDS[kind])
    own.load_state_dict(theirs.state_dict())
    x, y = torch.randn(batch, steps, features), torch.randn(batch, 1)
    calls = {"torch": training(theirs, x, y), "own": training(own, x, y)}
    torch.testing.assert_close(calls["own"](), calls["torch"](), rtol=1e-5, atol=1e-6)
    return Row(kind, threads, sizes, **in_turn(calls, rounds, threads))


def table(rows: list[Row]) -> list[str]:
    """One line a point of the grid."""
    lines = ["| layer | B, T, I, H | step with torch.nn, ms | with gatecast.nn, ms | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        sizes = ", ".join(map(str, row.sizes))
        lines.append(f"| {row.layer} | {sizes} | {row.torch:.2f} | {row.own:.2f} | **{row.torch / row.own:.1f}** |")
    return lines


def main() -> None:
    """Measure the grid with one thread and with two, print the tables and put them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    lines, everything = [environment(threads=2)], list[Row]()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        rows = [measure(kind, sizes, threads, options.rounds) for kind in KINDS for sizes in GRID]
        lines += ["", f"**{threads} thread{'s' if threads > 1 else ''}**", "", *table(rows)]
        everything += rows
    write_section("train_step", "A training step beside torch.nn", __doc__, lines)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in everything], indent=1))


if __name__ == "__main__":
    main()
