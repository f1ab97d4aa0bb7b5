"""sktime's frames as tables of gatecast's: names of columns and of series, and times.

A table has one row a series and time: `unique_id`, `ds`, the targets, the covariates.  Dates are kept as microseconds,
a period as its first one.  Whole numbers, of which sktime counts every one as a step, stay as they are in `ds`; for
gatecast they become row numbers (`past.numbered`), so that one that is skipped is a row of missing values.
"""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import pandas as pd
import polars as pl

from gatecast.data.columns import ONLY_SERIES
from gatecast.errors import ColumnError, TimeError

SERIES, TIME = "unique_id", "ds"
Instance: TypeAlias = tuple[Hashable, ...]


@final
@dataclass(frozen=True)
class Frames:
    """How the frames of one forecaster are written as tables.

    Attributes:
        targets: the name in tables of each column of y.
        covariates: likewise of X.
        dated: whether times are dates, not whole numbers.
        local: whether dates with a time zone stand for their local time, which is where days are regular.
    """

    targets: dict[Hashable, str]
    covariates: dict[Hashable, str]
    dated: bool
    local: bool

    @classmethod
    def of(cls, y: pd.DataFrame, X: pd.DataFrame | None) -> "Frames":
        """How the frames of a fit are written.

        Raises:
            TimeError: the index holds neither dates, nor periods, nor whole numbers.
        """
        taken = {SERIES, TIME}
        targets = {column: _name(column if y.columns.tolist() != [0] else "y", taken, "y_") for column in y.columns}
        covariates = {column: _name(column, taken, "X_") for column in (() if X is None else X.columns)}
        times = times_of(y.index)
        if not (isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex)) or times.dtype.kind in "iu"):
            raise TimeError(
                f"the index of y holds {times.dtype}, and gatecast forecasts rows at dates, periods or whole numbers: "
                f"give y a DatetimeIndex, a PeriodIndex or a RangeIndex."
            )
        local = isinstance(times, pd.DatetimeIndex) and len((times - times.normalize()).unique()) == 1
        return cls(targets, covariates, times.dtype.kind not in "iu", local)

    def parts(self, *, many: bool) -> dict[str, str]:
        """Which columns of a table tell its times and its series apart, where there are such."""
        return ({"time": TIME} if self.dated else {}) | ({"id": SERIES} if many else {})

    def named(self, columns: Iterable[Hashable]) -> tuple[str, ...]:
        """The names in tables of some columns of X.

        Raises:
            ColumnError: X has no such column.
        """
        for column in columns:
            if column not in self.covariates:
                raise ColumnError(
                    f"past= names {column!r}, which is no column of X; X has "
                    f"{', '.join(map(str, self.covariates)) or 'none'}."
                )
        return tuple(self.covariates[column] for column in columns)

    def stamps(self, times: pd.Index) -> np.ndarray:
        """Times as gatecast counts them: datetime64[us], or whole numbers."""
        if isinstance(times, pd.PeriodIndex):
            times = times.to_timestamp(how="start")
        if not isinstance(times, pd.DatetimeIndex):
            return times.to_numpy().astype(np.int64)
        if times.tz is not None:
            times = times.tz_localize(None) if self.local else times.tz_convert(None)
        return times.to_numpy().astype("datetime64[us]")

    def rows(self, y: pd.DataFrame, X: pd.DataFrame | None) -> pl.DataFrame:
        """The rows of y, with the covariates of those rows.

        Raises:
            ColumnError: the columns are not those of the fit.
        """
        _check_columns("y", y, self.targets)
        targets = {name: _numbers(y[column]) for column, name in self.targets.items()}
        return _table(self._index(y.index) | targets | self._covariates(y.index, X, set(self.covariates.values())))

    def future(self, index: pd.Index, X: pd.DataFrame | None, known: Collection[str]) -> pl.DataFrame:
        """Rows that are to be forecast, with the covariates that are known of them in advance.

        Raises:
            ColumnError: X lacks one.
        """
        unknown = (*self.targets.values(), *self.covariates.values())
        columns = {name: pl.Series([None] * len(index)) for name in unknown}
        return _table(self._index(index) | columns | self._covariates(index, X, known))

    def _index(self, index: pd.Index) -> dict[str, pl.Series]:
        names = pl.Series([series_name(instance) for instance in instances_of(index)], dtype=pl.String)
        codes = index.droplevel(-1).factorize()[0] if isinstance(index, pd.MultiIndex) else np.zeros(len(index), int)
        return {SERIES: names.gather(codes), TIME: pl.Series(self.stamps(times_of(index)))}

    def _covariates(self, index: pd.Index, X: pd.DataFrame | None, names: Collection[str]) -> dict[str, pl.Series]:
        wanted = {column: name for column, name in self.covariates.items() if name in names}
        if not wanted:
            return {}
        if X is None:
            raise ColumnError(
                f"X is missing: this net was fitted with {', '.join(map(str, wanted))}, and reads them of every row. "
                f"Give X with the columns that fit had."
            )
        _check_columns("X", X, wanted)
        own = X.reindex(index)
        return {name: _values(own[column]) for column, name in wanted.items()}


def _table(columns: dict[str, pl.Series]) -> pl.DataFrame:
    return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))


def times_of(index: pd.Index) -> pd.Index:
    """The times of the rows."""
    return index.get_level_values(-1) if isinstance(index, pd.MultiIndex) else index


def instances_of(index: pd.Index) -> list[Instance]:
    """The series of a frame, as their levels of the index, in order of appearance; one without levels is ()."""
    if not isinstance(index, pd.MultiIndex):
        return [()]
    found = index.droplevel(-1).unique()
    return [each if isinstance(each, tuple) else (each,) for each in found]


def series_name(instance: Instance) -> str:
    """The name of a series in tables: its levels, joined so that no two series have one name."""
    parts = [str(level).replace("\\", "\\\\").replace("/", "\\/") for level in instance]
    return "/".join(parts) if parts else ONLY_SERIES


def _name(column: Hashable, taken: set[str], prefix: str) -> str:
    """A name that no other column has, and no part of a table."""
    name = "_".join(map(str, column)) if isinstance(column, tuple) else str(column)
    while name in taken or not name.strip():
        name = f"{prefix}{name}"
    taken.add(name)
    return name


def _check_columns(what: str, frame: pd.DataFrame, names: dict[Hashable, str]) -> None:
    missing = [str(column) for column in names if column not in frame.columns]
    if missing:
        raise ColumnError(
            f"{what} lacks {', '.join(missing)}, which this net was fitted with; it has "
            f"{', '.join(map(str, frame.columns))}. Give the same columns as in fit."
        )


def _numbers(column: pd.Series) -> pl.Series:
    return pl.Series(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _values(column: pd.Series) -> pl.Series:
    """A covariate: numbers, or words."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _numbers(column)
    return pl.Series([None if gone else str(cell) for cell, gone in zip(column, column.isna(), strict=True)])
