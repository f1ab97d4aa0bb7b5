"""How long does one pass take to reach the best validation score of a textbook's loop over windows?

ETTh1, the oil temperature alone, 24 rows ahead; one thread.  Both have a GRU of 64 units and a linear head on its
output, mean squared error, z-scored by the training part, and are judged on the same cutoffs of the validation part.
The textbook reads windows of 96 rows with torch.nn.GRU and Adam; with `last`, the last value is subtracted from each
window, which most textbooks leave out.  `sequences` is gatecast's, with its defaults.  Time counts training alone:
looking at the validation part is left out on both sides.

    python benchmarks/time_to_accuracy.py [--steps 2000] [--seeds 0 1 2]
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from gatecast.data.splits import Split
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.courses import Windows
from gatecast.training.optimiser import Adam, clip, learning_rate
from public_panels import ett
from report import environment, write_section

LOOKBACK, HORIZON, HIDDEN, BATCH, EVERY = 96, 24, 64, 64, 25
TRAIN, VALIDATION = 8640, 2880


class Point(NamedTuple):
    """The validation score after so many seconds and steps of training."""

    seconds: float
    step: int
    score: float


class Textbook(nn.Module):
    """A GRU over a window and a linear layer on its last output."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self.last = last
        self.gru = nn.GRU(1, HIDDEN, batch_first=True)
        self.linear = nn.Linear(HIDDEN, HORIZON)

    def forward(self, window: Tensor) -> Tensor:
        """All steps of the horizon."""
        level = window[:, -1:] if self.last else torch.zeros_like(window[:, -1:])
        return self.linear(self.gru(window - level)[0][:, -1]) + level[..., 0]


def textbook(course: Windows, steps: int, seed: int, *, last: bool) -> Iterator[Point]:
    """The loop of a textbook, on the windows that gatecast would read."""
    torch.manual_seed(seed)
    net = Textbook(last=last)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(seed)
    seconds = 0.0
    judged = course.tensors.gather(course.validation)
    for step in range(1, steps + 1):
        started = time.perf_counter()
        batch = course.tensors.gather(course.train[torch.randint(len(course.train), (BATCH,), generator=generator)])
        loss = mse_loss(net(batch.past), batch.actual[..., 0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds += time.perf_counter() - started
        if step % EVERY == 0:
            with torch.no_grad():
                yield Point(seconds, step, float(mse_loss(net(judged.past), judged.actual[..., 0])))


def sequences(steps: int, seed: int) -> Iterator[Point]:
    """Gatecast's steps over sequences, timed without its looks at the validation part."""
    config = config_of("sequences", steps, seed)
    network, course, state = RecurrentForecaster(config).prepare(ett("ETTh1.csv.gz", columns=("OT",)), SPLIT)
    optimiser: Adam = state.optimiser
    seconds = 0.0
    for step in range(steps):
        network.train()
        started = time.perf_counter()
        loss, state.carried = course.loss(network, step, state.carried)
        optimiser.clear_gradient()
        loss.backward()
        gradient = optimiser.gradient()
        clip(gradient, config.training.clip_norm)
        optimiser.step(gradient, step + 1, learning_rate(config.training, step))
        seconds += time.perf_counter() - started
        if (step + 1) % EVERY == 0:
            yield Point(seconds, step + 1, course.validation_loss(network.eval()))


def config_of(mode: str, steps: int, seed: int) -> ForecasterConfig:
    """What is compared."""
    return ForecasterConfig(
        lookback=LOOKBACK,
        horizon=HORIZON,
        mode="sequences" if mode == "sequences" else "windows",
        season=24,
        normalise="causal" if mode == "sequences" else "none",
        flags=False,
        ahead=False,
        calendar=("day",) if mode == "sequences" else (),
        network=NetworkConfig(layer=LayerConfig(hidden_size=HIDDEN), loss="mse"),
        training=TrainingConfig(steps=steps, batch_size=BATCH, seed=seed),
    )


SPLIT = Split(np.array([TRAIN]), np.array([TRAIN + VALIDATION]), np.array([TRAIN + 2 * VALIDATION]))


def compare(steps: int, seed: int) -> tuple[list[str], tuple[float, float]]:
    """Lines of the table for one seed, and how many times sooner each textbook's best score was reached."""
    _, windows, _ = RecurrentForecaster(config_of("windows", steps, seed)).prepare(
        ett("ETTh1.csv.gz", columns=("OT",)), SPLIT
    )
    assert isinstance(windows, Windows)  # noqa: S101 - narrows the type
    ours = list(sequences(steps, seed))
    lines, ratios = [], []
    for last in (False, True):
        best = min(textbook(windows, steps, seed, last=last), key=lambda point: point.score)
        reached = next((point for point in ours if point.score <= best.score), None)
        name = "textbook, last value subtracted" if last else "textbook"
        at = f"{reached.seconds:.2f} | {reached.step}" if reached else "never | -"
        ratio = best.seconds / reached.seconds if reached else float("nan")
        lines.append(
            f"| {name} | {seed} | {best.score:.4f} | {best.seconds:.1f} | {best.step} | {at} | **{ratio:.1f}** |"
        )
        ratios.append(ratio)
    top = min(ours, key=lambda point: point.score)
    lines.append(f"| sequences | {seed} | {top.score:.4f} | {top.seconds:.1f} | {top.step} | | |")
    return lines, (ratios[0], ratios[1])


def main() -> None:
    """Run every seed, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    if "GATECAST_DATA" not in os.environ:
        sys.exit("time_to_accuracy.py reads ETTh1 from the folder GATECAST_DATA: set it, and run again.")
    torch.set_num_threads(1)
    found = [compare(asked.steps, seed) for seed in asked.seeds]
    head = "| loop | seed | best MSE | after s | at step | sequences there after s | at step | times sooner |"
    medians = [statistics.median(ratios[place] for _, ratios in found) for place in (0, 1)]
    closing = (
        f"Median: {medians[0]:.1f} times sooner than the textbook, {medians[1]:.1f} with the last value subtracted."
    )
    rows = [line for lines, _ in found for line in lines]
    write_section(
        "time_to_accuracy",
        "Time to accuracy",
        __doc__,
        [environment(threads=1), "", head, "|---" * 8 + "|", *rows, "", closing],
    )


if __name__ == "__main__":
    main()
