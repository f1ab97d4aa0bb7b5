"""Forecasts as GluonTS' own evaluator takes them."""

import numpy as np
import pandas as pd
from gluonts.dataset.pandas import PandasDataset
from gluonts.evaluation import Evaluator

import gatecast
from gatecast.adapters.gluonts import from_gluonts, to_gluonts

hours = np.arange(24 * 20)
times = pd.date_range("2024-01-01", periods=len(hours), freq="h")
noise = np.random.default_rng(0).normal(size=(2, len(hours)))
levels = zip(("north", "south"), (5.0, 20.0), noise, strict=True)
load = {name: pd.Series(level + np.sin(2 * np.pi * hours / 24) + 0.1 * own, times) for name, level, own in levels}

table = from_gluonts(PandasDataset({name: one[:-24].to_frame("target") for name, one in load.items()}))
model = gatecast.fit(table.frame, horizon=24, **table.settings, hidden_size=16, steps=200)
forecasts = to_gluonts(model.predict().forecast, freq="h")

came = [load[forecast.item_id].to_period() for forecast in forecasts]
scores, _ = Evaluator(quantiles=[0.1, 0.5, 0.9], num_workers=None)(iter(came), iter(forecasts))
print(f"MASE {scores['MASE']:.2f}, share below the 0.9 quantile {scores['Coverage[0.9]']:.2f}")
