"""A panel with some of its rows changed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float32, Int64

from gatecast.data.panel import Panel

Rows = Float32[np.ndarray, "rows channels"]
Change = Callable[[Rows], Rows]


def filled(value: float) -> Change:
    """Every value replaced by one."""
    return lambda rows: np.full_like(rows, value)


def in_reverse(rows: Rows) -> Rows:
    """The same rows, last first."""
    return rows[::-1].copy()


def one_row_on(rows: Rows) -> Rows:
    """Every row moved one on, the last one to the front."""
    return np.roll(rows, 1, axis=0)


def doubled(rows: Rows) -> Rows:
    """Twice as large."""
    return 2 * rows


# A fill-in hides missing values, a clip hides large ones, a finiteness test infinite ones; nothing hides all four.
POISONS: Mapping[str, Change] = MappingProxyType(
    {
        "missing values": filled(np.nan),
        "1e9": filled(1e9),
        "infinity": filled(np.inf),
        "their own values in reverse": in_reverse,
    }
)


def targets(panel: Panel) -> slice:
    """The target channels."""
    return slice(0, len(panel.columns.target))


def past(panel: Panel) -> slice:
    """The channels of past covariates."""
    first = len(panel.columns.target)
    return slice(first, first + len(panel.columns.past))


def unknown(panel: Panel) -> slice:
    """The channels that nobody knows beyond the origin: targets and past covariates."""
    return slice(0, past(panel).stop)


def future(panel: Panel) -> slice:
    """The channels of future covariates."""
    return slice(past(panel).stop, None)


def changed(panel: Panel, first: Int64[np.ndarray, " series"], change: Change, channels: slice) -> Panel:
    """The panel with `change` applied to the channels of all rows at and after position `first` of each series."""
    values = panel.values.copy()
    for series, position in enumerate(first.tolist()):
        rows = values[panel.rows(series)][position:, channels]
        rows[...] = change(rows)
    return replace(panel, values=values)


def with_rows(panel: Panel, rows: Int64[np.ndarray, " rows"], channels: slice, new: Rows) -> Panel:
    """The panel with the channels of single rows, counted over the whole panel, replaced."""
    values = panel.values.copy()
    values[rows, channels] = new
    return replace(panel, values=values)
