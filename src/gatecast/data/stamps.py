"""Cells to time stamps: dates as text, typed dates with and without a zone, epoch numbers, plain years.

Times are kept as datetime64[us] without a zone.  Stamps with offsets become UTC, except that stamps which all show the
same local time of day (midnight, as daily data have) keep their local dates: in UTC their steps would not be regular.
"""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int64

from gatecast.data.chinese import plain_dates
from gatecast.data.columns import Guess
from gatecast.data.frequency import DAY
from gatecast.data.table import Table, shown
from gatecast.data.values import Numbers, distinct, text_cells
from gatecast.errors import ColumnError, TimeError

TIME_NAME = re.compile(
    r"(?i)(time|date|stamp|epoch|unix|日期|时间|時間|时刻)|^(ds|ts|dt|day|datum|fecha|年月日?|月份|交易日|报告期)$"
)
_YEAR_NAME = re.compile(r"(?i)(year|date|^ds$|^jahr$|日期|年份|年度|^年$)")
# [0-9] and not \d, which takes the digits of every script, where a number is read from those of ASCII alone.
_CLOCK = (
    r"(?:[T ]\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?P<zone>Z|z|UTC|GMT|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?)?$"
)
_YEAR_FIRST = r"^(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})(?:[-/.](?P<day>[0-9]{1,2}))?" + _CLOCK
_YEAR_LAST = r"^(?P<one>[0-9]{1,2})[-/.](?P<two>[0-9]{1,2})[-/.](?P<year>[0-9]{4})" + _CLOCK
_NAMED = r"^(?:(?P<day>[0-9]{1,2})[-/. ]+)?(?P<word>[A-Za-z]{3,9})\.?[-/., ]+(?P<year>[0-9]{4})" + _CLOCK
_QUARTER = r"^(?P<year>[0-9]{4})[-: ]?[Qq](?P<quarter>[1-4])$"
_COMPACT = r"^(?P<year>(?:19|20)[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})?(?:\.0)?$"
_PLAIN = {  # how programs write dates, by length; polars reads these several times as fast
    10: (r"^[1-9][0-9]{3}-[0-9][0-9]-[0-9][0-9]$", "%Y-%m-%d"),
    16: (r"^[1-9][0-9]{3}-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]$", "%Y-%m-%d %H:%M"),
    19: (r"^[1-9][0-9]{3}-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-5][0-9]$", "%Y-%m-%d %H:%M:%S"),
}
_PATTERNS = (_YEAR_FIRST, _YEAR_LAST, _NAMED, _QUARTER)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_WORDS = {word: number for number, name in enumerate(_MONTHS, start=1) for word in (name, name[:3])} | {"sept": 9}
_SAMPLE = 200
_STRETCH = 500_000  # cells
_EPOCHS = ((1e8, 1e10, 1_000_000.0), (1e11, 1e13, 1_000.0), (1e14, 1e16, 1.0), (1e17, 1e19, 0.001))


@dataclass(frozen=True, eq=False)
class Stamps:
    """Time stamps as they were written.

    Attributes:
        wall: the local date and time, datetime64[us]; NaT where the cell is missing or no date.
        offset: minutes east of UTC, 0 where the stamp has no offset.
        zoned: which rows have an offset.
        guesses: how dates that could be read in two ways were read.
    """

    wall: np.ndarray
    offset: Int64[np.ndarray, " rows"]
    zoned: np.ndarray
    guesses: tuple[Guess, ...] = ()


def looks_like_time(table: Table, name: str, numbers: Numbers) -> bool:
    """Whether a column holds times: dates, date texts, or numbers that its name makes epochs, dates or years."""
    column = table.frame[name]
    if column.dtype.is_temporal():
        return column.dtype in (pl.Date, pl.Datetime)
    if numbers.numeric:
        return _number_kind(name, numbers) is not None
    return column.dtype == pl.String and _pattern(column) is not None


def _number_kind(name: str, numbers: Numbers, *, said: bool = False) -> float | str | None:
    """What numbers under such a name mean: microseconds in an epoch unit, `year`, `compact` (20240301), or nothing.

    A column that is said to be the time may have any name.
    """
    values = numbers.values[~np.isnan(numbers.values)]
    if not len(values) or len(numbers.bad):
        return None
    low, high = values.min(), values.max()
    if said or TIME_NAME.search(name):
        for least, most, micro in _EPOCHS:
            if least <= low and high < most:
                return micro
        if any(a <= low and high <= b for a, b in ((190001, 210012), (19000101, 21001231))) and (values % 1 == 0).all():
            return "compact"
    if _YEAR_NAME.search(name) and low >= 1500 and high <= 2200 and (values % 1 == 0).all():
        return "year"
    return None


