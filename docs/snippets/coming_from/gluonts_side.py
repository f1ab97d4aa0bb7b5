from pathlib import Path

import lightning
import numpy as np
import pandas as pd
from gluonts.dataset.pandas import PandasDataset
from gluonts.dataset.split import split
from gluonts.model import Predictor
from gluonts.torch import DeepAREstimator

table = pd.read_csv("load.csv", parse_dates=["ds"], index_col="ds").astype(np.float32)
known = table[table["load"].notna()]
test = len(known) // 5 // 24 * 24


def dataset(rows: pd.DataFrame, ahead: int = 0) -> PandasDataset:
    return PandasDataset(rows, target="load", feat_dynamic_real=["workingday"], freq="h", future_length=ahead)


lightning.seed_everything(0)
np.random.seed(0)  # noqa: NPY002 - the generator that windows are drawn from
estimator = DeepAREstimator(
    freq="h",
    prediction_length=24,
    context_length=168,
    num_feat_dynamic_real=1,
    hidden_size=64,
    num_layers=1,
    batch_size=64,
    num_batches_per_epoch=100,
    trainer_kwargs={"max_epochs": 10, "accelerator": "cpu", "logger": False, "enable_progress_bar": False},
)
learnt, rest = split(dataset(known), offset=-test)
predictor = estimator.train(learnt)
pairs = rest.generate_instances(24, windows=test // 24, distance=24)
found = list(predictor.predict(pairs.input))
actual = np.array([label["target"] for label in pairs.label])
low, middle, high = (np.array([forecast.quantile(level) for forecast in found]) for level in (0.1, 0.5, 0.9))
print(f"MAE {np.abs(actual - middle).mean():.2f}", end=", ")
print(f"{((low <= actual) & (actual <= high)).mean():.0%} of the actuals within the 80 % interval")

Path("saved").mkdir(exist_ok=True)
predictor.serialize(Path("saved"))
predictor = Predictor.deserialize(Path("saved"))
(forecast,) = predictor.predict(dataset(table[: len(known) + 24], ahead=24))
print({level: forecast.quantile(level) for level in (0.1, 0.5, 0.9)})

table.iloc[len(known), table.columns.get_loc("load")] = 101.5  # the newest observation: its window is read anew
(forecast,) = predictor.predict(dataset(table[: len(known) + 25], ahead=24))
print({level: forecast.quantile(level) for level in (0.1, 0.5, 0.9)})
