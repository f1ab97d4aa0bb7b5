"""Where each (lookback, horizon) lies: index arithmetic on a panel, never copies.

A window is an origin: series `s`, position `p`.  It reads rows `[p - lookback, p)` and is scored on `[p, p + horizon)`.
"""

import numpy as np
from jaxtyping import Int64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, evenly_numbered
from gatecast.errors import OptionError, TooShortError


def windows_between(
    panel: Panel,
    start: Int64[np.ndarray, " series"],
    end: Int64[np.ndarray, " series"],
    lookback: int,
    horizon: int,
) -> Origins:
    """Every window that is scored inside `[start, end)` of its series, one row apart.

    No scored row lies at or after `end`: a window refuses to cross a cutoff.  The lookback may reach back before
    `start`, but not before the first row.  Windows without a single observed target are left out.

    Raises:
        OptionError: lookback or horizon is below 1.
        TooShortError: no series has room for one window.
    """
    if lookback < 1 or horizon < 1:
        raise OptionError(f"lookback and horizon count rows from 1 up, got lookback={lookback}, horizon={horizon}.")
    if not _room(start, end, lookback, horizon).any():
        longest = int(np.argmax(end))
        raise TooShortError(
            f"lookback={lookback} and horizon={horizon} need at least {lookback + horizon} rows in one part of the "
            f'data, but the longest series, "{panel.ids[longest]}", has {end[longest]} there. '
            f"Shorten the lookback or the horizon."
        )
    return windows_if_any(panel, start, end, lookback, horizon)


def windows_if_any(
    panel: Panel,
    start: Int64[np.ndarray, " series"],
    end: Int64[np.ndarray, " series"],
    lookback: int,
    horizon: int,
) -> Origins:
    """As `windows_between`, and none where there is no room for one."""
    counts = _room(start, end, lookback, horizon)
    series = np.repeat(np.arange(len(counts)), counts)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    position = np.arange(len(series)) - before + np.repeat(np.maximum(start, lookback), counts)
    keep = _has_target(panel, series, position, horizon)
    return Origins(series[keep].astype(np.int64), position[keep].astype(np.int64))


def _room(
    start: Int64[np.ndarray, " series"], end: Int64[np.ndarray, " series"], lookback: int, horizon: int
) -> Int64[np.ndarray, " series"]:
    """How many windows of each series lie inside its part."""
    return np.maximum(end - horizon - np.maximum(start, lookback) + 1, 0)


def _has_target(
    panel: Panel, series: Int64[np.ndarray, " windows"], position: Int64[np.ndarray, " windows"], horizon: int
) -> np.ndarray:
    """Whether any target is observed in the horizon of each window; (windows,)."""
    seen = np.isfinite(panel.targets).any(axis=1)
    count = np.concatenate([[0], np.cumsum(seen)])
    first = panel.offsets[series] + position
    return np.asarray(count[first + horizon] > count[first])


def thin(origins: Origins, most: int) -> Origins:
    """At most `most` of the windows, evenly spaced, first and last kept."""
    if len(origins) <= most:
        return origins
    return origins.some(evenly_numbered(len(origins), most))


def with_future_known(panel: Panel, origins: Origins, horizon: int) -> Origins:
    """The origins whose whole horizon has its future covariates, so that a forecast can start there."""
    if not panel.columns.future:
        return origins
    skipped = len(panel.columns.target) + len(panel.columns.past)
    complete = np.isfinite(panel.values[:, skipped:]).all(axis=1)
    count = np.concatenate([[0], np.cumsum(complete)])
    first, end = panel.offsets[origins.series] + origins.position, panel.offsets[origins.series + 1]
    keep = count[np.minimum(first + horizon, end)] - count[first] == horizon
    return origins.some(np.flatnonzero(keep))
