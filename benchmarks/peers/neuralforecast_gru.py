"""NeuralForecast's GRU: `direct`, or `recurrent` (one step ahead, fed back).

Its loss takes the last `h_train` steps of a window: `GRU.forward` returns `output[:, -self.h:]`, and a training step of
a recurrent model sets `h` to `h_train`.  Here that is the horizon, in both.
"""

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytorch_lightning
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MSE
from neuralforecast.models import GRU

from common import HIDDEN, HORIZON, KNOWN, LOOKBACK, RATE, ROWS, START, TRAIN, WINDOWS, Peer, main, quiet_trainer


def table(y: np.ndarray) -> pd.DataFrame:
    """The values as a data frame."""
    return pd.DataFrame({"unique_id": "OT", "ds": pd.date_range(START, periods=ROWS, freq="h"), "y": y})


def fit(rows: pd.DataFrame, steps: int, tick: Callable[[], None], *, recurrent: bool) -> NeuralForecast:
    """Train a net; one series, so that a batch is one series of 64 windows."""
    model = GRU(
        h=HORIZON,
        input_size=LOOKBACK,
        recurrent=recurrent,
        h_train=HORIZON if recurrent else 1,
        encoder_n_layers=1,
        encoder_hidden_size=HIDDEN,
        decoder_layers=1,
        loss=MSE(),
        learning_rate=RATE,
        max_steps=steps,
        batch_size=1,
        windows_batch_size=WINDOWS,
        scaler_type="identity",
        **quiet_trainer(pytorch_lightning.Callback, tick),
        enable_checkpointing=False,
    )
    forecaster = NeuralForecast(models=[model], freq="h")
    forecaster.fit(rows[:TRAIN])
    return forecaster


def backtest(forecaster: NeuralForecast, rows: pd.DataFrame) -> np.ndarray:
    """Forecast from every row of the test part."""
    found = forecaster.cross_validation(rows, n_windows=None, test_size=ROWS - KNOWN, step_size=1, use_fitted=True)
    return found.sort_values(["cutoff", "ds"])["GRU"].to_numpy().reshape(-1, HORIZON)


def forecast(forecaster: NeuralForecast, rows: pd.DataFrame) -> pd.DataFrame:
    """Forecast once."""
    return forecaster.predict(rows[:KNOWN])


if __name__ == "__main__":
    way = sys.argv[2]
    trained = partial(fit, recurrent=way == "recurrent")
    counted = "the horizon of each window"
    packages = ("neuralforecast", "torch", "pytorch_lightning")
    main(Peer(f"NeuralForecast GRU, {way}", packages, counted, HORIZON, table, trained, backtest, forecast))
