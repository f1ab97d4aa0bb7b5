"""Nixtla's frames: `unique_id, ds, y` in, as any library's data frame, and frames of the same kind out.

`ds` holds dates, or whole numbers that grow by the same step from row to row.  Numbers mean nothing to a net, so rows
are counted in their place, and counted back on the way out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from jaxtyping import Int64

from gatecast.data.idcolumn import series_codes
from gatecast.data.sources import open_table
from gatecast.data.table import name_list
from gatecast.errors import ColumnError, TableError, TimeError
from gatecast.forecast import Forecast

Native = Any
"""A data frame of pandas, polars or any other library that narwhals knows."""


@dataclass(frozen=True)
class Names:
    """The columns of a frame that have a part.

    Attributes:
        id: tells the series apart.
        time: dates, or numbers.
        target: what is forecast.
        others: covariates.
    """

    id: str
    time: str
    target: str
    others: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class NixtlaFrame:
    """A frame as it came, and as gatecast reads it.

    Attributes:
        native: as it came.
        names: of its columns.
        rows: every column, sorted by series and time.
        ids: the value of the id column of each series, by the name that gatecast has for it.
        start: where times are numbers, the first of each series; empty where they are dates.
        step: from one number to the next.
    """

    native: Native
    names: Names
    rows: pl.DataFrame
    ids: Mapping[str, Any]
    start: Mapping[str, int]
    step: int

    @property
    def table(self) -> pl.DataFrame:
        """What gatecast reads: numbers as times are left out."""
        return self.rows.drop(self.names.time) if self.start else self.rows

    def told(self, forecast: Forecast, columns: Mapping[str, np.ndarray]) -> pl.DataFrame:
        """A forecast with ids and times as the frame has them: one row a window and step, sorted.

        Args:
            forecast: of the series of this frame.
            columns: what is told of each window and step; (windows, steps).
        """
        windows, steps = forecast.times.shape
        own = pl.Series([self.ids[name] for name in forecast.ids]).gather(np.repeat(forecast.series, steps))
        cutoffs = self._times(forecast, np.broadcast_to(forecast.cutoffs[:, None], (windows, steps)))
        at = {self.names.id: own, self.names.time: self._times(forecast, forecast.times).reshape(-1)}
        rest = {name: values.reshape(-1) for name, values in columns.items()}
        found = pl.DataFrame({**at, "cutoff": cutoffs.reshape(-1), **rest})
        return found.sort(self.names.id, "cutoff", self.names.time)

    def _times(self, forecast: Forecast, times: np.ndarray) -> np.ndarray:
        """Times of windows and steps as the frame tells them."""
        if not self.start:
            return times
        first = np.array([self.start[name] for name in forecast.ids], dtype=np.int64)[forecast.series]
        return np.asarray(first[:, None] + self.step * times)

    def with_actuals(self, found: pl.DataFrame) -> pl.DataFrame:
        """The rows of what was told that have an actual, and these before what was forecast."""
        names = self.names
        came = self.rows.select(names.id, pl.col(names.time).cast(found.schema[names.time]), names.target)
        came = came.filter(pl.col(names.target).is_not_null() & pl.col(names.target).cast(pl.Float64).is_not_nan())
        joined = found.join(came, on=[names.id, names.time], maintain_order="left")
        return joined.select(
            names.id, names.time, "cutoff", names.target, pl.exclude(names.target, "cutoff", names.id, names.time)
        )

    def like(self, found: pl.DataFrame) -> Native:
        """A frame of the library that this one is of, its ids and times of the same types."""
        given = nw.from_native(self.native, eager_only=True)
        kinds = {**given.schema, "cutoff": given.schema.get(self.names.time)}
        columns = {column.name: _cells(column) for column in found}
        out = nw.from_dict(columns, backend=given.implementation)
        casts = {name: kinds[name] for name in out.columns if kinds.get(name) is not None}
        return out.with_columns(nw.col(name).cast(kind) for name, kind in casts.items()).to_native()


def _cells(column: pl.Series) -> Any:  # noqa: ANN401 - what a frame of any library is made of
    return column.to_list() if column.dtype == pl.String else column.to_numpy()


def read_frame(native: Native, names: Names, ahead: Native | None = None) -> NixtlaFrame:
    """A frame, and below it the rows of what is known in advance, where there are any.

    Raises:
        ColumnError: a column is missing.
        TimeError: times carry a zone, or are numbers that do not follow each other.
        TableError: it is no data frame.
    """
    rows = _columns_of(native, names, (names.id, names.time, names.target, *names.others))
    if ahead is not None:
        more = _columns_of(ahead, names, (names.id, names.time))
        rows = pl.concat([rows, more.select(pl.exclude(names.target))], how="diagonal_relaxed")
    codes, called = series_codes(open_table(rows), names.id)
    ids = dict(zip(called, rows[names.id].gather(np.unique(codes, return_index=True)[1]).to_list(), strict=True))
    if not rows[names.time].dtype.is_integer():
        return NixtlaFrame(native, names, rows, ids, {}, 1)
    order = np.lexsort((rows[names.time].to_numpy(), codes))
    rows, codes = rows[order], codes[order]
    numbers = rows[names.time].to_numpy().astype(np.int64)
    first = np.searchsorted(codes, np.arange(len(called)))
    step = _step(names, numbers, codes, called)
    return NixtlaFrame(native, names, rows, ids, dict(zip(called, numbers[first].tolist(), strict=True)), step)


def _columns_of(native: Native, names: Names, needed: tuple[str, ...]) -> pl.DataFrame:
    """The columns that have a part; those needed must be there."""
    try:
        nw.from_native(native, eager_only=True)
    except TypeError as error:
        raise TableError(
            f"a data frame with {name_list(needed)} is expected, got {type(native).__name__}: give one of pandas, "
            f"polars or another library, with its rows in memory."
        ) from error
    rows = open_table(native).frame
    lacking = [name for name in needed if name not in rows.columns]
    if lacking:
        raise ColumnError(
            f"the frame has no column {name_list(lacking)}; it has {name_list(rows.columns, most=20)}. Rename its "
            f"columns, or say other names with id_col, time_col and target_col."
        )
    kind = rows[names.time].dtype
    if not (kind.is_integer() or kind in (pl.Date, pl.Datetime)):
        raise TimeError(
            f'times in "{names.time}" are dates or whole numbers, got {kind}: make dates of them (pandas: '
            f"pd.to_datetime, polars: str.to_datetime)."
        )
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        raise TimeError(
            f'times in "{names.time}" carry the zone {kind.time_zone}, and which days they mean is not for a '
            f"forecast to say: take it off (pandas: dt.tz_localize(None), polars: dt.replace_time_zone(None))."
        )
    wanted = (names.id, names.time, names.target, *names.others)
    return rows.select(name for name in wanted if name in rows.columns)


def _step(
    names: Names, numbers: Int64[np.ndarray, " rows"], codes: Int64[np.ndarray, " rows"], called: tuple[str, ...]
) -> int:
    """The one step between the numbers of all series."""
    steps, same = np.diff(numbers), np.diff(codes) == 0
    step = int(steps[same].min(initial=np.iinfo(np.int64).max))
    for row in np.flatnonzero(same & ((steps != step) | (steps < 1)))[:1]:
        raise TimeError(
            f'series "{called[codes[row]]}" goes from {names.time}={numbers[row]} to {numbers[row + 1]}, and numbers '
            f"must grow by one step everywhere, which is {step} elsewhere: add the rows between them, or delete "
            f"those that repeat."
        )
    return step if same.any() else 1
