"""How much faster do kernels make the layers that torch.nn does not have?

Each layer runs by its kernel and by its reference cell (the scan in parallel over time where the equations allow one),
on the same weights and inputs, in turn, in one process; beside them stands torch.nn.GRU with as many units.  `train` is
forward and backward of the sum of the outputs, with gradients to all weights; figures are medians in milliseconds.

    python benchmarks/own_layers.py [--rounds 9]
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gatecast import nn
from gatecast.nn.stacking import run_stack
from layers import in_turn
from report import environment, write_section

GRID = ((32, 96, 8, 64), (64, 168, 4, 128), (256, 96, 4, 64))
KINDS: dict[str, Callable[[int, int], Any]] = {
    "GRU, reset before": lambda features, hidden: nn.GRU(features, hidden, reset_after=False),
    "MinGRU": nn.MinGRU,
    "MinLSTM": nn.MinLSTM,
    "IndRNN": nn.IndRNN,
}


def measure(kind: str, sizes: tuple[int, int, int, int], rounds: int) -> str:
    """One row of the table."""
    torch.manual_seed(0)
    batch, steps, features, hidden = sizes
    layer, x = KINDS[kind](features, hidden), torch.randn(steps, batch, features)
    theirs = torch.nn.GRU(features, hidden)

    def reference(x: Tensor) -> Any:  # noqa: ANN401 - as a layer gives it
        return run_stack(layer, x, None)

    torch.testing.assert_close(layer(x)[0], reference(x)[0], rtol=1e-5, atol=1e-5)
    ways = {"kernel": layer, "cell": reference, "torch": theirs}
    calls: dict[str, Callable[[], object]] = {}
    for name, way in ways.items():
        calls[f"forward {name}"] = lambda way=way: forward(way, x)
        calls[f"train {name}"] = lambda way=way: way(x)[0].sum().backward()
    found = in_turn(calls, rounds, 1)
    cells = [kind, ", ".join(map(str, sizes))]
    for what in ("forward", "train"):
        own, cell, torch_gru = (found[f"{what} {name}"] for name in ways)
        cells += [f"{cell:.2f} / {own:.2f}", f"**{cell / own:.1f}**", f"{torch_gru:.2f}"]
    return f"| {' | '.join(cells)} |"


@torch.no_grad()
def forward(way: Callable[[Tensor], Any], x: Tensor) -> None:
    """A pass without gradients."""
    way(x)


def main() -> None:
    """Measure, print the table and put it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    head = "forward cell / kernel | ratio | torch.nn.GRU | train cell / kernel | ratio | torch.nn.GRU"
    lines = [environment(threads=1), "", f"| layer | B, T, I, H | {head} |", "|---|---|---|---|---|---|---|---|"]
    lines += [measure(kind, sizes, options.rounds) for kind in KINDS for sizes in GRID]
    write_section("own_layers", "Layers that torch.nn does not have", __doc__, lines)


if __name__ == "__main__":
    main()
