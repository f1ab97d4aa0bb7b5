"""Tables whose columns have types (data frames, Parquet, Arrow) to a Table: which of them mean something.

Lists, structs, bytes, durations and the like are left out, unread: none of them is a number, a word or a date.
"""

from typing import Any

import polars as pl

from gatecast.data import table as caps
from gatecast.data.columns import Guess
from gatecast.data.table import Table, check_size, name_list, shown, unique_names
from gatecast.errors import TableError

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 1 January of year 1 and 31 December of 9999, from 1970 on
_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_KNOWN = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Categorical, pl.Enum, pl.Null)


def is_known(kind: Any) -> bool:  # noqa: ANN401 - a type of polars, which the checks of types cannot name
    """Whether cells of a type can be numbers, words or dates."""
    return kind.is_numeric() or isinstance(kind, _KNOWN)


def checked(frame: pl.DataFrame, strange: dict[str, str] | None = None) -> Table:
    """A frame as a Table.

    Args:
        frame: its columns.
        strange: columns that were left where they are, and their types.

    Raises:
        TableError: there are no rows, no columns that mean something, too many cells, or one of absurd length or date.
    """
    check_size(frame.width, frame.width * frame.height)
    strange = (strange or {}) | {name: str(kind) for name, kind in frame.schema.items() if not is_known(kind)}
    if not frame.height:
        raise TableError("the table has no rows. Give a table with one row for each time step.")
    frame = frame.drop([name for name in strange if name in frame.columns])
    if not frame.width:
        raise TableError(
            f"the columns hold neither numbers nor words nor dates: {_kinds(strange)}. Give one value in each cell."
        )
    names, guesses = unique_names(frame.columns)
    for column in frame:
        _check_text(column)
        _check_dates(column)
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    if strange:
        guesses = (*guesses, Guess("left out", _kinds(strange), "neither numbers nor words nor dates"))
    return Table(frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)), None, guesses, strange=strange)


def _kinds(strange: dict[str, str]) -> str:
    return name_list([f"{name} ({kind[:40]})" for name, kind in strange.items()])


def _check_text(column: pl.Series) -> None:
    if not isinstance(column.dtype, (pl.Categorical, pl.Enum, pl.String)):
        return
    lengths = column.cast(pl.String).str.len_bytes()
    row = lengths.arg_max()
    if row is not None and lengths[row] > caps.MAX_CELL:
        raise TableError(
            f"column {shown(column.name)}, row {row} (counted from 0): the cell has {lengths[row]:,} bytes, more than "
            f"the {caps.MAX_CELL:,} a cell may have. Shorten it, or leave the column out."
        )


def _check_dates(column: pl.Series) -> None:
    """Refuse dates that no calendar shows, before anything tries to show them."""
    if not isinstance(column.dtype, (pl.Date, pl.Datetime)):
        return
    day = _PER_DAY[column.dtype.time_unit] if isinstance(column.dtype, pl.Datetime) else 1
    days = column.to_physical().cast(pl.Int64) // day
    far = (days < _FIRST_DAY) | (days > _LAST_DAY)
    if far.any():
        raise TableError(
            f"column {shown(column.name)}, row {far.arg_max()} (counted from 0): the date lies outside the years 1 to "
            f"9999. Correct it, or leave the column out."
        )
