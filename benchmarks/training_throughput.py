"""Does gatecast's training loop cost more than a plain nn.GRU loop over batches gathered beforehand?

Both train the same GRU on windows of the same shape with AdamW, gradient clipping and the quantile loss.  The plain
loop gets its batches as finished tensors and adds one linear layer; gatecast gathers by index, normalises inside the
window, adds the calendar head and the highway, and looks for NaN.  Blocks of steps take turns in one process; the ratio
is that of the medians.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import panel_from_arrays
from gatecast.data.splits import split_by_time
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.losses import quantile_loss
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import train
from report import environment, write_section

BLOCK, BLOCKS = 20, 15
LEVELS = (0.1, 0.5, 0.9)


def forecaster(lookback: int, horizon: int, hidden: int, batch: int) -> tuple[Iterator[object], int]:
    """Steps of gatecast without end, and the features its GRU reads."""
    values = np.random.default_rng(0).normal(size=(12_000, 1)).cumsum(axis=0)
    panel = panel_from_arrays({"a": values}, Columns(target=("y",), time="ds"), parse_frequency("1h"))
    config = ForecasterConfig(
        lookback=lookback,
        horizon=horizon,
        network=NetworkConfig(layer=LayerConfig(hidden_size=hidden)),
        training=TrainingConfig(steps=10**6, batch_size=batch, evaluate_every=10**6, schedule="constant"),
    )
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, horizon))
    return train(network, course, config.training, state), network.encoder.layer.input_size


class Plain(nn.Module):
    """The net of a tutorial: a GRU and a linear layer on its last output."""

    def __init__(self, features: int, hidden: int, horizon: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, horizon * len(LEVELS))

    def forward(self, x: Tensor) -> Tensor:
        """Forecast every step and level from the last output."""
        return self.linear(self.gru(x)[0][:, -1]).unflatten(-1, (-1, len(LEVELS)))


def plain_step(features: int, lookback: int, horizon: int, hidden: int, batch: int) -> Callable[[], None]:
    """One step of the plain loop."""
    net = Plain(features, hidden, horizon)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-4)
    batches = [(torch.randn(batch, lookback, features), torch.randn(batch, horizon)) for _ in range(50)]
    levels = torch.tensor(LEVELS)
    count = iter(range(10**9))

    def step() -> None:
        x, y = batches[next(count) % len(batches)]
        optimiser.zero_grad()
        loss = quantile_loss(y, net(x), levels).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        loss.item()

    return step


def seconds(step: Callable[[], object]) -> float:
    """Seconds of one block of steps."""
    started = time.perf_counter()
    for _ in range(BLOCK):
        step()
    return (time.perf_counter() - started) / BLOCK


def compare(lookback: int, horizon: int, hidden: int, batch: int) -> str:
    """One row of the table."""
    steps, features = forecaster(lookback, horizon, hidden, batch)
    plain = plain_step(features, lookback, horizon, hidden, batch)
    ours, theirs = [], []
    for _ in range(BLOCKS):
        ours.append(seconds(lambda: next(steps)))
        theirs.append(seconds(plain))
    mine, other = statistics.median(ours[1:]), statistics.median(theirs[1:])
    return (
        f"| {batch} | {lookback} | {features} | {hidden} | {batch / mine:,.0f} | {batch / other:,.0f} "
        f"| **{other / mine:.2f}** |"
    )


def main() -> None:
    """Print the table and put it into RESULTS.md."""
    torch.set_num_threads(1)
    rows = [compare(*sizes) for sizes in ((96, 24, 64, 64), (48, 12, 64, 32), (168, 24, 128, 64))]
    head = ["| batch | lookback | features | hidden | gatecast windows/s | plain loop windows/s | ratio |"]
    lines = [environment(threads=1), "", *head, "|---|---|---|---|---|---|---|", *rows]
    write_section("training_throughput", "Training throughput against a plain nn.GRU loop", __doc__, lines)


if __name__ == "__main__":
    main()
