"""Cells to numbers: which cells are missing, which are numbers, and which are neither."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from gatecast.data.chinese import POWER, plain_numbers
from gatecast.data.table import Table, shown
from gatecast.errors import ColumnError, TableError

MISSING_WORDS = (
    *("", "na", "n/a", "nan", "null", "none", "-", "--", "?", ".", "missing", "#n/a", "<na>", "nat", "\\n"),
    *("缺失", "缺测", "暂无", "\u2013", "\u2014", "\u2014\u2014", "\uff0d"),  # the last four are dashes
)
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$"
_GROUPED_BY_DOTS = r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$"
_GROUPS_ALONE = r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$"
_DECIMAL = r"^[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][+-]?\d+)?$"


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column read as numbers.

    Attributes:
        values: NaN where the cell is missing or is no number.
        bad: the rows whose cell is neither missing nor a number.
        known: how many cells are not missing.
        comma: what commas in the cells stood for, if there were any.
        grouped: whether dots group thousands because another column has decimal commas.
        powers: whether cells such as 1.5万 and 3亿 are among them.
    """

    values: Float64[np.ndarray, " rows"]
    bad: Int64[np.ndarray, " bad"]
    known: int
    comma: Literal["decimal", "thousands"] | None = None
    grouped: bool = False
    powers: bool = False

    @property
    def numeric(self) -> bool:
        """Whether the column is meant to hold numbers: at least half of what is known is one."""
        return self.known > 0 and 2 * len(self.bad) <= self.known


def text_cells(column: pl.Series) -> pl.Series:
    """A text column without the white space around its cells; null where a word says "missing"."""
    cells = column.cast(pl.String).str.strip_chars()
    missing = cells.str.to_lowercase().is_in(MISSING_WORDS)
    return cells.set(missing.fill_null(value=False), None)


def distinct(
    cells: pl.Series,
) -> tuple[Int64[np.ndarray, " levels"], Int64[np.ndarray, " rows"]]:
    """Where each different text of a column (null counts as one) first stands, and which of these each row holds.

    They are numbered in the order in which they appear.
    """
    first = cells.arg_unique().sort()
    known = cells.gather(first).drop_nulls()
    codes = cells.cast(pl.Enum(known)).to_physical().cast(pl.Int64)
    if len(known) < len(first):
        gap = int((~cells.gather(first).is_not_null()).arg_max() or 0)
        codes = (codes + (codes >= gap).cast(pl.Int64)).fill_null(gap)
    return first.cast(pl.Int64).to_numpy(), codes.to_numpy()


def read_numbers(table: Table, name: str) -> Numbers:
    """A column as numbers, without complaint; true and false count as 1 and 0."""
    return _numbers(table, name, _look(table.frame.select(name)))


def _look(frame: pl.DataFrame) -> dict[str, tuple[pl.Series, bool]]:
    """The cells of each text column as plain numbers, and whether others are left; all at once, for tables are wide."""
    texts = pl.col([name for name, kind in frame.schema.items() if kind == pl.String])
    found = frame.select(texts.str.strip_chars().cast(pl.Float64, strict=False))
    cells = frame.select((texts.str.len_bytes() > 0).sum())
    known = found.select(pl.all().is_not_null().sum()) if found.width else found
    return {name: (found[name], known[name][0] < cells[name][0]) for name in found.columns}


def _numbers(table: Table, name: str, look: dict[str, tuple[pl.Series, bool]]) -> Numbers:
    column = table.frame[name]
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        values = _floats(column)
        return Numbers(values, np.empty(0, dtype=np.int64), int(np.isfinite(values).sum()))
    if column.dtype != pl.String:
        known = np.flatnonzero(column.is_not_null().to_numpy())
        return Numbers(np.full(len(column), np.nan), known.astype(np.int64), len(known))
    found, more = look[name]
    if not more:
        values = _floats(found)
        return Numbers(values, np.empty(0, dtype=np.int64), int((~np.isnan(values)).sum()))
    strange = found.is_null() & (column.str.len_bytes() > 0)
    if int(strange.sum()) == int((column.str.len_bytes() > 0).sum()) and not _worth_a_look(table, column, strange):
        rows = np.flatnonzero(strange.to_numpy())
        return Numbers(np.full(len(column), np.nan), rows.astype(np.int64), len(rows))
    return _second_look(table, column, found, strange)


def read_columns(table: Table) -> dict[str, Numbers]:
    """Every column as numbers; where one has decimal commas, dots that could group thousands in another one do."""
    look = _look(table.frame)
    numbers = {name: _numbers(table, name, look) for name in table.frame.columns}
    if all(found.comma != "decimal" for found in numbers.values()):
        return numbers
    return {name: _grouped(table, name) if _may_group(table, name, found) else found for name, found in numbers.items()}


def could_be_grouped(table: Table, name: str, numbers: Numbers) -> str | None:
    """A number such as 1.234 of a column in which every dot could group thousands, in a table cut at no commas."""
    if table.comma == "thousands" or not _may_group(table, name, numbers):
        return None
    cells = table.frame[name]
    return str(cells[int(cells.str.contains(".", literal=True).fill_null(value=False).arg_max() or 0)]).strip()


