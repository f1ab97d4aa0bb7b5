"""Which column tells the series apart, and the series of every row."""

import re
from collections.abc import Mapping

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from gatecast.data.columns import ONLY_SERIES, Columns, Guess, TableOptions, taken_columns
from gatecast.data.table import Table
from gatecast.data.values import Numbers, distinct, text_cells
from gatecast.errors import ColumnError

_ID_NAME = re.compile(
    r"(?i)(^|[_\W])(id|store|shop|item|sku|product|series|station|site|sensor|meter)($|[_\W])|_?id$"
    r"|(编号|编码|代码|站号|户号|表号)$|^(门店|店铺|商店|商品|产品|货号|站点|测站|设备|传感器|电表|用户|客户)$"
)
_OFTEN = 0.01  # more rows than this share time stamps: several series, not an hour repeated in autumn


def settle_id(
    table: Table, options: TableOptions, numbers: Mapping[str, Numbers], times: np.ndarray | None, columns: Columns
) -> tuple[str | None, tuple[Guess, ...]]:
    """The column that tells series apart, if there is one."""
    if options.id is not None:
        return options.id, ()
    texts, coded = _id_choices(table, options, numbers, columns)
    if "unique_id" in [*texts, *coded]:
        return "unique_id", (Guess("id", "unique_id", "the name says so"),)
    if times is None:
        found = next((name for name in texts if _in_runs(table.frame[name])), None)
        why = "its rows come in one block for each value"
    else:
        found = next((name for name in [*texts, *coded] if _tells_apart(table.frame[name], times)), None)
        why = "several rows share a time, and this column tells them apart"
    return found, ((Guess("id", found, why),) if found else ())


def _id_choices(
    table: Table, options: TableOptions, numbers: Mapping[str, Numbers], columns: Columns
) -> tuple[list[str], list[str]]:
    """The free columns of words, and those of whole numbers whose name says that they are a code."""
    taken = taken_columns(options, columns)
    free = [name for name in table.frame.columns if name not in taken and numbers[name].known]
    texts = [name for name in free if not numbers[name].numeric and table.frame[name].dtype == pl.String]
    coded = [name for name in free if numbers[name].numeric and _ID_NAME.search(name)]
    return texts, [name for name in coded if _whole(numbers[name].values)]


def _whole(values: Float64[np.ndarray, " rows"]) -> bool:
    return bool((np.isfinite(values) & (values == np.floor(values))).all())


def _tells_apart(column: pl.Series, times: np.ndarray) -> bool:
    """Whether many rows share their time, and hardly any share it within one value of the column."""
    often = _OFTEN * len(times)
    if len(times) - pl.Series(times).n_unique() <= often:
        return False
    return len(times) - pl.DataFrame({"name": distinct(column.cast(pl.String))[1], "time": times}).n_unique() <= often


def _in_runs(column: pl.Series) -> bool:
    """Whether a column has several values, each in one stretch of rows and most in more than one row."""
    values = column.n_unique()
    return bool(1 < values <= len(column) / 2 and len(column.rle()) == values)


def series_codes(table: Table, name: str | None) -> tuple[Int64[np.ndarray, " rows"], tuple[str, ...]]:
    """The series of every row, numbered in order of appearance, and the name of each series."""
    if name is None:
        return np.zeros(table.frame.height, dtype=np.int64), (ONLY_SERIES,)
    column = table.frame[name]
    if column.dtype.is_float() and (column.drop_nulls() % 1 == 0).all():
        column = column.cast(pl.Int64)  # 7.0 is pandas' way of writing 7
    cells = text_cells(column)
    if cells.null_count():
        row = int(cells.is_null().arg_max() or 0)
        raise ColumnError(
            f"{table.at(name, row)}: the series has no name. Every row needs one; add it or delete the row."
        )
    first, codes = distinct(cells)
    return codes, tuple(cells.gather(first).to_list())
