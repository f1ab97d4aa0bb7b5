"""Causal normalisation: running level and spread of each channel, from the past of each row alone.

A state carried over a whole series must not see the raw level: after a level shift it would be where training never
was.  So it reads, of each channel x, how the newest value lies to its own past:

    x[t] - x[t-1]            the newest change
    x[t] - fast[t]           fast: running mean with a memory of about 10 rows
    x[t] - slow[t]           slow: of about 100 rows
    x[t] - x[t-m]            the change since one season ago (targets, where there is a season)

all in units of the running spread, the running mean of |x - slow|.  A running mean of v with factor a is

    sum[t] = v[t] + a sum[t-1]        weight[t] = 1 + a weight[t-1]        mean[t] = sum[t] / weight[t]

which is the plain mean at first and forgets exponentially later.  Each row costs O(1): two sums and a season of values.
"""

from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

FAST, SLOW = 0.9, 0.99
LEAST_SPREAD = 0.02  # of the scaled values: after a constant stretch, a tiny change is no outlier
FIRST_ROWS = 10.0  # the spread starts as if so many rows had been 1 apart, which is usual for scaled values


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
    parts = [_of_series(values[start:stop], targets, season) for start, stop in pairwise(offsets.tolist())]
    return Causal(np.concatenate([p.features for p in parts]), np.concatenate([p.spread for p in parts]))


def causal_count(channels: int, targets: int, season: int) -> int:
    """How many features `causal` makes of `channels`."""
    return 3 * channels + (targets if season > 1 else 0)


def _of_series(x: Float[np.ndarray, "rows channels"], targets: int, season: int) -> Causal:
    slow = running_mean(x, SLOW)
    away = np.abs(x - slow)
    weight = _weights(len(x), SLOW)[:, None]
    first = FIRST_ROWS * SLOW ** np.arange(1.0, len(x) + 1)[:, None]
    spread = (running_mean(away, SLOW) * weight + first) / (weight + first)
    spread = np.maximum(spread, LEAST_SPREAD)
    parts = [_change(x, 1), x - running_mean(x, FAST), x - slow]
    features = [part / spread for part in parts]
    if season > 1:
        features.append(_change(x[:, :targets], season) / spread[:, :targets])
    return Causal(np.concatenate(features, axis=1), spread[:, :targets])


def running_mean(values: Float[np.ndarray, "rows channels"], factor: float) -> Float[np.ndarray, "rows channels"]:
    """The exponentially weighted mean of the rows up to each row.

    The sum runs over plain numbers, one after another: so a stream that adds one row at a time has the same bits.
    """
    sums = [list(accumulate(column, lambda total, v: v + factor * total)) for column in values.T.tolist()]
    return np.array(sums).T.reshape(values.shape) / _weights(len(values), factor)[:, None]


def _weights(rows: int, factor: float) -> Float[np.ndarray, " rows"]:
    """1 + a + ... + a^t for each row t."""
    return (1 - factor ** np.arange(1.0, rows + 1)) / (1 - factor)


def _change(x: Float[np.ndarray, "rows channels"], lag: int) -> Float[np.ndarray, "rows channels"]:
    """x[t] - x[t - lag]; 0 for the first rows."""
    return np.concatenate([np.zeros_like(x[:lag]), x[lag:] - x[:-lag]])[: len(x)]
