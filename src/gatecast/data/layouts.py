"""The three ways a table lays out its series, each to the same Records.

long      one row a time step:       ds, unique_id, y
columns   one column a series:       ds, A, B, C
rows      one row a series:          A, 1.0, 2.0, 3.0 (as in M4's files)
"""

import numpy as np
from jaxtyping import Float64
from msgspec import structs

from gatecast.data.categories import word_codes, words_of
from gatecast.data.columns import Columns, Guess, TableOptions
from gatecast.data.guessing import Settled, check_names
from gatecast.data.nonumbers import refuse_no_numbers
from gatecast.data.records import Records
from gatecast.data.setaside import set_aside
from gatecast.data.table import Table, name_list
from gatecast.data.timecolumn import settle_time
from gatecast.data.values import checked_numbers, read_columns, read_numbers, text_cells
from gatecast.errors import ColumnError, OptionError, TableError

SERIES, VALUE = "unique_id", "y"


def from_long(settled: Settled) -> Records:
    """Records of a table with one row for each time step.

    Raises:
        ColumnError: a target or covariate holds no numbers.
        TableError: a cell is no number, or a static covariate changes within a series.
    """
    table, columns = settled.table, settled.columns
    channels = [_values(settled, name) for name in columns.channels]
    static = [_static(settled, name) for name in columns.static]
    return Records(
        columns=columns,
        ids=settled.ids,
        codes=settled.codes,
        times=np.arange(len(settled.codes)) if settled.times is None else settled.times,
        values=np.stack(channels, axis=1),
        static=np.stack(static, axis=1) if static else np.zeros((len(settled.ids), 0)),
        where=table.where,
    )


def _values(settled: Settled, name: str) -> Float64[np.ndarray, " rows"]:
    """The numbers of a column, or the codes of its words."""
    if name in settled.columns.categories:
        return word_codes(words_of(settled.table.frame[name]), settled.columns.categories[name])
    return checked_numbers(settled.table, name, settled.numbers[name])


def _static(settled: Settled, name: str) -> Float64[np.ndarray, " series"]:
    """The one value that a column has in each series."""
    table, ids = settled.table, settled.ids
    values = _values(settled, name)
    known = np.flatnonzero(~np.isnan(values))
    series, first = np.unique(settled.codes[known], return_index=True)
    for code in np.setdiff1d(np.arange(len(ids)), series)[:1]:
        raise TableError(f'series "{ids[code]}" has no value of static="{name}". Give one in any of its rows.')
    rows = known[first]
    for row in known[values[known] != values[rows][settled.codes[known]]][:1]:
        code = settled.codes[row]
        raise TableError(
            f'static="{name}" must have one value in each series, but series "{ids[code]}" has '
            f"{table.frame[name][int(rows[code])]} ({table.where(int(rows[code]))}) and {table.frame[name][int(row)]} "
            f"({table.where(int(row))}). "
            f"Name it under past= or future= if it changes over time."
        )
    return np.asarray(values[rows])


def _refuse_parts(options: TableOptions) -> None:
    for part in ("id", "past", "future", "static", "categorical"):
        if getattr(options, part):
            raise OptionError(
                f"layout={options.layout} has no columns for {part}=: every column is a series or a step. "
                f"Use layout=long for tables with covariates."
            )


def from_columns(table: Table, options: TableOptions) -> tuple[Records, tuple[Guess, ...]]:
    """Records of a table with one column for each series; `target` names the series, or all numeric columns are.

    Empty cells before the first and after the last value of a series are no part of it.

    Raises:
        ColumnError: a named column does not exist, or no column holds numbers.
        TableError: a cell is no number.
    """
    _refuse_parts(options)
    check_names(table, options)
    numbers = read_columns(table)
    columns, times, guesses = settle_time(table, options, numbers)
    busy = {columns.time, *columns.time_parts}
    names = [name for name in table.frame.columns if name not in busy and numbers[name].numeric]
    aside, reasons = set_aside(names, numbers, times, np.zeros(table.frame.height, dtype=np.int64))
    constant = {name for names, why in reasons for name in names if why == "never changes"}
    series = list(options.target or [name for name in names if name not in aside - constant])
    if not series:
        refuse_no_numbers(table, numbers, busy)
    left = [name for name in table.frame.columns if name not in busy and name not in series]
    why = (
        "not numbers, or they follow from the rows' order or time" if options.target is None else "not named by target="
    )
    outside = (Guess("left out", name_list(left), why),) if left else ()
    found = Guess("series", name_list(series), "one series for each column with numbers")
    grid = np.stack([checked_numbers(table, name, numbers[name]) for name in series])
    records = _flatten(table, structs.replace(columns, target=(VALUE,), id=SERIES), tuple(series), times, grid)
    return records, (*table.guesses, *guesses, *((found,) if options.target is None else ()), *outside)