def _may_group(table: Table, name: str, numbers: Numbers) -> bool:
    """Whether a column of text has dots, all of which could group thousands, and no commas."""
    column = table.frame[name]
    if column.dtype != pl.String or numbers.comma is not None:
        return False
    dotted = column.filter(column.str.contains(".", literal=True)).str.strip_chars()
    few = dotted.head(1000)
    return bool(len(few) and few.str.contains(_GROUPS_ALONE).all() and dotted.str.contains(_GROUPS_ALONE).all())


def _grouped(table: Table, name: str) -> Numbers:
    """A column whose dots group thousands."""
    column = table.frame[name]
    found = column.str.replace_all(".", "", literal=True).str.strip_chars().cast(pl.Float64, strict=False)
    strange = found.is_null() & (column.str.len_bytes() > 0)
    return replace(_second_look(table, column, found, strange), grouped=True)


def _worth_a_look(table: Table, column: pl.Series, strange: pl.Series) -> bool:
    """Whether a column without a plain number starts with a cell that could be one: saves time on columns of words."""
    few = column.filter(strange).head(100)
    look = _second_look(table, few, few.str.strip_chars().cast(pl.Float64, strict=False), few.is_not_null())
    return len(look.bad) < len(few)


def _second_look(table: Table, column: pl.Series, found: pl.Series, strange: pl.Series) -> Numbers:
    """Missing words, true and false, commas and Chinese signs, among the cells that are no plain number."""
    rows = np.flatnonzero(strange.to_numpy())
    written = text_cells(column.gather(rows))
    cells = plain_numbers(written)
    comma = _comma(table, cells.filter(cells.str.contains(",", literal=True)))
    if comma == "decimal":  # then a dot groups thousands, also where a number has no comma
        rows = np.flatnonzero((strange | column.str.contains(".", literal=True)).fill_null(value=False).to_numpy())
        written = text_cells(column.gather(rows))
        cells = plain_numbers(written)
    truth = cells.str.to_lowercase().replace_strict({"true": 1.0, "false": 0.0}, default=None, return_dtype=pl.Float64)
    plain = cells.cast(pl.Float64, strict=False) if comma is None else _without_commas(cells, comma)
    parsed = plain.fill_null(truth)
    values = _floats(found)
    values[rows] = _floats(parsed)
    bad = rows[(parsed.is_null() & cells.is_not_null()).to_numpy()]
    known = int((~np.isnan(values)).sum()) + len(bad)
    powers = bool((written.str.contains(POWER) & parsed.is_not_null()).any())
    return Numbers(values, bad.astype(np.int64), known, comma, powers=powers)


def _without_commas(cells: pl.Series, comma: Literal["decimal", "thousands"]) -> pl.Series:
    if comma == "decimal":
        grouped = cells.str.contains(_GROUPED_BY_DOTS) | ~cells.str.contains(".", literal=True)
        cells = cells.set(~grouped.fill_null(value=True), "no number")
        cells = cells.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return cells.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)


def _comma(table: Table, cells: pl.Series) -> Literal["decimal", "thousands"] | None:
    """What the commas of these cells stand for, if every cell agrees."""
    if not len(cells):
        return None
    thousands, decimal = bool(cells.str.contains(_THOUSANDS).all()), bool(cells.str.contains(_DECIMAL).all())
    if thousands and decimal:
        return table.comma
    return "thousands" if thousands else "decimal" if decimal else None


def _floats(column: pl.Series) -> Float64[np.ndarray, " rows"]:
    return np.array(column.cast(pl.Float64).to_numpy(), dtype=np.float64)  # null is NaN there


def checked_numbers(table: Table, name: str, numbers: Numbers) -> Float64[np.ndarray, " rows"]:
    """The values of a column that must hold numbers, NaN where missing.

    Raises:
        ColumnError: the column holds something else than numbers.
        TableError: a cell is no number, is infinite, or is too large for 32-bit floats.
    """
    if len(numbers.bad):
        row = int(numbers.bad[0])
        cell = shown(table.frame[name][row])
        if not numbers.numeric:
            raise ColumnError(
                f'column "{name}" must hold numbers, but {table.where(row)} says {cell}. '
                f"Encode its words as numbers, or leave the column out."
            )
        raise TableError(
            f"{table.at(name, row)}: {cell} is not a number; {len(numbers.bad)} of {numbers.known} cells of the "
            f"column are none. Correct it, leave it empty if the value is missing, or delete the line if it is no row."
        )
    for row in np.flatnonzero(np.isinf(numbers.values))[:1]:
        raise TableError(
            f"{table.at(name, int(row))}: the value is infinite. Correct it, or leave it empty if it is missing."
        )
    for row in np.flatnonzero(np.abs(numbers.values) > np.finfo(np.float32).max)[:1]:
        raise TableError(
            f"{table.at(name, int(row))}: {numbers.values[row]:g} is too large for 32-bit floats "
            f"(at most {np.finfo(np.float32).max:.2g}). Give the column in a larger unit, such as millions."
        )
    return numbers.values
