"""GluonTS's DeepAR on torch: an LSTM that reads one step ahead, a Student-t likelihood, 100 sample paths.

Its loss takes all steps of a window but the first: `DeepARModel.loss` joins context and horizon.
"""

from collections.abc import Callable

import lightning.pytorch as lightning
import numpy as np
import pandas as pd
import torch
from gluonts.dataset.common import ListDataset
from gluonts.dataset.split import split
from gluonts.model.forecast import Forecast
from gluonts.torch import DeepAREstimator
from gluonts.torch.model.predictor import PyTorchPredictor

from common import HIDDEN, HORIZON, KNOWN, LOOKBACK, RATE, ROWS, START, TRAIN, WINDOWS, Peer, main, quiet_trainer

EPOCH = 500
FIRST = pd.Period(f"{START} 00:00", "h")


def fit(y: np.ndarray, steps: int, tick: Callable[[], None]) -> PyTorchPredictor:
    """Train a net; its checkpoints cannot be turned off, so this wants a folder to be thrown away."""
    told = quiet_trainer(lightning.Callback, tick)
    estimator = DeepAREstimator(
        freq="h",
        prediction_length=HORIZON,
        context_length=LOOKBACK,
        num_layers=1,
        hidden_size=HIDDEN,
        dropout_rate=0.0,
        lr=RATE,
        scaling=False,
        lags_seq=[1],
        time_features=[],
        batch_size=WINDOWS,
        num_batches_per_epoch=min(EPOCH, steps),
        trainer_kwargs={"max_epochs": max(1, steps // EPOCH), **told},
    )
    return estimator.train(ListDataset([{"start": FIRST, "target": y[:TRAIN]}], freq="h"))


def backtest(predictor: PyTorchPredictor, y: np.ndarray) -> np.ndarray:
    """Forecast from every row of the test part; the mean of the paths."""
    _, generator = split(ListDataset([{"start": FIRST, "target": y}], freq="h"), offset=KNOWN)
    test = generator.generate_instances(HORIZON, windows=ROWS - KNOWN - HORIZON + 1, distance=1)
    return np.stack([part.samples.mean(axis=0) for part in predictor.predict(test.input)])


def forecast(predictor: PyTorchPredictor, y: np.ndarray) -> list[Forecast]:
    """Forecast once."""
    return list(predictor.predict(ListDataset([{"start": FIRST, "target": y[:KNOWN]}], freq="h")))


if __name__ == "__main__":
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that GluonTS draws its windows from
    counted, packages = "all steps of a window but the first", ("gluonts", "torch", "lightning")
    supervised = LOOKBACK + HORIZON - 1
    main(Peer("GluonTS DeepAR (LSTM, 100 paths)", packages, counted, supervised, np.asarray, fit, backtest, forecast))
