"""A made table: hourly load, and whether each day is a working day, which is known of the two days to come as well."""

import datetime as dt

import numpy as np
import polars as pl

days, coming = 120, 48
times = [dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=row) for row in range(24 * days)]
hour, working = np.arange(len(times)) % 24, np.array([time.weekday() < 5 for time in times])
noise = np.random.default_rng(0).normal(scale=2, size=len(times))
load = 100 + 30 * working * np.sin(np.pi * hour / 24) + 10 * np.sin(2 * np.pi * hour / 24) + noise
known = [*load.round(2)[:-coming].tolist(), *[None] * coming]
table = pl.DataFrame({"ds": [time.replace(tzinfo=None) for time in times], "workingday": working * 1, "load": known})
table.write_csv("load.csv", datetime_format="%Y-%m-%d %H:%M:%S")
