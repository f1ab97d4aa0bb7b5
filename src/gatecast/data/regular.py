"""Rows in any order, with gaps and repeats, to a Panel on a regular grid (or as they are, where none is wanted)."""

from dataclasses import replace
from typing import NoReturn

import numpy as np
from jaxtyping import Float64, Int64
from msgspec import structs

from gatecast.data.columns import Duplicates, Guess
from gatecast.data.frequency import Frequency, show_time
from gatecast.data.grid import from_grid, infer_frequency, on_grid
from gatecast.data.irregular import median_gap, with_gaps
from gatecast.data.panel import Panel
from gatecast.data.records import Records
from gatecast.data.table import name_list
from gatecast.errors import TableError, TimeError

MAX_GROWTH = 20
FEW_ROWS = 10_000
_NEARLY_ALL = 99.5  # percent


def regularise(
    records: Records,
    frequency: Frequency | None,
    duplicates: Duplicates = "error",
    min_rows: int = 0,
    *,
    settled: bool = False,
) -> tuple[Panel, tuple[Guess, ...]]:
    """Put rows on the grid of their series: sorted, gaps as NaN rows, repeats refused or settled.

    Args:
        records: the rows.
        frequency: the step between rows; None infers it.  `row` numbers the rows in time order, and `irregular` keeps
            rows and times as they are.
        duplicates: what to do with two rows of one series at one time.
        min_rows: drop series that have fewer rows, gaps included.
        settled: whether months are known to end where `frequency` says; else the rows tell.

    Raises:
        TimeError: the times repeat, make no regular grid, or would make one of absurd length; or there are none.
        TableError: every series is shorter than `min_rows`.
    """
    records, guesses = _sorted(records)
    unit = "" if frequency is None else frequency.unit
    if frequency is not None and unit == "irregular":
        records, repeats = _without_repeats(_checked_dates(records), duplicates)
        panel, gaps = _irregular(records, frequency)
        guesses = (*guesses, *repeats, *gaps)
    elif not records.dated or unit == "row":
        panel = _numbered(records, frequency or Frequency("row"))
    else:
        records, repeats = _without_repeats(records, duplicates)
        panel, gaps = _dated(records, frequency, settled=settled)
        guesses = (*guesses, *repeats, *gaps)
    panel, dropped = _without_short(panel, min_rows)
    return panel, (*guesses, *dropped)


def _sorted(records: Records) -> tuple[Records, tuple[Guess, ...]]:
    """Rows series by series, and in time order within each."""
    records = records.take(np.argsort(records.codes, kind="stable"))
    same = np.diff(records.codes) == 0
    if (np.diff(records.times.astype(np.int64))[same] >= 0).all():
        return records, ()
    order = np.lexsort((records.times, records.codes))
    return records.take(order), (Guess("order of rows", "sorted by time", "the rows came in another order"),)


def _checked_dates(records: Records) -> Records:
    if not records.dated:
        raise TimeError("frequency=irregular needs rows with dates, whose gaps count. Name the time column with time=.")
    return records


def _irregular(records: Records, frequency: Frequency) -> tuple[Panel, tuple[Guess, ...]]:
    """Rows and times as they are; the gap before each row is one more past covariate."""
    offsets = records.offsets
    if frequency.multiple == 1:  # as said by the user: the gap is still to be found
        frequency = median_gap(records.times, offsets)
    records = with_gaps(records)
    name = records.columns.past[-1]
    guesses = (
        Guess("step of forecasts", frequency.span, "the median gap between rows"),
        Guess("past", name, "the gap before each row, as the logarithm of its seconds"),
    )
    return _panel(records, frequency, offsets, records.times.astype("datetime64[us]"), records.values), guesses


def _numbered(records: Records, frequency: Frequency) -> Panel:
    """Rows without times, numbered from 0 in each series."""
    offsets = records.offsets
    numbers = np.arange(len(records.codes)) - np.repeat(offsets[:-1], np.diff(offsets))
    columns = structs.replace(records.columns, time=None, time_parts=())
    return _panel(replace(records, columns=columns), frequency, offsets, numbers.astype(np.int64), records.values)


def _panel(
    records: Records,
    frequency: Frequency,
    offsets: Int64[np.ndarray, " series_plus_one"],
    times: np.ndarray,
    values: Float64[np.ndarray, "grid channels"],
) -> Panel:
    narrow, static = values.astype(np.float32), records.static.astype(np.float32)
    return Panel(records.columns, frequency, records.ids, offsets, times, narrow, static)


def _without_repeats(records: Records, duplicates: Duplicates) -> tuple[Records, tuple[Guess, ...]]:
    """At most one row a series and time: equal rows count once, others as `duplicates` says."""
    again = np.zeros(len(records.codes), dtype=bool)
    again[1:] = (np.diff(records.codes) == 0) & (np.diff(records.times.astype(np.int64)) == 0)
    if not again.any():
        return records, ()
    values, before = records.values, np.maximum(np.arange(len(again)) - 1, 0)
    differs = again & ~((values == values[before]) | (np.isnan(values) & np.isnan(values[before]))).all(axis=1)
    if differs.any() and duplicates == "error":
        _refuse_repeat(records, int(np.argmax(differs)))
    starts = np.flatnonzero(~again)
    kept = records.take(starts)
    if not differs.any():
        return kept, (
            Guess("repeated rows", f"{again.sum()} dropped", "equal to the row before, same series and time"),
        )
    last = values[np.append(starts[1:], len(again)) - 1]
    if duplicates == "last":
        return replace(kept, values=last), ()
    known = ~np.isnan(values)
    counts = np.add.reduceat(known.astype(np.int64), starts, axis=0)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    mean = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    words = np.asarray(records.columns.categorical_channels, dtype=bool)
    return replace(kept, values=np.where(words, last, mean)), ()  # words have no mean