def _flatten(
    table: Table,
    columns: Columns,
    ids: tuple[str, ...],
    times: np.ndarray | None,
    grid: Float64[np.ndarray, "series rows"],
) -> Records:
    """A value for each series and row, without the missing ends of each series."""
    known = ~np.isnan(grid)
    for code in np.flatnonzero(~known.any(axis=1))[:1]:
        raise TableError(f'column "{ids[code]}" has no values. Fill it, or name the other columns with target=.')
    inside = np.logical_or.accumulate(known, axis=1) & np.logical_or.accumulate(known[:, ::-1], axis=1)[:, ::-1]
    codes, rows = np.nonzero(inside)
    return Records(
        columns=columns,
        ids=ids,
        codes=codes.astype(np.int64),
        times=rows if times is None else times[rows],
        values=grid[inside][:, None],
        static=np.zeros((len(ids), 0)),
        where=lambda row: f"{table.at(ids[codes[row]], int(rows[row]))}",
    )


def from_rows(table: Table, options: TableOptions) -> tuple[Records, tuple[Guess, ...]]:
    """Records of a table with one row for each series: its name if the first column is no number, then its values.

    Empty cells after the last value of a row are no part of it; the steps are numbered.

    Raises:
        OptionError: columns are named, which this layout has no use for.
        TableError: a cell is no number, a series has no values, or two have the same name.
    """
    _refuse_parts(options)
    if options.time or options.target:
        raise OptionError("layout=rows has one row a series and numbers the steps; leave out time= and target=.")
    named = not read_numbers(table, table.frame.columns[0]).numeric
    names = table.frame.columns[1 if named else 0 :]
    if not names:
        raise ColumnError("layout=rows needs columns with numbers after the series' name, and there are none.")
    ids = _row_names(table) if named else tuple(f"s{row + 1}" for row in range(table.frame.height))
    grid = np.stack([checked_numbers(table, name, read_numbers(table, name)) for name in names], axis=1)
    known = ~np.isnan(grid)
    for row in np.flatnonzero(~known.any(axis=1))[:1]:
        raise TableError(f'{table.where(int(row))}: series "{ids[row]}" has no values. Delete the row or fill it.')
    inside = np.logical_or.accumulate(known[:, ::-1], axis=1)[:, ::-1]
    codes, steps = np.nonzero(inside)
    records = Records(
        columns=Columns(target=(VALUE,), id=SERIES),
        ids=ids,
        codes=codes.astype(np.int64),
        times=steps,
        values=grid[inside][:, None],
        static=np.zeros((len(ids), 0)),
        where=lambda row: table.at(names[steps[row]], int(codes[row])),
    )
    why = f'the first column, "{table.frame.columns[0]}", holds names' if named else "the first column holds numbers"
    value = f"{len(ids)} rows of {int(inside.sum(axis=1).min())} to {int(inside.sum(axis=1).max())} values"
    return records, (*table.guesses, Guess("series", value, why))


def _row_names(table: Table) -> tuple[str, ...]:
    first = table.frame.columns[0]
    cells = text_cells(table.frame[first])
    if cells.null_count():
        row = int(cells.is_null().arg_max() or 0)
        raise TableError(f"{table.at(first, row)}: the series has no name. Give every row a name of its own.")
    if cells.n_unique() < len(cells):
        again = int((~cells.is_first_distinct()).arg_max() or 0)
        before = int((cells == cells[again]).arg_max() or 0)
        raise TableError(
            f'series "{cells[again]}" has two rows, {table.where(before)} and {table.where(again)}. '
            f"layout=rows takes one row a series; is this layout=long?"
        )
    return tuple(cells.to_list())
