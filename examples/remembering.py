"""Remember the first of 41 values: forty steps of distraction lie between what is asked and where it was seen.

    python examples/remembering.py                      400 training steps of each net, about 10 seconds
    python examples/remembering.py --steps 4000         ten times the training
    python examples/remembering.py --delay 10           an easier question

Each row is a number and a mark, which is 1 at the first row and 0 after it; the answer is the number beside the mark.
Elman nets, clipped and not, a GRU and an LSTM, with torch's first weights and with others, have the same task, seed,
batches, optimiser and number of steps.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from drawing.remembering import Course, write
from torch import Tensor

from gatecast import nn
from gatecast.errors import GatecastError, OptionError
from gatecast.inspection import gradient_norms, memory_by_lag

UNITS = 32
LIMIT = 1.0  # to which the norm of a step's gradient is clipped


def elman_identity() -> torch.nn.Module:
    """U the identity, without bends above 0 (Q. Le, N. Jaitly & G. Hinton 2015, arXiv 1504.00941, section 3)."""
    layer = nn.RNN(2, UNITS, nonlinearity="relu", batch_first=True)
    torch.nn.init.eye_(layer.weight_hh_l0)
    torch.nn.init.zeros_(layer.bias_ih_l0)
    torch.nn.init.zeros_(layer.bias_hh_l0)
    return layer


class Kind(NamedTuple):
    """How a layer is made, and whether its net's gradient is clipped."""

    make: Callable[[], torch.nn.Module]
    clipped: bool


def kinds(rows: int) -> dict[str, Kind]:
    """The nets, of which two start with memories of up to so many rows."""
    elman, gru, lstm = (partial(cell, 2, UNITS, batch_first=True) for cell in (nn.RNN, nn.GRU, nn.LSTM))
    return {
        "elman": Kind(elman, clipped=False),
        "elman_clipped": Kind(elman, clipped=True),
        "elman_identity": Kind(elman_identity, clipped=False),
        "elman_identity_clipped": Kind(elman_identity, clipped=True),
        "gru": Kind(gru, clipped=True),
        "gru_chrono": Kind(lambda: nn.chrono_(gru(), rows), clipped=True),
        "lstm": Kind(lstm, clipped=True),
        "lstm_chrono": Kind(lambda: nn.chrono_(lstm(), rows), clipped=True),
    }


class Net(torch.nn.Module):
    """A recurrent layer, and a straight line from its last state."""

    def __init__(self, recurrent: torch.nn.Module) -> None:
        super().__init__()
        self.recurrent, self.output = recurrent, torch.nn.Linear(UNITS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The answer to each sequence."""
        states, _ = self.recurrent(x)  # (B, T, 2) -> (B, T, H)
        return self.output(states[:, -1])  # (B, H) -> (B, 1)


def sequences(count: int, delay: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Numbers from -1 to 1 beside a mark at the first row, (count, delay + 1, 2), and the first number, (count, 1)."""
    numbers = 2 * torch.rand(count, delay + 1, 1, generator=random) - 1
    marks = torch.zeros_like(numbers)
    marks[:, 0] = 1
    return torch.cat([numbers, marks], dim=-1), numbers[:, 0]


def fit(kind: Kind, delay: int, steps: int, seed: int) -> Course:
    """Make a net, train it, and look at it before and after."""
    torch.manual_seed(seed)
    net, random = Net(kind.make()), torch.Generator().manual_seed(seed)
    before = gradient_by_lag(net, *sequences(100, delay, torch.Generator().manual_seed(1000)))
    optimiser, losses, norms = torch.optim.Adam(net.parameters(), lr=0.005), [], []
    for _ in range(steps):
        x, y = sequences(64, delay, random)
        loss = torch.nn.functional.mse_loss(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), LIMIT if kind.clipped else float("inf"))
        optimiser.step()
        losses.append(loss.item())
        norms.append(norm.item())
    x, y = sequences(500, delay, torch.Generator().manual_seed(2000))
    with torch.no_grad():
        mse = torch.nn.functional.mse_loss(net(x), y).item()
    return Course(mse, np.array(losses), np.array(norms), before, memory_of_numbers(net, x))


def gradient_by_lag(net: Net, x: Tensor, y: Tensor) -> np.ndarray:
    """|d loss / d state| at lags 0, 1, ..., beside that at lag 0."""
    passed = nn.trace(net.recurrent, x)
    norms = gradient_norms((net.output(passed.output[:, -1]) - y).square().sum(), passed)
    return norms / norms[0]


def memory_of_numbers(net: Net, x: Tensor) -> np.ndarray:
    """|d answer / d number| by lag; the marks stay as they are."""
    numbers, marks = x.split(1, dim=-1)
    return memory_by_lag(lambda given: net(torch.cat([given, marks], dim=-1)), numbers)


def tell(courses: dict[str, Course], delay: int) -> None:
    """The table of what each net has learnt; who always says 0 has a third."""
    at = f"lag {delay}"
    print(f"{'':22}  {'before training,':>18}  {'largest gradient':>16}  {'':8}  {'heaviest':>8}  {'share of its':>13}")
    print(
        f"{'':22}  {'gradient at ' + at:>18}  {'in training':>16}  {'test MSE':8}  {'lag':>8}  {'memory at ' + at:>13}"
    )
    for name, each in courses.items():
        share = each.memory[delay] / each.memory.sum()
        first = f"{each.before[delay]:18.0e}  {each.norms.max():16.1f}  {each.mse:8.4f}"
        print(f"{name:22}  {first}  {each.memory.argmax():8}  {share:>13.0%}")


def main() -> None:
    """Train, tell, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/examples/remembering"), help="folder to write to")
    parser.add_argument("--delay", type=int, default=40, help="rows of distraction (default: 40)")
    parser.add_argument("--steps", type=int, default=400, help="training steps of each net (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="of first weights and batches (default: 0)")
    options = parser.parse_args()
    if options.delay < 2 or options.steps < 1:
        raise OptionError(f"--delay takes rows from 2 up and --steps from 1, got {options.delay} and {options.steps}.")
    nets = kinds(rows=options.delay + 1)
    courses = {name: fit(kind, options.delay, options.steps, options.seed) for name, kind in nets.items()}
    tell(courses, options.delay)
    write(options.out, courses)


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main()
    except (GatecastError, OSError) as error:
        sys.exit(str(error))