def _refuse_repeat(records: Records, row: int) -> NoReturn:
    name, time = records.ids[records.codes[row]], records.times[row]
    hint = ""
    if int(time.astype("datetime64[h]").astype(int)) % 24 in (1, 2, 3):
        hint = " A clock set back in autumn repeats an hour: then write the times in UTC, or with their offset."
    of = f'series "{name}" has' if records.columns.id else "there are"
    raise TimeError(
        f"{of} two rows with different values at {show_time(time)}: {records.where(row - 1)} and {records.where(row)}. "
        f"Delete one, settle all such rows with duplicates=last or duplicates=mean, or, if they belong to different "
        f"series, name the column that tells these apart with id= (join two such columns into one).{hint}"
    )


def _dated(records: Records, frequency: Frequency | None, *, settled: bool) -> tuple[Panel, tuple[Guess, ...]]:
    times, offsets, guesses = records.times, records.offsets, tuple[Guess, ...]()
    if frequency is None:
        frequency = infer_frequency(times, offsets, records.where)
        guesses = (Guess("frequency", frequency.label, f"{frequency.name}: the step between most rows"),)
    elif frequency.unit in ("mo", "q", "y") and not settled:
        frequency = _at_month_ends(frequency, times)
    place, rest = on_grid(times, offsets, frequency, records.where)
    first, last = place[offsets[:-1]], place[offsets[1:] - 1]
    grid = np.concatenate([[0], np.cumsum(last - first + 1)]).astype(np.int64)
    _check_growth(records, frequency, int(grid[-1]))
    lengths = np.diff(grid)
    values = np.full((int(grid[-1]), records.values.shape[1]), np.nan)
    values[grid[records.codes] + place - first[records.codes]] = records.values
    places = np.arange(grid[-1]) + np.repeat(first - grid[:-1], lengths)
    stamps = from_grid(places, np.repeat(rest[offsets[:-1]], lengths), frequency)
    return _panel(records, frequency, grid, stamps, values), (*guesses, *_gaps(records, grid, offsets))


def _at_month_ends(frequency: Frequency, times: np.ndarray) -> Frequency:
    """The same step, on last days of months when every time is one (28 February alone says nothing)."""
    days = times.astype("datetime64[D]")
    ends = (days.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    varied = len(np.unique(days - days.astype("datetime64[M]"))) > 1
    return Frequency(frequency.unit, frequency.multiple, month_end=bool(varied and (days == ends).all()))


def _check_growth(records: Records, frequency: Frequency, rows: int) -> None:
    given = len(records.codes)
    if rows > FEW_ROWS and rows > MAX_GROWTH * given:
        gaps = np.where(np.diff(records.codes) == 0, np.diff(records.times.astype(np.int64)), 0)
        widest = int(np.argmax(gaps))
        raise TimeError(
            f"on a grid of {frequency.label} ({frequency.name}) {given:,} rows become {rows:,}, nearly all of them "
            f"empty. The widest gap is from {show_time(records.times[widest])} ({records.where(widest)}) to "
            f"{show_time(records.times[widest + 1])} ({records.where(widest + 1)}): correct a wrong date, say a longer "
            f"step with frequency=, or keep the rows and their gaps with frequency=irregular."
        )


def _gaps(
    records: Records, grid: Int64[np.ndarray, " series_plus_one"], offsets: Int64[np.ndarray, " series_plus_one"]
) -> tuple[Guess, ...]:
    missing = np.diff(grid) - np.diff(offsets)
    if not missing.any():
        return ()
    count = int(missing.sum())
    share = 100 * count / int(grid[-1])
    rows = "nearly all rows" if share >= _NEARLY_ALL else f"{share:.2g} % of the rows"
    series = f", in {int((missing > 0).sum())} of {len(records.ids)} series" if len(records.ids) > 1 else ""
    value = "1 row added as missing" if count == 1 else f"{count:,} rows added as missing"
    return (Guess("gaps", value, f"{rows}{series}: the times skip them"),)


def _without_short(panel: Panel, min_rows: int) -> tuple[Panel, tuple[Guess, ...]]:
    short = panel.lengths < min_rows
    if not short.any():
        return panel, ()
    if short.all():
        raise TableError(
            f"min_rows={min_rows} drops every series: the longest has {panel.lengths.max()} rows. Lower min_rows."
        )
    keep = np.repeat(~short, panel.lengths)
    kept = Panel(
        panel.columns,
        panel.frequency,
        tuple(name for name, gone in zip(panel.ids, short, strict=True) if not gone),
        np.concatenate([[0], np.cumsum(panel.lengths[~short])]).astype(np.int64),
        panel.times[keep],
        panel.values[keep],
        panel.static[~short],
    )
    names = name_list([name for name, gone in zip(panel.ids, short, strict=True) if gone]).replace("columns", "series")
    return kept, (Guess("series dropped", names, f"fewer than min_rows={min_rows} rows"),)
