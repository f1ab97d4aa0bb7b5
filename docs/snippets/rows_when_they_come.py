from datetime import datetime, timedelta

import numpy as np
import polars as pl

import gatecast as gc

chance = np.random.default_rng(0)
minutes = np.cumsum(chance.exponential(10, 800))  # a sensor that speaks when it likes, every ten minutes on average
table = pl.DataFrame(
    {
        "ds": [datetime(2024, 1, 1) + timedelta(minutes=float(minute)) for minute in minutes],
        "level": np.sin(minutes / 60) + chance.normal(0, 0.05, 800),
    }
)

for cell in ("gru", "grud"):
    model = gc.fit(table, horizon=3, frequency="irregular", cell=cell, hidden_size=16, steps=200)
    print(f"{cell:4}  MASE {model.backtest().metrics.scores[0].mase:.3f}")
