"""Any source to a Table: a text, Parquet or Arrow file, or a data frame of any library."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import narwhals as nw
import polars as pl

from gatecast.data import table as caps
from gatecast.data.columnar import rows_of, scan_columnar, text_bytes
from gatecast.data.columns import Layout
from gatecast.data.csvfile import read_csv
from gatecast.data.kinds import START
from gatecast.data.table import Table, check_size, counted, unique_names
from gatecast.data.trouble import trouble_told
from gatecast.data.typed import checked, is_known
from gatecast.errors import MissingExtraError, TableError

Source: TypeAlias = Any  # a path, or a data frame that narwhals knows


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
        path = Path(source)
        with trouble_told(path):
            return _open_file(path, layout)
    return _open_frame(source)


def _open_file(path: Path, layout: Layout) -> Table:
    with path.open("rb") as file:
        start = file.read(START)
    scan = scan_columnar(path, start)
    return read_csv(path, layout) if scan is None else _open_columnar(path, scan)


def _open_columnar(path: Path, scan: pl.LazyFrame) -> Table:
    """A Parquet or Arrow file; its size is known before its cells are unpacked."""
    schema = scan.collect_schema()
    check_size(len(schema), 0)
    rows = rows_of(path, scan)
    strange = {name: str(kind) for name, kind in schema.items() if not is_known(kind)}
    scan = scan.drop(strange) if len(strange) < len(schema) else scan.head(1)
    if rows * len(schema) * 8 > caps.MAX_BYTES or text_bytes(scan) > caps.MAX_BYTES:
        raise TableError(
            f"{path.name} has {rows:,} rows of {counted(len(schema), 'column')}, more than {caps.MAX_BYTES:,} bytes "
            f"once unpacked. Split it, or keep only the columns and rows that are needed."
        )
    return checked(scan.collect(), strange)


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
    return checked(native)


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
    found = checked(pl.DataFrame([_pandas_column(name, column) for name, column in zip(unique, values, strict=True)]))
    return replace(found, guesses=(*guesses, *found.guesses))


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
