"""A time that stands in two columns: the date, and beside it the time of day."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from gatecast.data.chinese import plain_dates
from gatecast.data.stamps import read_times
from gatecast.data.table import Table, shown
from gatecast.data.values import Numbers, read_numbers, text_cells
from gatecast.errors import TimeError

# Exactly these: a column called `closing time` tells something else than when its row is.
_NAME = re.compile(r"(?i)\s*(time|time[ _]of[ _]day|clock|hour|hr|时间|时刻|小时|时)\s*")
_CLOCK = r"^(?P<hour>[01]?[0-9]|2[0-3])(?::(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9])(?:\.0+)?)?)?$"
_MICRO = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}


def is_clock(name: str) -> bool:
    """Whether a column is called as the time of day is."""
    return _NAME.fullmatch(name) is not None


def find_clock(
    table: Table, day: str, times: np.ndarray, numbers: Mapping[str, Numbers], names: Sequence[str]
) -> str | None:
    """The column with the time of day of each row; only where dates repeat and have no time of day themselves."""
    days = times.astype("datetime64[D]")
    if (times != days).any() or len(np.unique(days)) == len(days):
        return None
    for name in names:
        if name != day and is_clock(name) and numbers[name].known:
            clock = _time_of_day(table, name, numbers[name])
            known = clock[~np.isnat(clock)]
            if 2 * len(known) >= len(clock) and len(np.unique(known)) > 1:
                return name
    return None


def with_clock(table: Table, times: np.ndarray, name: str) -> np.ndarray:
    """Dates with the time of day that another column tells.

    Raises:
        TimeError: a cell of it is no time of day.
    """
    clock = _time_of_day(table, name, read_numbers(table, name))
    for row in np.flatnonzero(np.isnat(clock))[:1]:
        raise TimeError(
            f"{table.at(name, int(row))}: {shown(table.frame[name][int(row)])} is no time of day. Write every one "
            f"alike, such as 8:30 or 08:30:00, with hours from 0 to 23."
        )
    return np.asarray(times + clock)


def read_day_and_clock(table: Table, names: Sequence[str], *, day_first: bool | None) -> np.ndarray:
    """The times of two columns, the date and the time of day.

    Raises:
        TimeError: a cell is missing, or is no date or no time of day.
        ColumnError: the first holds no dates.
    """
    day, clock = names
    return with_clock(table, read_times(table, day, read_numbers(table, day), day_first=day_first)[0], clock)


def _time_of_day(table: Table, name: str, numbers: Numbers) -> np.ndarray:
    """What has passed of the day, timedelta64[us]; NaT where a cell is no time of day; (rows,)."""
    if numbers.numeric:
        hours = np.where((numbers.values >= 0) & (numbers.values <= 23) & (numbers.values % 1 == 0), numbers.values, -1)
        micro = hours * _MICRO["hour"]
    else:
        groups = plain_dates(text_cells(table.frame[name])).str.extract_groups(_CLOCK).struct.unnest()
        parts = {part: groups[part].cast(float).to_numpy() for part in _MICRO}
        rest = np.nansum([parts["minute"] * _MICRO["minute"], parts["second"] * _MICRO["second"]], axis=0)
        micro = np.nan_to_num(parts["hour"] * _MICRO["hour"] + rest, nan=-1)
    found = micro.astype(np.int64).astype("timedelta64[us]")
    return np.where(micro < 0, np.timedelta64("NaT"), found)
