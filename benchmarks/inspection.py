"""What does it cost to look inside a layer, beside a plain pass of it?

One sequence of 10,000 steps, 64 units, one thread, without gradients but for `memory`.  `pass` is the layer's call,
`gates` its call by `gatecast.nn.watch`, which hands out every gate, `memory` a pass with gradients and one backward
pass to the input: the weight of every lag in the last output.  `cell` is `gatecast.nn.trace`, step by step, and `torch`
the pass of torch.nn's own layer.  They take turns in one process; milliseconds and ratios are medians over turns.

The second table is a whole inspection of a forecaster (`inspect_forecaster`) on waves with one covariate, beside the
pass over the same rows that a forecast takes.

    python benchmarks/inspection.py [--rounds 9]
"""

import argparse
import statistics
from collections.abc import Callable

import numpy as np
import torch

from gatecast import nn
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, scoring_origins, split_by_time
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.inspection import inspect_forecaster, memory_by_lag
from gatecast.training.config import TrainingConfig
from layers import timed
from report import environment, write_section

STEPS, HIDDEN, FEATURES = 10_000, 64, 8
LAYERS = {"gru": (nn.GRU, torch.nn.GRU), "lstm": (nn.LSTM, torch.nn.LSTM), "mingru": (nn.MinGRU, None)}
CARRIED, LOOKED = "the pass of a forecast", "the inspection"


def of_layer(name: str, rounds: int) -> str:
    """One row: a kind of layer."""
    torch.manual_seed(0)
    kind, torchs = LAYERS[name]
    layer, x = kind(FEATURES, HIDDEN, batch_first=True), torch.randn(1, STEPS, FEATURES)
    calls: dict[str, Callable[[], object]] = {
        "pass": lambda: layer(x),
        "gates": lambda: nn.watch(layer, x),
        "memory": lambda: memory_by_lag(lambda given: layer(given)[0][:, -1], x),
        "cell": lambda: nn.trace(layer, x),
    }
    if torchs is not None:
        own = torchs(FEATURES, HIDDEN, batch_first=True)
        calls["torch"] = lambda: own(x)
    turns = [{part: _seconds(call, part) for part, call in calls.items()} for _ in range(rounds)]
    middle = {part: 1e3 * statistics.median(turn[part] for turn in turns) for part in calls}
    ratios = {part: statistics.median(turn[part] / turn["pass"] for turn in turns) for part in ("gates", "memory")}
    cells = [f"{middle[part]:.1f}" if part in middle else "" for part in ("pass", "gates", "memory", "cell", "torch")]
    return f"| {name} | {' | '.join(cells)} | **{ratios['gates']:.2f}** | {ratios['memory']:.2f} |"


def _seconds(call: Callable[[], object], part: str) -> float:
    with torch.set_grad_enabled(part == "memory"):
        return timed(call, 1)


def table(rows: int) -> Panel:
    """Waves of a day with noise, and a covariate."""
    rng = np.random.default_rng(0)
    waves = np.sin(2 * np.pi * np.arange(rows)[:, None] / 24 + np.arange(2)) + 0.1 * rng.normal(size=(rows, 2))
    columns = Columns(target=("y",), past=("x",), id="unique_id", time="ds")
    return panel_from_arrays({"a": waves}, columns, parse_frequency("1h"))


def of_forecaster(rounds: int) -> str:
    """One row: a fitted forecaster that carries a state over 12,500 rows."""
    panel = table(12_500)
    split = split_by_time(panel, 24)
    training = TrainingConfig(steps=50, evaluate_every=25)
    config = ForecasterConfig(
        lookback=48, horizon=24, mode="sequences", normalise="causal", season=24, subtract="seasonal", training=training
    )
    forecaster = RecurrentForecaster(config).fit(panel, split)
    origins = scoring_origins(split.validation_end, split.test_end, 24)
    last = Origins(origins.series[-1:], origins.position[-1:])
    whole = last.position[0]
    turns = []
    for _ in range(rounds):
        carried = timed(lambda: forecaster.bounded(panel, last, 24, int(whole)), 1)
        turns.append((carried, timed(lambda: inspect_forecaster(forecaster, panel, origins), 1)))
    seconds = [statistics.median(turn[part] for turn in turns) for part in (0, 1)]
    return f"| {whole:,} | {seconds[0]:.3f} | {seconds[1]:.2f} |"


def main() -> None:
    """Measure, print the tables and put them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    lines = [
        environment(1),
        "",
        "| layer | pass, ms | gates, ms | memory, ms | cell, ms | torch, ms | gates / pass | memory / pass |",
        "|---|---|---|---|---|---|---|---|",
        *(of_layer(name, rounds) for name in LAYERS),
        "",
        f"| rows | {CARRIED}, s | {LOOKED}, s |",
        "|---|---|---|",
        of_forecaster(rounds),
    ]
    write_section("inspection", "Looking inside a layer", __doc__, lines)


if __name__ == "__main__":
    main()
