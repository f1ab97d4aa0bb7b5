"""How fast are gatecast.nn's layers beside torch.nn's, over sizes that forecasting uses?

Both sides take turns in one process, on the same weights and inputs: blocks of about 30 ms in which one of them repeats
its call, as a training loop does.  A figure is a median over blocks, a ratio that of two medians.
`train` is forward and backward of the sum of the outputs, with gradients to all weights; `forward` has no gradients.
GF/s counts the matrix products alone (training: three times the forward's) and stands beside what torch.mm reaches.

    python benchmarks/layers.py [--json FILE] [--device cuda] [--rounds 15]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gatecast import nn
from report import environment, write_section

GRID = ((1, 96, 1, 64), (32, 96, 8, 64), (64, 60, 1, 64), (64, 168, 4, 128), (256, 96, 4, 64), (1024, 48, 1, 32))
GRID += ((128, 336, 7, 256),)
BLOCK = 0.03  # seconds
STEPS = 200
KINDS = {"GRU": (nn.GRU, torch.nn.GRU, 3), "LSTM": (nn.LSTM, torch.nn.LSTM, 4), "RNN": (nn.RNN, torch.nn.RNN, 1)}


@dataclass(frozen=True)
class Row:
    """One point of the grid: medians in milliseconds."""

    layer: str
    threads: int
    sizes: tuple[int, int, int, int]
    torch_forward: float
    own_forward: float
    torch_train: float
    own_train: float
    gflops: float  # of the forward's matrix products, in units of 1e9 operations


def in_turn(calls: dict[str, Callable[[], object]], rounds: int, threads: int) -> dict[str, float]:
    """Median milliseconds of a call, of blocks that take turns; a block repeats a call, as a training loop does."""
    milliseconds: dict[str, list[float]] = {name: [] for name in calls}
    repeats = {name: max(1, int(BLOCK / timed(call, 2))) for name, call in calls.items()}
    for _ in range(rounds):
        for name, call in calls.items():
            milliseconds[name].append(1e3 * timed(call, repeats[name]))
            if torch.get_num_threads() != threads:
                sys.exit(f"{name} changed the number of threads from {threads} to {torch.get_num_threads()}")
    return {name: statistics.median(found) for name, found in milliseconds.items()}


def timed(call: Callable[[], object], repeats: int) -> float:
    """Seconds of a call, after one that fills the caches."""
    call()
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / repeats


def measure(kind: str, sizes: tuple[int, int, int, int], threads: int, rounds: int, device: str) -> Row:
    """Both sides at one point of the grid."""
    torch.manual_seed(0)
    batch, steps, features, hidden = sizes
    own_type, torch_type, gates = KINDS[kind]
    own, theirs = (each(features, hidden).to(device) for each in (own_type, torch_type))
    own.load_state_dict(theirs.state_dict())
    x = torch.randn(steps, batch, features, device=device)

    def forward(layer: torch.nn.Module) -> Tensor:
        with torch.no_grad():
            return layer(x)[0]

    def train(layer: torch.nn.Module) -> None:
        layer(x)[0].sum().backward()

    calls = {
        "torch_forward": lambda: forward(theirs),
        "own_forward": lambda: forward(own),
        "torch_train": lambda: train(theirs),
        "own_train": lambda: train(own),
    }
    torch.testing.assert_close(forward(own), forward(theirs), rtol=0, atol=2e-6)
    gflops = 2e-9 * gates * hidden * (hidden + features) * steps * batch
    return Row(kind, threads, sizes, **in_turn(calls, rounds, threads), gflops=gflops)


def matrix_peak(threads: int) -> float:
    """GF/s of torch.mm on square matrices."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    milliseconds = in_turn({"mm": lambda: torch.mm(a, b)}, 15, threads)["mm"]
    return 2 * 1024**3 / 1e6 / milliseconds


def go_on(step: Callable[..., Any], x: Tensor, state: Any) -> None:  # noqa: ANN401 - a tensor or a pair
    """So many steps, each from the state that the one before left."""
    for _ in range(STEPS):
        state = step(x, state)


def single_step() -> list[str]:
    """One step of one sequence, from Python, in microseconds."""
    lines = ["| a step, B = T = 1, H = 64 | torch.nn cell, us | nn.stepper, us | ratio |", "|---|---|---|---|"]
    for kind, cell_type in (("GRU", torch.nn.GRUCell), ("LSTM", torch.nn.LSTMCell), ("RNN", torch.nn.RNNCell)):
        step, cell, x = nn.stepper(KINDS[kind][0](1, 64)), cell_type(1, 64), torch.randn(1, 1)
        h = torch.zeros(1, 64)
        calls = {
            "torch": partial(go_on, cell, x, (h, h) if kind == "LSTM" else h),
            "own": partial(go_on, step, x, (h[None], h[None]) if kind == "LSTM" else h[None]),
        }
        with torch.inference_mode():
            found = {name: 1e3 * milliseconds / STEPS for name, milliseconds in in_turn(calls, 31, 1).items()}
        lines.append(f"| {kind} | {found['torch']:.1f} | {found['own']:.2f} | {found['torch'] / found['own']:.1f} |")
    return lines


def table(rows: list[Row], peak: float) -> list[str]:
    """One line a point of the grid."""
    head = "forward torch / own, ms | ratio | train torch / own, ms | ratio | train GF/s | of mm"
    lines = [f"| layer | B, T, I, H | {head} |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        speed = 3e3 * row.gflops / row.own_train
        forward, train = row.torch_forward / row.own_forward, row.torch_train / row.own_train
        lines.append(
            f"| {row.layer} | {', '.join(map(str, row.sizes))} | {row.torch_forward:.2f} / {row.own_forward:.2f} | "
            f"**{forward:.1f}** | {row.torch_train:.2f} / {row.own_train:.2f} | **{train:.1f}** | {speed:.0f} | "
            f"{speed / peak:.0%} |"
        )
    return lines


def main() -> None:
    """Measure the grid with one thread and with two, print the tables and put them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    lines, everything = [environment(threads=2)], list[Row]()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        peak = matrix_peak(threads)
        rows = [measure(kind, sizes, threads, options.rounds, options.device) for kind in KINDS for sizes in GRID]
        lines += [
            "",
            f"**{threads} thread{'s' if threads > 1 else ''}**, torch.mm {peak:.0f} GF/s",
            "",
            *table(rows, peak),
        ]
        everything += rows
    torch.set_num_threads(1)
    if options.device == "cpu":
        lines += ["", *single_step()]
    title = "Layers beside torch.nn" + ("" if options.device == "cpu" else f" on {options.device}")
    write_section("layers", title, __doc__, lines)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in everything], indent=1))


if __name__ == "__main__":
    main()
