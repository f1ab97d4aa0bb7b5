"""Small tables, and settings under which a net trains on them in a moment, for the tests of whole runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

SEASON = 12
SMALL: Mapping[str, Any] = {
    "horizon": 4,
    "lookback": 24,
    "season": SEASON,
    "hidden_size": 4,
    "steps": 8,
    "batch_size": 16,
    "training.evaluate_every": 4,
    "baselines": ("naive", "seasonal_naive"),
}


def wave_table(rows: int = 160, ids: tuple[str, ...] = (), *, dated: bool = True, seed: int = 0) -> pl.DataFrame:
    """A season of 12 rows with noise, hourly or without dates; with `ids`, one series each at a level of its own.

    `x` leads `y` by a row, so that it is worth reading.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for level, name in enumerate(ids or ("",)):
        wave = np.sin(2 * np.pi * np.arange(rows + 1) / SEASON) + 0.1 * rng.normal(size=rows + 1)
        columns: dict[str, Any] = {"shop": [name] * rows} if ids else {}
        if dated:
            start = pl.datetime(2024, 1, 1)
            columns["ds"] = pl.datetime_range(start, start + pl.duration(hours=rows - 1), "1h", eager=True)
        parts.append(pl.DataFrame(columns | {"x": wave[1:], "y": 10 * (level + 1) + wave[:-1]}))
    return pl.concat(parts)
