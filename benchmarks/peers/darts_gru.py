"""Darts: `block` is BlockRNNModel (all steps at once), `recurrent` is RNNModel (one step ahead, fed back).

RNNModel's loss takes the next value after each of the `training_length` steps of a window.
"""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pytorch_lightning
from darts import TimeSeries
from darts.models import BlockRNNModel, RNNModel

from common import HIDDEN, HORIZON, KNOWN, LOOKBACK, RATE, TRAIN, WINDOWS, Peer, main, quiet_trainer

Model = BlockRNNModel | RNNModel
LENGTH = LOOKBACK + HORIZON - 1  # a window and its last target: LOOKBACK + HORIZON values, as in the other peers


def fit(series: TimeSeries, steps: int, tick: Callable[[], None], *, recurrent: bool) -> Model:
    """Train a net."""
    settings = {
        "model": "GRU",
        "input_chunk_length": LOOKBACK,
        "hidden_dim": HIDDEN,
        "n_rnn_layers": 1,
        "batch_size": WINDOWS,
        "n_epochs": 10**6,
        "optimizer_kwargs": {"lr": RATE},
        "random_state": 0,
        "pl_trainer_kwargs": {"max_steps": steps, **quiet_trainer(pytorch_lightning.Callback, tick)},
    }
    if recurrent:
        model = RNNModel(training_length=LENGTH, **settings)
    else:
        model = BlockRNNModel(output_chunk_length=HORIZON, **settings)
    return model.fit(series[:TRAIN])


def backtest(model: Model, series: TimeSeries) -> np.ndarray:
    """Forecast from every row of the test part."""
    found = model.historical_forecasts(
        series,
        start=KNOWN,
        forecast_horizon=HORIZON,
        stride=1,
        retrain=False,
        last_points_only=False,
    )
    return np.stack([part.values()[:, 0] for part in found])


def forecast(model: Model, series: TimeSeries) -> TimeSeries:
    """Forecast once."""
    return model.predict(HORIZON, series=series[:KNOWN], verbose=False)


if __name__ == "__main__":
    way = sys.argv[2]
    trained = partial(fit, recurrent=way == "recurrent")
    name = "RNNModel" if way == "recurrent" else "BlockRNNModel"
    counted = f"each of the {LENGTH} steps of a window" if way == "recurrent" else "the horizon of each window"
    supervised = LENGTH if way == "recurrent" else HORIZON
    packages = ("darts", "torch", "pytorch_lightning")
    main(Peer(f"Darts {name} GRU", packages, counted, supervised, TimeSeries.from_values, trained, backtest, forecast))
