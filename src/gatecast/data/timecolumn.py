"""The time of every row: which column holds it, or which columns it is put together from."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gatecast.data.clockcolumn import find_clock, is_clock, read_day_and_clock, with_clock
from gatecast.data.columns import Columns, Guess, TableOptions
from gatecast.data.stamps import TIME_NAME, compose_times, looks_like_time, read_times
from gatecast.data.table import Table, shown
from gatecast.data.values import Numbers, read_numbers
from gatecast.errors import ColumnError

COMPOSED = "ds"
_YEARS = {"年": "year", "年份": "year", "季度": "quarter", "月": "month", "月份": "month", "日": "day"}
_CLOCK = {"时": "hour", "小时": "hour", "分": "minute", "分钟": "minute", "秒": "second"}


def settle_time(
    table: Table, options: TableOptions, numbers: Mapping[str, Numbers]
) -> tuple[Columns, np.ndarray | None, tuple[Guess, ...]]:
    """The time column, or the columns it is put together from, and the time of every row."""
    name, guesses = options.time, tuple[Guess, ...]()
    spoken_for = {options.id, *(options.target or ()), *(options.past or ()), *options.future, *options.static}
    open_columns = [column for column in table.frame.columns if column not in spoken_for]
    if name is None:
        found = [column for column in open_columns if _is_time(table, column, numbers, open_columns)]
        parts = _time_parts(open_columns, numbers)
        if parts and (not found or found == [parts["year"][0]]):
            return _compose(table, parts)
        if not found:
            why = f"no column holds dates{_unread(table, numbers)}; the rows are numbered in the order of the table"
            return Columns(target=()), None, (Guess("time", "none", why),)
        name = found[0]
        guesses = (Guess("time", name, "the first column that holds dates" if len(found) > 1 else "it holds dates"),)
    times, more = read_times(table, name, numbers[name], day_first=options.day_first)
    clock = find_clock(table, name, times, numbers, open_columns) if options.time is None else None
    if clock is not None:
        columns, guess = _composed((name, clock))
        return columns, with_clock(table, times, clock), (guess, *more)
    return Columns(target=(), time=name), times, (*guesses, *more)


def _unread(table: Table, numbers: Mapping[str, Numbers]) -> str:
    """A hint at the first column of words with digits, or of numbers called a date, that nobody can read as dates."""
    for name, column in numbers.items():
        if column.numeric and TIME_NAME.search(name):
            return f" ({shown(table.frame[name][0], 40)} in {name} is none)"
        cell = "" if column.numeric or not column.known else str(table.frame[name][int(column.bad[0])])
        if any(letter.isdigit() for letter in cell):
            return f" ({shown(cell, 40)} in {name} is none)"
    return ""


def _is_time(table: Table, name: str, numbers: Mapping[str, Numbers], names: Sequence[str]) -> bool:
    """Whether a column can be the time by itself: a year that repeats in a table of numbers alone cannot."""
    if not looks_like_time(table, name, numbers[name]):
        return False
    values = numbers[name].values
    repeats = len(np.unique(values)) < len(values)
    texts = any(not numbers[other].numeric and numbers[other].known for other in names if other != name)
    small = numbers[name].numeric and bool(np.nanmax(values) <= 2200)
    return not (small and repeats and not texts)


def _time_parts(names: Iterable[str], numbers: Mapping[str, Numbers]) -> dict[str, tuple[str, Numbers]]:
    """Columns called year, month (or quarter), day, hour, ..., without a hole between the year and the finest."""
    found = {_part(name): name for name in reversed(list(names)) if numbers[name].numeric}
    if "year" not in found or not {"month", "quarter"} & set(found):
        return {}
    if "month" not in found:
        chosen = ["year", "quarter"]
    else:
        fine = ("day", "hour", "minute", "second")
        chosen = ["year", "month", *fine[: next((i for i, part in enumerate(fine) if part not in found), len(fine))]]
    return {part: (found[part], numbers[found[part]]) for part in chosen}


def _part(name: str) -> str:
    """The part of a time that a column is called by, in English; other names as they are."""
    said = name.strip().lower()
    return (_YEARS | _CLOCK).get(said, said)


def _compose(table: Table, parts: Mapping[str, tuple[str, Numbers]]) -> tuple[Columns, np.ndarray, tuple[Guess, ...]]:
    columns, guess = _composed(tuple(name for name, _ in parts.values()))
    return columns, compose_times(table, dict(parts)), (guess,)


def _composed(names: tuple[str, ...]) -> tuple[Columns, Guess]:
    guess = Guess("time", " + ".join(names), f'put together to one time stamp, called "{COMPOSED}"')
    return Columns(target=(), time=COMPOSED, time_parts=names), guess


def make_a_time(names: Sequence[str]) -> bool:
    """Whether a time can be put together from columns of these names: a year and more, or a date and a time of day."""
    parts = {_part(name) for name in names}
    return ("year" in parts and bool({"month", "quarter"} & parts)) or (len(names) == 2 and is_clock(names[1]))


def recompose(table: Table, names: Sequence[str], *, day_first: bool | None = None) -> np.ndarray:
    """The times from the columns that a model's time was put together from.

    Raises:
        ColumnError: they have no year, or neither a month nor a quarter, and are no date beside a time of day.
    """
    parts = {_part(name): (name, read_numbers(table, name)) for name in names}
    if "year" not in parts and make_a_time(names):
        return read_day_and_clock(table, names, day_first=day_first)
    if not make_a_time(names):
        raise ColumnError(
            f"the model says that its time is put together from {', '.join(names)}, and no time can be without a year "
            f"and a month or a quarter: its description is damaged. Copy the whole model folder again, or train again."
        )
    return compose_times(table, parts)