def _pattern(column: pl.Series) -> str | None:
    """The way of writing dates that fits most of the first cells, if it fits at least half of them."""
    cells = plain_dates(text_cells(column.head(10 * _SAMPLE)).drop_nulls().head(_SAMPLE))
    fits = [int(cells.str.contains(pattern).sum()) for pattern in _PATTERNS]
    best = int(np.argmax(fits))
    return _PATTERNS[best] if fits[best] > 0 and 2 * fits[best] >= len(cells) else None


def read_times(
    table: Table, name: str, numbers: Numbers, *, day_first: bool | None
) -> tuple[np.ndarray, tuple[Guess, ...]]:
    """The times of a column, datetime64[us] without a zone; (rows,).

    Raises:
        TimeError: a cell is missing or is no date, the day and the month cannot be told apart, or zones are mixed.
        ColumnError: the column holds no times at all.
    """
    stamps = _read(table, name, numbers, day_first=day_first)
    for row in np.flatnonzero(np.isnat(stamps.wall))[:1]:
        _refuse_cell(table, name, int(row))
    times, guesses = _one_clock(table, name, stamps)
    return times, (*stamps.guesses, *guesses)


def _read(table: Table, name: str, numbers: Numbers, *, day_first: bool | None) -> Stamps:
    column = table.frame[name]
    if column.dtype in (pl.Date, pl.Datetime):
        return _from_typed(column)
    kind = _number_kind(name, numbers, said=True) if numbers.numeric else None
    if isinstance(kind, float):
        why = {1e6: "seconds", 1e3: "milliseconds", 1.0: "microseconds", 0.001: "nanoseconds"}[kind]
        micro = np.where(np.isnan(numbers.values), 0, np.round(numbers.values * kind)).astype(np.int64)
        wall = np.where(np.isnan(numbers.values), np.datetime64("NaT"), micro.astype("datetime64[us]"))
        return _naive(wall, Guess("epoch", why, f"{name} holds numbers of that size"))
    if kind == "year":
        return _naive(_assemble({"year": numbers.values}))
    if kind == "compact":
        text = pl.Series(numbers.values).fill_nan(None).cast(pl.Int64).cast(pl.String)
        return _from_text(table, name, text, _COMPACT, day_first=day_first)
    pattern = _pattern(column) if column.dtype == pl.String and not numbers.numeric else None
    if pattern is None:
        raise ColumnError(
            f'time column "{name}" holds no dates: {table.where(0)} says {shown(column[0])}. Write dates such as '
            f"2024-03-01 or 2024-03-01 14:30, name another column with time=, or none to number the rows."
        )
    return _from_text(table, name, column, pattern, day_first=day_first)


def _naive(wall: np.ndarray, *guesses: Guess) -> Stamps:
    return Stamps(wall, np.zeros(len(wall), dtype=np.int64), np.zeros(len(wall), dtype=bool), guesses)


def _from_typed(column: pl.Series) -> Stamps:
    zone = column.dtype.time_zone if isinstance(column.dtype, pl.Datetime) else None
    utc = column.cast(pl.Datetime("us", zone))
    if zone is None:
        return _naive(utc.to_numpy().astype("datetime64[us]"))
    wall = utc.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    clock = utc.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    ahead = np.where(np.isnat(wall), 0, (wall - clock).astype(np.int64)) // 60_000_000
    return Stamps(wall, ahead.astype(np.int64), np.ones(len(wall), dtype=bool))


def _from_text(table: Table, name: str, column: pl.Series, pattern: str, *, day_first: bool | None) -> Stamps:
    """Each different cell is read once, for series share their times; and a stretch at once, to hold the memory."""
    few = 2 * column.to_frame().select(pl.all().approx_n_unique()).item() < len(column)
    first, codes = distinct(column) if few else (np.arange(len(column)),) * 2
    cells = plain_dates(text_cells(column.gather(first)))
    guesses = tuple[Guess, ...]()
    if pattern == _YEAR_LAST:
        day_first, guesses = _order(table, name, cells, first, day_first=day_first)
    starts = range(0, len(cells), _STRETCH)
    found = [_read_cells(cells.slice(start, _STRETCH), pattern, day_first=bool(day_first)) for start in starts]
    wall, offset, zoned = (np.concatenate(part) for part in zip(*found, strict=True))
    return Stamps(wall[codes], offset[codes], zoned[codes], guesses)


