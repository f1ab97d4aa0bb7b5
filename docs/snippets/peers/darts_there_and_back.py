"""Series of Darts' in, series of Darts' out, and Darts' own score of them."""

import numpy as np
import pandas as pd
from darts import TimeSeries, metrics

import gatecast
from gatecast.adapters.darts import from_darts, to_darts

hours = np.arange(24 * 20)
times = pd.date_range("2024-01-01", periods=len(hours), freq="h")
noise = np.random.default_rng(0).normal(size=(2, len(hours)))
load = [
    TimeSeries(times, level + np.sin(2 * np.pi * hours / 24) + 0.1 * own, components=["load"])
    for level, own in zip((5.0, 20.0), noise, strict=True)
]

table = from_darts([one[:-24] for one in load], ids=["north", "south"])
model = gatecast.fit(table.frame, horizon=24, **table.settings, hidden_size=16, steps=200)
forecast = to_darts(model.predict().forecast)

print(forecast[0].components.tolist(), forecast[0].start_time())
day_before = [one[-48:-24].shift(24) for one in load]
print(f"mean absolute error {metrics.mae(load, forecast, q=0.5, series_reduction=np.mean):.2f}, ", end="")
print(f"of the day before {metrics.mae(load, day_before, series_reduction=np.mean):.2f}")
