"""Causal normalisation: running level and spread of each channel, from the past of each row alone.

A state carried over a whole series must not see the raw level: after a level shift it would be where training never
was.  So it reads, of each channel x, how the newest value lies to its own past:

    x[t] - x[t-1]            the newest change
    x[t] - fast[t]           fast: running mean with a memory of about 10 rows
    x[t] - slow[t]           slow: of about 100 rows
    x[t] - x[t-m]            the change since one season ago (targets, where there is a season)

in units of the running spread, and of a covariate its scaled value too, held within a few deviations: what it tells
may lie in its level (a frost, a full house).  The spread is the running mean of |x - slow|.  A running mean of v with
factor a is

    weight[t] = a weight[t-1] + 1        mean[t] = mean[t-1] + (v[t] - mean[t-1]) / weight[t]

which is the plain mean at first and forgets exponentially later.  Each row costs O(1): two numbers and a season of
values.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int64

FAST, SLOW = 0.9, 0.99
LEAST_SPREAD = 0.02  # of the scaled values: after a constant stretch, a tiny change is no outlier
MOST = 4.0  # deviations of a covariate's level: beyond what training saw, more would lead the state astray
FIRST_ROWS = 10  # the spread starts as if so many rows had been 1 apart, which is usual for scaled values


class Causal(NamedTuple):
    """What the past says of each row.

    Attributes:
        features: what the encoder reads, without a unit.
        spread: the running spread of the targets: the unit that forecasts from this row are said in.
    """

    features: Float[np.ndarray, "rows features"]
    spread: Float[np.ndarray, "rows targets"]


def causal(
    values: Float[np.ndarray, "rows channels"],
    offsets: Int64[np.ndarray, " series_plus_one"],
    targets: int,
    season: int,
) -> Causal:
    """Features and spreads of every row of every series; `values` are scaled and without gaps.

    Args:
        values: the series one after another.
        offsets: where each begins, and the end of the last.
        targets: the first so many channels are targets.
        season: rows of one season; 1 for none.
    """
    slow = running_mean(values, offsets, SLOW)
    spread = np.maximum(running_spread(np.abs(values - slow), offsets), LEAST_SPREAD)
    parts = [_change(values, offsets, 1), values - running_mean(values, offsets, FAST), values - slow]
    features = [part / spread for part in parts]
    if season > 1:
        features.append(_change(values[:, :targets], offsets, season) / spread[:, :targets])
    features.append(np.clip(values[:, targets:], -MOST, MOST))
    return Causal(np.concatenate(features, axis=1), spread[:, :targets])


def causal_count(channels: int, targets: int, season: int) -> int:
    """How many features `causal` makes of `channels`."""
    return 3 * channels + (targets if season > 1 else 0) + channels - targets


def covariate_places(channels: int, targets: int, season: int) -> list[int]:
    """Which of the features that `causal` makes are of covariates alone."""
    places = [block * channels + channel for block in range(3) for channel in range(targets, channels)]
    first = 3 * channels + (targets if season > 1 else 0)
    return places + list(range(first, first + channels - targets))


def running_mean(
    values: Float[np.ndarray, "rows channels"], offsets: Int64[np.ndarray, " series_plus_one"], factor: float
) -> Float[np.ndarray, "rows channels"]:
    """The exponentially weighted mean of the rows of each series up to each row."""
    frame = pl.from_numpy(values)
    mean = pl.all().ewm_mean(alpha=1 - factor, adjust=True)
    if len(offsets) > 2:
        lengths = np.diff(offsets)
        series = pl.Series("series", np.repeat(np.arange(len(lengths)), lengths))
        return frame.select(mean.over(series)).to_numpy()
    return frame.select(mean).to_numpy()


def running_spread(
    away: Float[np.ndarray, "rows channels"], offsets: Int64[np.ndarray, " series_plus_one"]
) -> Float[np.ndarray, "rows channels"]:
    """The running mean of what lies between values and their slow mean, with `FIRST_ROWS` of 1 before each series."""
    lengths = np.diff(offsets)
    extra = FIRST_ROWS * np.arange(len(lengths) + 1)
    rows = np.arange(len(away)) + np.repeat(extra[1:], lengths)
    filled = np.ones((len(away) + int(extra[-1]), away.shape[1]))
    filled[rows] = away
    return running_mean(filled, offsets + extra, SLOW)[rows]


def _change(
    x: Float[np.ndarray, "rows channels"], offsets: Int64[np.ndarray, " series_plus_one"], lag: int
) -> Float[np.ndarray, "rows channels"]:
    """x[t] - x[t - lag] within each series; 0 for its first rows."""
    change = np.concatenate([np.zeros_like(x[:lag]), x[lag:] - x[:-lag]])[: len(x)]
    place = np.arange(len(x)) - np.repeat(offsets[:-1], np.diff(offsets))
    change[place < lag] = 0
    return change