def _read_cells(cells: pl.Series, pattern: str, *, day_first: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The local time, the minutes east of UTC, and whether these are given, of each cell."""
    plain = _read_plain(cells)
    if plain is not None:
        return plain, np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=bool)
    groups = cells.str.extract_groups(pattern).struct.unnest()
    parts: dict[str, np.ndarray] = {
        part: groups[part].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for part in ("year", "month", "day", "hour", "minute", "second", "one", "two", "quarter")
        if part in groups.columns
    }
    if pattern == _YEAR_LAST:
        parts["day"], parts["month"] = (parts["one"], parts["two"]) if day_first else (parts["two"], parts["one"])
    if "word" in groups.columns:
        words = groups["word"].str.to_lowercase()
        parts["month"] = (
            words.replace_strict(_MONTH_WORDS, default=None, return_dtype=pl.Float64).fill_null(99).to_numpy()
        )
    if "quarter" in parts:
        parts["month"] = 3 * parts["quarter"] - 2
    if "half" not in groups.columns:
        return _assemble(parts), np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=bool)
    _twelve_hours(parts, groups["half"].str.to_lowercase())
    parts["micro"] = groups["fraction"].str.pad_end(6, "0").str.slice(0, 6).cast(pl.Float64).fill_null(0).to_numpy()
    return _assemble(parts), _offsets(groups["zone"]), groups["zone"].is_not_null().to_numpy()


def _read_plain(cells: pl.Series) -> np.ndarray | None:
    """The times of cells that are all written as 2024-03-31 14:30:00, or all as its beginning; None if one is not."""
    pattern, form = _PLAIN.get(len(cells[0] or ""), ("", ""))
    if not form or not cells.str.contains(pattern).fill_null(value=False).all():
        return None
    times = cells.str.to_datetime(form, time_unit="us", strict=False)
    return None if times.null_count() else times.to_numpy().astype("datetime64[us]")


def _twelve_hours(parts: dict[str, np.ndarray], half: pl.Series) -> None:
    """3:00 PM is 15:00, 12:00 AM is 0:00."""
    given = half.is_not_null().to_numpy()
    hour = parts["hour"]
    wrong = given & ((hour < 1) | (hour > 12))
    clock = hour % 12 + np.where((half == "pm").fill_null(value=False).to_numpy(), 12, 0)
    parts["hour"] = np.where(wrong, 99, np.where(given, clock, hour))


def _offsets(zone: pl.Series) -> Int64[np.ndarray, " rows"]:
    """`+05:30`, `+0530`, `+05`, `Z` as minutes."""
    digits = zone.str.extract(r"^[+-](\d{2}):?(\d{2})?$", 1).cast(pl.Int64).fill_null(0).to_numpy()
    minutes = zone.str.extract(r"^[+-]\d{2}:?(\d{2})$", 1).cast(pl.Int64).fill_null(0).to_numpy()
    west = zone.str.starts_with("-").fill_null(value=False).to_numpy()
    return np.asarray(np.where(west, -1, 1) * (60 * digits + minutes), dtype=np.int64)


def _order(
    table: Table, name: str, cells: pl.Series, rows: Int64[np.ndarray, " cells"], *, day_first: bool | None
) -> tuple[bool, tuple[Guess, ...]]:
    """Whether the day comes before the month in dates such as 01/02/2006; `rows` is where each cell first stands."""
    if day_first is not None:
        return day_first, ()
    groups = cells.str.extract_groups(_YEAR_LAST).struct.unnest()
    one, two = (groups[part].cast(pl.Float64).fill_null(np.nan).to_numpy() for part in ("one", "two"))
    text = str(cells.drop_nulls()[0])
    if np.nanmax(one) > 12 or np.nanmax(two) > 12:
        first = bool(np.nanmax(one) > 12)
        row = int(np.nanargmax(one if first else two))
        return first, (_order_guess(f'{table.where(int(rows[row]))} says "{cells[row]}"', day_first=first),)
    if "." in text.split(" ", maxsplit=1)[0]:
        return True, (_order_guess("dates with dots are written so", day_first=True),)
    still, moving = np.nanmax(one) == np.nanmin(one), np.nanmax(two) == np.nanmin(two)
    if table.frame.height > 12 and still != moving:
        return bool(still), (_order_guess("that number never changes: monthly data", day_first=bool(still)),)
    raise TimeError(
        f'{table.at(name, 0)}: "{text}" can be read day first or month first, and no row decides it. '
        f"Say day_first=true or day_first=false, or write the dates as 2024-03-31."
    )


def _order_guess(why: str, *, day_first: bool) -> Guess:
    return Guess("dates", "day first" if day_first else "month first", why)


def _assemble(parts: dict[str, np.ndarray]) -> np.ndarray:
    """Dates from numbers for their parts; NaT where a part is out of range or the year is missing; (rows,)."""
    year = parts["year"]
    full = {"month": 1.0, "day": 1.0, "hour": 0.0, "minute": 0.0, "second": 0.0, "micro": 0.0}
    given = {part: np.nan_to_num(parts.get(part, np.full(len(year), start)), nan=start) for part, start in full.items()}
    right = ~np.isnan(year) & (year >= 1) & (year <= 9999) & (year == np.floor(year))
    for part, (least, most) in _RANGES.items():
        right &= (given[part] >= least) & (given[part] <= most) & (given[part] == np.floor(given[part]))
    whole = {
        part: np.where(right, value, start).astype(np.int64)
        for (part, value), start in zip(given.items(), full.values(), strict=True)
    }
    months = ((np.where(right, year, 1970) - 1970) * 12).astype(np.int64) + whole["month"] - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]") + (whole["day"] - 1)
    right &= days.astype("datetime64[M]").astype(np.int64) == months
    clock = ((whole["hour"] * 60 + whole["minute"]) * 60 + whole["second"]) * 1_000_000 + whole["micro"]
    times = days.astype("datetime64[us]") + clock
    times[~right] = np.datetime64("NaT")
    return np.asarray(times)


_RANGES = {
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "micro": (0, 999_999),
}


def _one_clock(table: Table, name: str, stamps: Stamps) -> tuple[np.ndarray, tuple[Guess, ...]]:
    """Stamps on one clock without a zone: UTC, or local dates when every row shows the same time of day."""
    if not stamps.zoned.any():
        return stamps.wall, ()
    if not stamps.zoned.all():
        with_zone, without = int(np.argmax(stamps.zoned)), int(np.argmin(stamps.zoned))
        _refuse_zones(table, name, with_zone, without, "one says its offset from UTC and the other does not")
    low, high = int(np.argmin(stamps.offset)), int(np.argmax(stamps.offset))
    if stamps.offset[high] - stamps.offset[low] > 60 or len(np.unique(stamps.offset)) > 2:
        _refuse_zones(table, name, low, high, "their offsets from UTC are no summer and winter time of one place")
    seen = " and ".join(f"{minutes / 60:+g} h" for minutes in np.unique(stamps.offset).tolist())
    if len(np.unique(stamps.wall.astype(np.int64) % DAY)) == 1:
        return stamps.wall, (Guess("time zone", "local dates", f"every row shows the same time of day; UTC {seen}"),)
    utc = stamps.wall - stamps.offset * np.timedelta64(60, "s").astype("timedelta64[us]")
    return utc, (Guess("time zone", "UTC", f"the stamps carry offsets: UTC {seen}"),)


def _refuse_zones(table: Table, name: str, one: int, two: int, why: str) -> None:
    cells = table.frame[name]
    raise TimeError(
        f'column "{name}" has mixed time zones: {table.where(one)} says "{cells[one]}" and {table.where(two)} says '
        f'"{cells[two]}"; {why}. Write every time in one zone, best in UTC.'
    )


def _refuse_cell(table: Table, name: str, row: int) -> None:
    column = table.frame[name]
    cell = "" if column[row] is None else str(column[row])
    if not len(text_cells(pl.Series([cell])).drop_nulls()):
        raise TimeError(f"{table.at(name, row)}: the time is missing. Every row needs one; add it or delete the row.")
    if not any(char.isdigit() for char in cell):
        raise TimeError(
            f"{table.at(name, row)}: {shown(cell)} is no date. Delete the line if it is no row of the table, such as a "
            f"title, a comment, a second header or a total."
        )
    raise TimeError(
        f"{table.at(name, row)}: {shown(cell)} is no date, or none that fits the others. Write every date alike, such "
        f"as 2024-03-31, 2024-03-31 14:30:00 or 2024-03-31T14:30:00+01:00, with hours from 00 to 23."
    )


def compose_times(table: Table, parts: dict[str, tuple[str, Numbers]]) -> np.ndarray:
    """Times from columns for the year, month, quarter, day, hour, minute; `parts` maps a part to column and numbers.

    Raises:
        TimeError: the numbers of a row are missing or make no date.
    """
    values = {part: numbers.values for part, (_, numbers) in parts.items()}
    if "quarter" in values:
        values["month"] = 3 * values.pop("quarter") - 2
    wrong = np.any([np.isnan(value) for value in values.values()], axis=0)
    times = _assemble(values)
    for row in np.flatnonzero(wrong | np.isnat(times))[:1]:
        said = ", ".join(f"{name}={table.frame[name][int(row)]}" for name, _ in parts.values())
        raise TimeError(f"{table.where(int(row))}: {said} is no date. Correct the row or delete it.")
    return times
