"""What does each option of a recurrent stack cost, beside the same stack without it?

Stacks of three layers are built by `gatecast.nn.recurrent_layer` from configs that differ in one option.  `train` is a
pass in training mode and the gradients of the sum of the outputs to all weights, `forward` a pass in evaluation mode
without gradients.  Each stack takes turns with the plain one, in one process; the milliseconds are a median over turns,
and so is the ratio, each turn's to the plain stack's just before it.  `equations` is the plain stack by the reference
cell, which a mask of its own for each row within the recurrence would need.

    python benchmarks/stack_options.py [--rounds 25]
"""

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import torch

from gatecast import nn
from gatecast.nn.stacking import run_stack
from layers import timed
from report import environment, write_section

SIZES = ((32, 96, 8, 64), (256, 96, 4, 64))
CELLS = ("gru", "lstm", "mingru")
LAYERS = 3
SECONDS = 4.0  # for one option, after the first few turns
OPTIONS: dict[str, dict[str, Any]] = {
    "residual": {"residual": True},
    "dilations": {"dilations": (1, 2, 4)},
    "layer_norm": {"layer_norm": True},
    "variational_dropout": {"variational_dropout": 0.2},
    "weight_dropout": {"weight_dropout": 0.2},
    "zoneout": {"zoneout": 0.1},
    "equations": {},
}
Call = Callable[[], object]


def measure(cell: str, sizes: tuple[int, int, int, int], rounds: int) -> list[str]:
    """The rows of one cell and size."""
    plain, shown, lines = calls(cell, sizes, {}), ", ".join(map(str, sizes)), []
    for name, option in OPTIONS.items():
        if (cell, name) == ("mingru", "weight_dropout"):  # which has no recurrent matrix
            continue
        own = calls(cell, sizes, option, by_equations=name == "equations")
        cells = [part for pair in zip(plain, own, strict=True) for part in compared(*pair, rounds)]
        lines.append(f"| {cell} | {shown} | {name} | {' | '.join(cells)} |")
    return lines


def calls(
    cell: str, sizes: tuple[int, int, int, int], option: dict[str, Any], *, by_equations: bool = False
) -> tuple[Call, Call]:
    """A training pass and a forward pass."""
    torch.manual_seed(0)
    batch, steps, features, hidden = sizes
    config = nn.LayerConfig(cell=cell, hidden_size=hidden, num_layers=LAYERS, **option)
    trained, used = (nn.recurrent_layer(config, features, steps) for _ in range(2))
    used.eval()
    x = torch.randn(batch, steps, features)

    def output(way: Any) -> torch.Tensor:  # noqa: ANN401 - a layer of any kind
        return run_stack(way, x, None).output if by_equations else way(x)[0]

    def forward() -> None:
        with torch.no_grad():
            output(used)

    return lambda: output(trained).sum().backward(), forward


def compared(plain: Call, own: Call, rounds: int) -> tuple[str, str]:
    """Median milliseconds of the second, and its median ratio to the first."""
    rounds = max(3, min(rounds, int(SECONDS / timed(own, 1))))
    turns = [(timed(plain, 1), timed(own, 1)) for _ in range(rounds)]
    ratio = statistics.median(other / first for first, other in turns)
    return f"{1e3 * statistics.median(other for _, other in turns):.1f}", f"**{ratio:.2f}**"


def main() -> None:
    """Measure, print the table and put it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(1)
    head = "| cell | B, T, I, H | option | train, ms | ratio | forward, ms | ratio |"
    lines = [environment(threads=1), "", head, "|---|---|---|---|---|---|---|"]
    for cell in CELLS:
        for sizes in SIZES:
            lines += measure(cell, sizes, options.rounds)
    write_section("stack_options", "Options of a recurrent stack", __doc__, lines)


if __name__ == "__main__":
    main()
