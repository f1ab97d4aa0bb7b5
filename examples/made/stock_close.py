"""A made price for stock_close.py."""

import numpy as np
import polars as pl


def made_prices(rows: int = 700) -> pl.DataFrame:
    """A random walk that drifts upwards: of the past, only the last value helps."""
    steps = np.random.default_rng(0).normal(0.001, 0.012, rows)
    days = np.busday_offset("2020-01-01", np.arange(rows), roll="forward")
    return pl.DataFrame({"Date": days, "Close": (100 * np.exp(steps.cumsum())).round(2)})
