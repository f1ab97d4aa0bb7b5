"""The door: any table to a Panel, with every guess said aloud."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from msgspec import structs

from gatecast.data.columns import GUESS_EVERYTHING, Columns, Guess, TableOptions
from gatecast.data.digits import check_digits
from gatecast.data.frequency import Frequency, parse_frequency
from gatecast.data.grid import infer_frequency, to_grid
from gatecast.data.guessing import Settled, settle_columns
from gatecast.data.holidays import holiday_days
from gatecast.data.idcolumn import series_codes
from gatecast.data.irregular import without_gap
from gatecast.data.layouts import from_columns, from_long, from_rows
from gatecast.data.panel import Panel
from gatecast.data.records import Records
from gatecast.data.regular import regularise
from gatecast.data.sources import Source, open_table, read_table
from gatecast.data.stamps import read_times
from gatecast.data.table import Table, name_list
from gatecast.data.timecolumn import recompose
from gatecast.data.values import read_numbers
from gatecast.errors import ColumnError, OptionError, TableError, TimeError

__all__ = ["load_panel", "load_panel_like", "load_partition", "read_table"]


def load_panel(source: Source, options: TableOptions = GUESS_EVERYTHING) -> tuple[Panel, tuple[Guess, ...]]:
    """Read a table as a Panel to learn from, and say everything that was guessed on the way.

    Args:
        source: a path to a CSV, TSV, Parquet or Arrow file (text may be gzip), or a data frame of any library.
        options: what is known about the table; what it leaves open is guessed.

    Returns:
        The panel, with gaps as NaN rows, and the guesses in the order they were made.

    Raises:
        TableError: the table cannot be read, a cell is no number, or a target is constant or has no values.
        ColumnError: a named column does not exist, plays two parts, or holds no numbers.
        TimeError: the times are no dates, repeat, or make no regular grid.
        OptionError: the country of the holidays is unknown, or there are no dates.
    """
    table = open_table(source, options.layout)
    records, guesses = _records(table, options)
    records = _with_holidays(records, options)
    if len(records.codes) == 1:
        raise TableError("the table has one row, and there is nothing to learn from one. Give at least two time steps.")
    check_digits(records)
    frequency = parse_frequency(options.frequency) if options.frequency else None
    panel, more = regularise(records, frequency, options.duplicates, options.min_rows)
    _check_channels(panel, panel.columns.channels)
    _check_targets(panel)
    _check_change(panel)
    return panel, (*guesses, *more)


def _records(table: Table, options: TableOptions) -> tuple[Records, tuple[Guess, ...]]:
    if options.layout == "columns":
        return from_columns(table, options)
    if options.layout == "rows":
        return from_rows(table, options)
    settled = settle_columns(table, options)
    return from_long(settled), settled.guesses


def _with_holidays(records: Records, options: TableOptions) -> Records:
    """Records whose columns name the holidays, once these are known to be readable."""
    if options.holidays is None:
        return records
    if not records.dated or options.frequency in ("row", "irregular"):
        raise OptionError(
            f"holidays={options.holidays} needs rows with dates that a step leads on from; name the time column with "
            f"time=, and a regular step with frequency=."
        )
    holiday_days(options.holidays, 2024, 2024)
    return replace(records, columns=structs.replace(records.columns, holidays=options.holidays))


def _check_channels(panel: Panel, channels: Sequence[str]) -> None:
    """Refuse columns without a single value."""
    for channel, name in enumerate(channels):
        if np.isnan(panel.values[:, channel]).all():
            raise TableError(f'column "{name}" has no values: every cell is missing. Fill it, or name another column.')


def _check_targets(panel: Panel) -> None:
    """Refuse series without a single value of a target."""
    known = np.isfinite(panel.targets)
    empty = ~np.logical_or.reduceat(known.any(axis=1), panel.offsets[:-1])
    for series in np.flatnonzero(empty)[:1]:
        raise TableError(
            f'series "{panel.ids[series]}" has no value of {name_list(panel.columns.target)}: every cell is missing. '
            f"Fill it, or delete its rows."
        )


def _check_change(panel: Panel) -> None:
    """Refuse a target that never changes: its scale is zero, and its forecast needs no net."""
    with np.errstate(invalid="ignore"):
        low = np.fmin.reduceat(panel.targets, panel.offsets[:-1], axis=0)
        high = np.fmax.reduceat(panel.targets, panel.offsets[:-1], axis=0)
    flat = (low == high) & (panel.lengths > 1)[:, None]
    for series, channel in np.argwhere(flat)[:1]:
        of = f' of series "{panel.ids[series]}"' if panel.columns.id else ""
        raise TableError(
            f'target "{panel.columns.target[channel]}"{of} is {low[series, channel]:g} in every row: there is nothing '
            f"to learn. {'Delete the series, or name' if of else 'Name'} another column with target=."
        )


def load_panel_like(
    source: Source, columns: Columns, frequency: Frequency, options: TableOptions = GUESS_EVERYTHING
) -> Panel:
    """Read new data for a model: the same columns by name, in any order, and the same step between rows.

    Args:
        source: as in `load_panel`.
        columns: the columns of the model's panel.
        frequency: the step of the model's panel.
        options: `layout`, `duplicates`, `min_rows` and `day_first` of the new table; the rest is the model's.

    Raises:
        ColumnError: the new data lack columns that the model needs.
        TimeError: the new data have another step between rows.
        TableError: a cell is no number, or a target has no values.
    """
    table = open_table(source, options.layout)
    columns = without_gap(columns, frequency)
    said = TableOptions(
        layout=options.layout, time=columns.time, duplicates=options.duplicates, day_first=options.day_first
    )
    if options.layout == "long":
        _check_columns(table, columns)
        records = from_long(_settle_like(table, columns, said))
    elif options.layout == "columns":
        _check_columns(table, Columns(target=options.target or (), time=columns.time, time_parts=columns.time_parts))
        time = None if columns.time_parts else columns.time
        records = from_columns(table, structs.replace(said, time=time, target=options.target))[0]
    else:
        records = from_rows(table, structs.replace(said, time=None))[0]
    records = replace(records, columns=structs.replace(records.columns, holidays=columns.holidays))
    _check_step(records, frequency)
    panel = regularise(records, frequency, options.duplicates, options.min_rows)[0]
    _check_channels(panel, columns.target)
    _check_targets(panel)
    return panel


def load_partition(
    source: Source, columns: Columns, frequency: Frequency, options: TableOptions = GUESS_EVERYTHING
) -> Panel:
    """Read a part of a table for a model: as `load_panel_like`, but nothing is decided by what else is in the part.

    So the rows of a series become the same wherever they stand: months end where the model's do, a column may be empty
    in one part, and commas in numbers, which only a whole column tells the meaning of, are refused.

    Raises:
        ColumnError: the part lacks columns that the model needs.
        TimeError: the part has another step between rows.
        TableError: a cell is no number, has a comma, or a series has no target; the row is told with its series.
        OptionError: the table has another layout than `long`.
    """
    if options.layout != "long":
        raise OptionError(f"partitions have one row a time step (layout=long), not layout={options.layout}.")
    table, columns = open_table(source), without_gap(columns, frequency)
    _check_columns(table, columns)
    table = replace(table, series=None if columns.id is None else table.frame[columns.id])
    settled = _settle_like(table, columns, TableOptions(time=columns.time, day_first=options.day_first))
    _refuse_commas(settled)
    records = from_long(settled)
    records = replace(records, columns=structs.replace(records.columns, holidays=columns.holidays))
    _check_step(records, frequency)
    panel = regularise(records, frequency, options.duplicates, options.min_rows, settled=True)[0]
    _check_targets(panel)
    return panel


def _refuse_commas(settled: Settled) -> None:
    for name, numbers in settled.numbers.items():
        if numbers.comma is not None:
            raise TableError(
                f'column "{name}" writes numbers with commas, and whether these are decimal takes a whole column to '
                f"tell, not a part of it. Write 1234.5, or store numbers as numbers."
            )


def _check_columns(table: Table, columns: Columns) -> None:
    have, lacking = table.frame.columns, []
    for part in ("time", "id", "target", "past", "future", "static"):
        said = columns.time_parts if part == "time" and columns.time_parts else getattr(columns, part)
        names: Sequence[str] = (said,) if isinstance(said, str) else said or ()
        if missing := [name for name in names if name not in have]:
            lacking.append(f"{part}={name_list(missing)}")
    if lacking:
        raise ColumnError(
            f"the model needs {' and '.join(lacking)}, which the new data lack; they have: "
            f"{name_list(have, most=20)}. Name the columns as in the data the model learnt from."
        )


def _settle_like(table: Table, columns: Columns, options: TableOptions) -> Settled:
    used = [name for name in (*columns.channels, *columns.static) if name not in columns.categories]
    numbers = {name: read_numbers(table, name) for name in used}
    codes, ids = series_codes(table, columns.id)
    times = None
    if columns.time_parts:
        times = recompose(table, columns.time_parts, day_first=options.day_first)
    elif columns.time is not None:
        times = read_times(table, columns.time, read_numbers(table, columns.time), day_first=options.day_first)[0]
    return Settled(table, columns, (), numbers, times, codes, ids)


def _check_step(records: Records, frequency: Frequency) -> None:
    """Refuse rows whose step is not the model's, before they are forced on its grid."""
    if not records.dated or frequency.unit in ("row", "irregular"):
        return
    rows = records.take(np.lexsort((records.times, records.codes)))
    place = to_grid(rows.times, frequency)[0]
    steps = np.diff(place)[(np.diff(rows.codes) == 0) & (np.diff(rows.times.astype(np.int64)) > 0)]
    if not len(steps) or np.median(steps) == 1:
        return
    found = infer_frequency(rows.times, rows.offsets, rows.where)
    raise TimeError(
        f"the model learnt from rows {frequency.label} apart ({frequency.name}), but the new data have rows "
        f"{found.label} apart ({found.name}). Resample the new data to {frequency.label}, or fit a new model."
    )
