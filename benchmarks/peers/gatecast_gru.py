"""gatecast's GRU: `windows` reads a lookback before each cutoff, `sequences` reads a series once.

A step of `sequences` forecasts the horizon from every row of its chunks but the burn-in, so that a window of its count
is one such row.  Both look at the validation part every 50 steps, which no other peer does, and keep the best weights.
"""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl
import torch

from common import HORIZON, KNOWN, LOOKBACK, ROWS, START, TRAIN, WINDOWS, Peer, main
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, Split, rolling_origins
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.passing import outputs_at
from gatecast.models.remembering import Memory
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import train

SPLIT = Split(*(np.array([end]) for end in (TRAIN, KNOWN, ROWS)))
EVERY = rolling_origins(SPLIT.validation_end, SPLIT.test_end, HORIZON, stride=1)
NEWEST = Origins(np.array([0]), np.array([KNOWN]))


def table(y: np.ndarray) -> Panel:
    """The values as a panel."""
    return panel_from_arrays({"OT": y[:, None]}, Columns(target=("y",), time="ds"), parse_frequency("1h"), START)


def settings(mode: Mode, steps: int) -> ForecasterConfig:
    """The net of the comparison: hidden size 64, one layer, squared error."""
    return ForecasterConfig(
        LOOKBACK,
        HORIZON,
        mode=mode,
        normalise="causal" if mode == "sequences" else "last",
        season=24,
        flags=False,
        ahead=False,
        calendar=("day",),
        network=NetworkConfig(loss="mse"),
        training=TrainingConfig(steps=steps, patience=steps),
    )


def fit(panel: Panel, steps: int, tick: Callable[[], None], *, mode: Mode) -> RecurrentForecaster:
    """Train a net."""
    forecaster = RecurrentForecaster(settings(mode, steps))
    network, course, state = forecaster.prepare(panel, SPLIT)
    for _ in train(network, course, forecaster.config.training, state):
        tick()
    forecaster.keep_best(state)
    return forecaster


def backtest(forecaster: RecurrentForecaster, panel: Panel) -> np.ndarray:
    """Forecast from every row of the test part."""
    return forecaster.forecast(panel, EVERY, HORIZON).to_frame()["mean"].to_numpy().reshape(-1, HORIZON)


def forecast(forecaster: RecurrentForecaster, panel: Panel) -> pl.DataFrame:
    """Forecast once."""
    return forecaster.forecast(panel, NEWEST, HORIZON).to_frame()


def parts(forecaster: RecurrentForecaster, panel: Panel) -> dict[str, Callable[[], object]]:
    """The backtest without its frame, and (in `sequences`) the pass alone, with its tensors ready.

    The first pass reads the whole series, and a later one remembers the state before the test part.
    """
    ways: dict[str, Callable[[], object]] = {"forecast": lambda: forecaster.forecast(panel, EVERY, HORIZON)}
    if forecaster.config.mode == "sequences":
        _, course, _ = RecurrentForecaster(forecaster.config).prepare(panel, SPLIT)
        tensors, network = course.tensors, forecaster.network_
        places = tensors.place(EVERY)

        @torch.inference_mode()
        def read(memory: Memory | None) -> torch.Tensor:
            return network.forecast_from(
                outputs_at(network, tensors, places, memory), tensors.cutoffs(places, came=False)
            )

        ways = {"first pass": lambda: read(None), "pass": partial(read, Memory())} | ways
    return ways


def cutoffs_a_step(training: TrainingConfig) -> float:
    """Rows of a step of `sequences` that a forecast is learnt from."""
    return training.streams * (training.time - training.burn_in / training.chunks)


if __name__ == "__main__":
    mode: Mode = "sequences" if sys.argv[2] == "sequences" else "windows"
    training = TrainingConfig()
    windows, counted = WINDOWS, "the horizon of each window"
    if mode == "sequences":
        windows, counted = round(cutoffs_a_step(training)), "the horizon from each row read"
    trained = partial(fit, mode=mode)
    main(
        Peer(
            f"gatecast GRU, {mode}",
            ("gatecast", "torch"),
            counted,
            HORIZON,
            table,
            trained,
            backtest,
            forecast,
            repeats=15,
            windows=windows,
            parts=parts,
        )
    )
