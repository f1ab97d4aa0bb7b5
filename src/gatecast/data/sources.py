"""Any source to a Table: a text, Parquet or Arrow file, or a data frame of any library."""

import os
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import narwhals as nw
import polars as pl

from gatecast.data import table as caps
from gatecast.data.columns import Layout
from gatecast.data.csvfile import read_csv
from gatecast.data.table import Table, check_size, unique_names
from gatecast.errors import MissingExtraError, TableError

Source: TypeAlias = Any  # a path, or a data frame that narwhals knows

_PACKED = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def read_table(source: Source) -> pl.DataFrame:
    """The raw table of a source: the columns of a text file as text, those of anything else with their types.

    Args:
        source: a path to a CSV, TSV, Parquet or Arrow file, or a data frame (pandas, polars, pyarrow, duckdb, ...).

    Raises:
        TableError: there is no such file, it cannot be read, or it is too large.
    """
    return open_table(source).frame


def open_table(source: Source, layout: Layout = "long") -> Table:
    """The raw table of a source with the line of each row; see `read_table`."""
    if isinstance(source, str | os.PathLike):
        return _open_file(Path(source), layout)
    return _open_frame(source)


def _open_file(path: Path, layout: Layout) -> Table:
    if path.is_dir():
        raise TableError(f"{path} is a folder; give one file with one table.")
    if not path.is_file():
        raise TableError(f"there is no file {path} (looked for it in {Path.cwd()}). Check the name and the folder.")
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if start[:4] == b"PAR1":
            return _open_columnar(path, pl.scan_parquet(path, glob=False))
        if start[:6] == b"ARROW1":
            return _open_columnar(path, pl.scan_ipc(path))
        for mark, kind in _PACKED.items():
            if start.startswith(mark):
                raise TableError(f"{path.name} is {kind}, which gatecast does not unpack; save it as CSV or Parquet.")
        return read_csv(path, layout)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise TableError(f"{path.name} cannot be read: {_first_line(error)}. Check or write the file again.") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _open_columnar(path: Path, scan: pl.LazyFrame) -> Table:
    """A Parquet or Arrow file; its size is known before its cells are unpacked."""
    width = len(scan.collect_schema())
    check_size(width, 0)
    rows = int(scan.select(pl.len()).collect().item())
    if rows * width * 8 > caps.MAX_BYTES:
        raise TableError(
            f"{path.name} has {rows:,} rows of {width:,} columns, more than {caps.MAX_BYTES:,} bytes once unpacked. "
            f"Split it, or keep only the columns and rows that are needed."
        )
    return _checked(scan.collect())


def _open_frame(source: Source) -> Table:
    if nw.dependencies.is_pandas_series(source):
        source = source.to_frame(source.name if source.name is not None else "y")
    if nw.dependencies.is_pandas_dataframe(source):
        return _open_pandas(source)
    try:
        frame = nw.from_native(source)
    except TypeError:
        _refuse_source(source)
    try:
        native = frame.lazy().collect("polars").to_native()
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "dev", "reading this data frame") from error
    return _checked(native)


def _refuse_source(source: Source) -> NoReturn:
    raise TableError(
        f"a table is expected, got {type(source).__name__}: give the path of a CSV, TSV, Parquet or Arrow file, "
        f"or a data frame (pandas, polars, pyarrow, duckdb)."
    )


def _open_pandas(source: Source) -> Table:
    """A pandas frame; an index of dates or with a name becomes a column.

    Column by column, because polars itself needs pyarrow to read pandas and pandas does not.
    """
    source, index = source.copy(deep=False), source.index
    source.columns = ["_".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in source.columns]
    levels = [index.get_level_values(level) for level in range(index.nlevels)]
    kept = [level for level in levels if level.name is not None or level.dtype.kind == "M" or _is_period(level)]
    names = ["ds" if level.name is None else str(level.name) for level in kept]
    unique, guesses = unique_names([*names, *source.columns])
    check_size(len(unique), len(unique) * len(source))
    values = [*kept, *(source.iloc[:, place] for place in range(source.shape[1]))]
    found = _checked(pl.DataFrame([_pandas_column(name, column) for name, column in zip(unique, values, strict=True)]))
    return Table(found.frame, None, (*guesses, *found.guesses))


def _is_period(column: Source) -> bool:
    return type(column.dtype).__name__ == "PeriodDtype"


def _pandas_column(name: str, column: Source) -> pl.Series:
    if _is_period(column):
        column = column.astype("datetime64[us]")
    if _is_numpy(column) and column.dtype.kind in "iufbM":
        return pl.Series(name, column.to_numpy())
    cells = [None if gone else cell for cell, gone in zip(column.tolist(), column.isna(), strict=True)]
    try:
        return pl.Series(name, cells)
    except (TypeError, pl.exceptions.PolarsError):  # a column of mixed kinds
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _is_numpy(column: Source) -> bool:
    return type(column.dtype).__module__.startswith("numpy")


def _checked(frame: pl.DataFrame) -> Table:
    check_size(frame.width, frame.width * frame.height)
    if frame.is_empty():
        raise TableError("the table has no rows. Give a table with one row for each time step.")
    names, guesses = unique_names(frame.columns)
    for column in frame:
        if column.dtype in (pl.Categorical, pl.Enum) or column.dtype == pl.String:
            lengths = column.cast(pl.String).str.len_chars()
            row = lengths.arg_max()
            if row is not None and lengths[row] > caps.MAX_CELL:
                raise TableError(
                    f'column "{column.name}", row {row} (counted from 0): the cell has {lengths[row]:,} characters, '
                    f"more than the {caps.MAX_CELL:,} a cell may have."
                )
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    return Table(frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)), None, guesses)
