"""Windows of a table as rows of numbers, for regressors that know rows alone: each reads the past of its target only.

rows of a series    ... p-3  p-2  p-1 | p   p+1 ...
lookback=3          |--- one X ------|
horizon=1                              y               horizon=2: the y of that X is row p+1
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from gatecast.data.columns import GUESS_EVERYTHING, Guess, TableOptions
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.sources import Source
from gatecast.data.splits import Origins
from gatecast.data.windows import windows_between
from gatecast.errors import InputError, OptionError
from gatecast.forecast import forecast_times


class FlatWindows(NamedTuple):
    """Windows in the order of the times of their targets, so that a split by rows is a split by time.

    Attributes:
        X: one window a row, oldest step first; the columns of a step are the targets, then the past covariates.
        y: what came `horizon` rows after the window's last; (windows,), or (windows, targets) of several targets.
        ids: the series of each window.
        times: the time of each `y`.
        newest: the window that ends each series, whose `y` is not known yet; NaN where a value is missing.
        newest_ids: the series of these.
        columns: the name of each column of `X`, such as `y[-3]`; `[0]` is the window's last row.
        guesses: what was decided about the table because nobody said it.
    """

    X: Float64[np.ndarray, "windows columns"]
    y: Float64[np.ndarray, " *windows_targets"]
    ids: tuple[str, ...]
    times: np.ndarray
    newest: Float64[np.ndarray, "series columns"]
    newest_ids: tuple[str, ...]
    columns: tuple[str, ...]
    guesses: tuple[Guess, ...]


def flat_windows(
    source: Source, lookback: int, horizon: int = 1, table: TableOptions = GUESS_EVERYTHING
) -> FlatWindows:
    """Every whole window of a table; those in which a value is missing are left out.

    With `horizon` above 1, neighbouring windows know each other's targets: leave `horizon - 1` rows between those that
    are learnt from and those that are scored, as `TimeSeriesSplit(gap=horizon - 1)` does.

    Args:
        source: as for `gatecast.fit`.
        lookback: rows of a window.
        horizon: how many rows after the window's last its target lies.
        table: what is known about the table; what it leaves open is guessed.

    Raises:
        InputError: the table cannot be read, or has no whole window.
        OptionError: covariates are named that a window cannot hold.
    """
    if table.future or table.static or table.holidays:
        raise OptionError(
            "a flat window holds targets and past covariates alone: leave future, static and holidays out."
        )
    panel, guesses = load_panel(source, table)
    fed, targets = len(panel.columns.target) + len(panel.columns.past), len(panel.columns.target)
    found = windows_between(panel, np.zeros(len(panel.ids), dtype=np.int64), panel.known(), lookback, horizon)
    X, target = _rows(panel, found, lookback)[..., :fed], _row(panel, found, horizon)
    whole = np.isfinite(X).all(axis=(1, 2)) & np.isfinite(target).all(axis=1)
    if not whole.any():
        raise InputError(f"a value is missing in every window of {lookback} rows: shorten the lookback, or fill gaps.")
    times = forecast_times(panel, found, horizon)[:, -1]
    order = np.flatnonzero(whole)[np.argsort(times[whole], kind="stable")]
    ends = Origins(np.arange(len(panel.ids)), panel.known())
    long_enough = ends.some(np.flatnonzero(panel.known() >= lookback))
    names = (*panel.columns.target, *panel.columns.past)
    return FlatWindows(
        X=X[order].reshape(len(order), -1),
        y=target[order, 0] if targets == 1 else target[order],
        ids=tuple(panel.ids[series] for series in found.series[order].tolist()),
        times=times[order],
        newest=_rows(panel, long_enough, lookback)[..., :fed].reshape(len(long_enough), -1),
        newest_ids=tuple(panel.ids[series] for series in long_enough.series.tolist()),
        columns=tuple(f"{name}[{step}]" for step in range(1 - lookback, 1) for name in names),
        guesses=guesses,
    )


def _rows(panel: Panel, origins: Origins, lookback: int) -> Float64[np.ndarray, "windows lookback channels"]:
    """What each window knows."""
    last = panel.offsets[origins.series] + origins.position
    return panel.values[last[:, None] + np.arange(-lookback, 0)].astype(np.float64)


def _row(panel: Panel, origins: Origins, horizon: int) -> Float64[np.ndarray, "windows targets"]:
    """What came `horizon` rows after the last that each window knows."""
    return panel.targets[panel.offsets[origins.series] + origins.position + horizon - 1].astype(np.float64)
