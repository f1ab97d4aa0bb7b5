"""How long ago each channel was last observed: what a net needs to tell a fresh value from one carried forward."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64


def rows_since_seen(
    values: Float[np.ndarray, "rows channels"],
    offsets: Int64[np.ndarray, " series_plus_one"],
    gaps: Float[np.ndarray, " rows"] | None = None,
) -> Float32[np.ndarray, "rows channels"]:
    """The time from the last observation before each row to that row (Che et al. 2018, arXiv 1606.01865).

        delta_t = 0                                  in the first row of a series
        delta_t = gap_t                              if row t - 1 was observed
        delta_t = gap_t + delta_{t-1}                otherwise

    An observation in row t itself does not shorten delta_t: the state that meets it is as old as the last one.  Before
    the first observation, time counts from the start of the series.  `np.log1p` of it keeps long gaps small.

    Args:
        values: NaN where missing.
        offsets: where each series starts, and the number of rows at the end.
        gaps: the time since the row before, in any unit; that of a series' first row is not read.  None counts rows.
    """
    return time_since_seen(np.isfinite(values), offsets, gaps)


def time_since_seen(
    observed: Bool[np.ndarray, "rows channels"],
    offsets: Int64[np.ndarray, " series_plus_one"],
    gaps: Float[np.ndarray, " rows"] | None = None,
) -> Float32[np.ndarray, "rows channels"]:
    """`rows_since_seen` from whether each value was observed."""
    rows = np.arange(len(observed))[:, None]
    first = np.repeat(offsets[:-1], np.diff(offsets))[:, None]
    latest = np.maximum.accumulate(np.where(observed, rows, -1), axis=0)
    before = np.concatenate([np.full((1, observed.shape[1]), -1), latest])[:-1]
    clock = np.arange(len(observed)) if gaps is None else np.cumsum(_inner(gaps, offsets))
    return (clock[:, None] - clock[np.maximum(before, first)]).astype(np.float32)


def _inner(gaps: Float[np.ndarray, " rows"], offsets: Int64[np.ndarray, " series_plus_one"]) -> np.ndarray:
    """The gaps within series, in float64: nothing passes between the last row of one and the first of the next."""
    inner = gaps.astype(np.float64)
    inner[offsets[:-1][np.diff(offsets) > 0]] = 0
    return inner
