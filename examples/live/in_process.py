"""A live forecaster in process: each observation is one step, and the state is a value."""

import numpy as np
import polars as pl

import gatecast as gc

hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 9, 23), "1h", eager=True)
wave = 100 + 10 * np.sin(2 * np.pi * np.arange(len(hours)) / 24) + np.random.default_rng(0).normal(size=len(hours))
table = pl.DataFrame({"unique_id": "north", "ds": hours, "y": wave})

model = gc.fit(table, horizon=24, steps=200)
stream = model.stream()  # it has read the table

stream.observe("north", "2024-02-10T00:00:00", 100.4)
stream.observe("north", "2024-02-10T01:00:00", None)  # missing
forecast = stream.forecast("north", horizon=3, quantiles=[0.1, 0.9])
print(forecast.to_frame())

what_if = stream.fork()  # what would be said after a jump; the stream itself stays where it is
what_if.observe("north", "2024-02-10T02:00:00", 150.0)
print("after a jump:", what_if.forecast("north", horizon=1).mean.item())

state = stream.snapshot().to_bytes()  # safetensors: loading it runs nothing
again = model.live()
again.restore(gc.StreamState.from_bytes(state))
print("the same bits:", np.array_equal(again.forecast("north", horizon=3).mean, forecast.mean))
print(stream.status("north"))
