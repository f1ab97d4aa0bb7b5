"""Panel: the validated, regular, immutable table that everything after reading works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64

from gatecast.data.columns import Columns
from gatecast.data.frequency import Frequency


@dataclass(frozen=True, eq=False)
class Panel:
    """Several series on one regular grid, stored flat (CSR-like): series `i` is rows `offsets[i]:offsets[i + 1]`.

    A gap in the data is a row whose values are NaN, so row arithmetic is time arithmetic.  Rows of one series are
    in time order, one `frequency` step apart (of an irregular frequency: whenever they came, without rows for gaps).
    A *position* is a row number within its series; "position p is known" means that rows `[0, p)` are the past and row
    `p` is the first to forecast.

    Attributes:
        columns: which column plays which part.
        frequency: the step between rows.
        ids: the name of each series.
        offsets: where each series starts, and the total number of rows at the end.
        times: time of each row, datetime64[us], or int64 row numbers when the table has no time column.
        values: the channels of `columns.channels` (targets, past, future); NaN means missing.
        static: the static covariates of each series.
    """

    columns: Columns
    frequency: Frequency
    ids: tuple[str, ...]
    offsets: Int64[np.ndarray, " series_plus_one"]
    times: np.ndarray
    values: Float32[np.ndarray, "rows channels"]
    static: Float32[np.ndarray, "series static"]

    def __post_init__(self) -> None:
        for array in (self.offsets, self.times, self.values, self.static):
            array.setflags(write=False)

    def __repr__(self) -> str:
        from gatecast.data.panel_card import panel_card  # noqa: PLC0415 - only where it is shown

        return panel_card(self).text()

    def _repr_html_(self) -> str:
        from gatecast.data.panel_card import panel_card  # noqa: PLC0415

        return panel_card(self).html()

    @property
    def lengths(self) -> Int64[np.ndarray, " series"]:
        """Rows of each series."""
        return np.diff(self.offsets)

    @property
    def targets(self) -> Float32[np.ndarray, "rows targets"]:
        """The target channels of every row (a view)."""
        return self.values[:, : len(self.columns.target)]

    @property
    def dated(self) -> bool:
        """Whether rows carry time stamps, not just numbers."""
        return self.columns.time is not None

    def rows(self, series: int) -> slice:
        """Where series number `series` lies in the flat arrays."""
        return slice(int(self.offsets[series]), int(self.offsets[series + 1]))

    def known(self) -> Int64[np.ndarray, " series"]:
        """The position after the last known row of each series: where a real forecast starts.

        Rows that only carry future covariates (every target missing, at the end) are not yet known; without future
        covariates every row is.
        """
        if not self.columns.future:
            return self.lengths
        seen = np.isfinite(self.targets).any(axis=1)
        ends = [
            np.flatnonzero(seen[self.rows(i)])[-1] + 1 if seen[self.rows(i)].any() else 0 for i in range(len(self.ids))
        ]
        return np.asarray(ends, dtype=np.int64)

    def horizon_times(self, series: int, position: int, horizon: int) -> np.ndarray:
        """The times of rows `position .. position + horizon - 1`, extended past the end of the table; (horizon,)."""
        times = self.times[self.rows(series)]
        return self.frequency.steps_from(times[position - 1], horizon)


def series_between(panel: Panel, first: int, end: int) -> Panel:
    """The panel with series `first` to `end - 1` alone; its arrays are views."""
    rows = slice(int(panel.offsets[first]), int(panel.offsets[end]))
    return Panel(
        columns=panel.columns,
        frequency=panel.frequency,
        ids=panel.ids[first:end],
        offsets=panel.offsets[first : end + 1] - panel.offsets[first],
        times=panel.times[rows],
        values=panel.values[rows],
        static=panel.static[first:end],
    )


def some_series(panel: Panel, keep: Int64[np.ndarray, " kept"]) -> Panel:
    """The panel with some of its series alone, numbered in the order given."""
    rows = [np.arange(panel.offsets[series], panel.offsets[series + 1]) for series in keep.tolist()]
    own = np.concatenate(rows)
    return Panel(
        columns=panel.columns,
        frequency=panel.frequency,
        ids=tuple(panel.ids[series] for series in keep.tolist()),
        offsets=np.concatenate([[0], np.cumsum(panel.lengths[keep])]).astype(np.int64),
        times=panel.times[own],
        values=panel.values[own],
        static=panel.static[keep],
    )


def joined_panels(panels: Sequence[Panel]) -> Panel:
    """Panels of the same columns as one, their series in order."""
    first, lengths = panels[0], np.concatenate([panel.lengths for panel in panels])
    return Panel(
        columns=first.columns,
        frequency=first.frequency,
        ids=tuple(name for panel in panels for name in panel.ids),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        times=np.concatenate([panel.times for panel in panels]),
        values=np.concatenate([panel.values for panel in panels]),
        static=np.concatenate([panel.static for panel in panels]),
    )


def panel_from_arrays(
    series: Mapping[str, Float[np.ndarray, "rows channels"]],
    columns: Columns,
    frequency: Frequency,
    start: str = "2024-01-01",
) -> Panel:
    """A Panel from one array a series, all starting at `start` (or at row 0 when `columns.time` is None)."""
    lengths = [len(values) for values in series.values()]
    times = [_grid(columns, frequency, start, length) for length in lengths]
    return Panel(
        columns=columns,
        frequency=frequency,
        ids=tuple(series),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        times=np.concatenate(times),
        values=np.concatenate([np.asarray(values, dtype=np.float32) for values in series.values()]),
        static=np.zeros((len(series), 0), dtype=np.float32),
    )


def _grid(columns: Columns, frequency: Frequency, start: str, length: int) -> np.ndarray:
    if columns.time is None:
        return np.arange(length, dtype=np.int64)
    first = np.datetime64(start, "us")
    return np.concatenate([[first], frequency.steps_from(first, length - 1)]).astype("datetime64[us]")
