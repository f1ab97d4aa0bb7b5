"""PyTorch-Forecasting's RecurrentNetwork: an encoder and a decoder; its loss takes the decoder's steps."""

from collections.abc import Callable
from typing import NamedTuple

import lightning.pytorch as lightning
import numpy as np
import pandas as pd
import torch
from pytorch_forecasting import RecurrentNetwork, TimeSeriesDataSet
from pytorch_forecasting.data.encoders import TorchNormalizer
from pytorch_forecasting.metrics import RMSE

from common import HIDDEN, HORIZON, KNOWN, LOOKBACK, RATE, SILENT, TRAIN, WINDOWS, Peer, main, quiet_trainer

QUIET = {**SILENT, "enable_checkpointing": False}  # copied for each call, because a call leaves its callback there


class Fitted(NamedTuple):
    """The net, and the data set that says how tables are read."""

    net: RecurrentNetwork
    data: TimeSeriesDataSet


def table(y: np.ndarray) -> pd.DataFrame:
    """The values as a data frame."""
    return pd.DataFrame({"group": "OT", "row": np.arange(len(y)), "y": y})


def fit(rows: pd.DataFrame, steps: int, tick: Callable[[], None]) -> Fitted:
    """Train a net."""
    data = TimeSeriesDataSet(
        rows[:TRAIN],
        time_idx="row",
        target="y",
        group_ids=["group"],
        min_encoder_length=LOOKBACK,
        max_encoder_length=LOOKBACK,
        min_prediction_length=HORIZON,
        max_prediction_length=HORIZON,
        time_varying_unknown_reals=["y"],
        target_normalizer=TorchNormalizer(method="identity"),
    )
    net = RecurrentNetwork.from_dataset(
        data,
        cell_type="GRU",
        hidden_size=HIDDEN,
        rnn_layers=1,
        dropout=0.0,
        learning_rate=RATE,
        optimizer="adam",
        loss=RMSE(),
        log_interval=-1,
    )
    told = quiet_trainer(lightning.Callback, tick)
    trainer = lightning.Trainer(max_steps=steps, enable_checkpointing=False, **told)
    trainer.fit(net, data.to_dataloader(train=True, batch_size=WINDOWS))
    return Fitted(net, data)


def backtest(fitted: Fitted, rows: pd.DataFrame) -> np.ndarray:
    """Forecast from every row of the test part."""
    test = TimeSeriesDataSet.from_dataset(fitted.data, rows[KNOWN - LOOKBACK :])
    loader = test.to_dataloader(train=False, batch_size=WINDOWS)
    return fitted.net.predict(loader, trainer_kwargs=dict(QUIET)).numpy()


def forecast(fitted: Fitted, rows: pd.DataFrame) -> torch.Tensor:
    """Forecast once; rows to come must be in the table, though their values are not read."""
    last = rows[KNOWN - LOOKBACK : KNOWN + HORIZON]
    test = TimeSeriesDataSet.from_dataset(fitted.data, last, predict=True)
    return fitted.net.predict(test.to_dataloader(train=False, batch_size=1), trainer_kwargs=dict(QUIET))


if __name__ == "__main__":
    lightning.seed_everything(0, verbose=False)
    counted, packages = "the horizon of each window", ("pytorch_forecasting", "torch", "lightning")
    name = "PyTorch-Forecasting RecurrentNetwork GRU"
    main(Peer(name, packages, counted, HORIZON, table, fit, backtest, forecast))
