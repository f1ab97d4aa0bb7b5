"""Forecasts that the tests of other people's objects share."""

import numpy as np

from gatecast.forecast import Forecast


def forecast(levels: tuple[float, ...] = (0.1, 0.5, 0.9), targets: tuple[str, ...] = ("load",)) -> Forecast:
    """Two windows of three hours, of two series."""
    mean = np.arange(2 * 3 * len(targets), dtype=float).reshape(2, 3, -1)
    cutoffs = np.array(["2024-01-01T05", "2024-01-01T07"], dtype="datetime64[us]")
    times = cutoffs[:, None] + np.arange(1, 4) * np.timedelta64(3_600_000_000, "us")
    quantiles = mean[..., None] + np.array([level - 0.5 for level in levels])
    return Forecast(("a", "b"), targets, np.array([1, 0]), cutoffs, times, mean, levels, quantiles)
