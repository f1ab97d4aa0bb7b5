"""Which column plays which part, when nobody said it: every guess comes with its reason."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64
from msgspec.structs import replace

from gatecast.data.columns import ONLY_SERIES, Columns, Guess, TableOptions
from gatecast.data.stamps import compose_times, looks_like_time, read_times
from gatecast.data.table import Table, name_list, suggest
from gatecast.data.values import Numbers, distinct, read_numbers, text_cells
from gatecast.errors import ColumnError, TableError

_ID_NAME = re.compile(r"(?i)(^|[_\W])(id|store|shop|item|sku|product|series|station|site|sensor|meter)($|[_\W])|_?id$")
_OFTEN = 0.01  # more rows than this share time stamps: several series, not an hour repeated in autumn
COMPOSED = "ds"


@dataclass(frozen=True, eq=False)
class Settled:
    """A table whose columns have their parts.

    Attributes:
        table: the raw table.
        columns: the part of every column.
        guesses: what was decided and why, in the order time, id, target, past, left out.
        numbers: every column read as numbers.
        times: datetime64[us] of every row; None without a time column.
        codes: which series each row belongs to, in order of first appearance.
        ids: the name of each series.
    """

    table: Table
    columns: Columns
    guesses: tuple[Guess, ...]
    numbers: Mapping[str, Numbers]
    times: np.ndarray | None
    codes: Int64[np.ndarray, " rows"]
    ids: tuple[str, ...]


def settle_columns(table: Table, options: TableOptions) -> Settled:
    """Give every column its part: what the options say, and a guess for what they leave open.

    Raises:
        ColumnError: a named column does not exist or has two parts, or no column can be the target.
        TimeError: the time column holds something else than dates.
    """
    check_names(table, options)
    numbers = {name: read_numbers(table, name) for name in table.frame.columns}
    columns, times, guesses = settle_time(table, options, numbers)
    id_column, id_guesses = _settle_id(table, options, numbers, times, columns)
    codes, ids = series_codes(table, id_column)
    columns = replace(columns, id=id_column)
    free = _free_numbers(table, options, numbers, columns)
    left_out, why_left = set_aside(free, numbers, times, codes)
    columns, target_guesses = _settle_values(options, columns, free, left_out)
    used = {*columns.channels, *columns.static, columns.id, columns.time, *columns.time_parts}
    reasons = [*why_left, *_wordy(table, numbers)]
    left = [
        Guess("left out", name_list(kept), why)
        for names, why in reasons
        if (kept := [n for n in names if n not in used])
    ]
    commas = [
        Guess("commas", kind, f'that is what they stand for in column "{name}"')
        for name, kind in _commas(columns, numbers)
    ][:1]
    everything = (*table.guesses, *commas, *guesses, *id_guesses, *target_guesses, *left)
    return Settled(table, columns, everything, numbers, times, codes, ids)


def check_names(table: Table, options: TableOptions) -> None:
    """Refuse names that are no columns, and columns with two parts."""
    parts: dict[str, str] = {}
    for part in ("id", "time", "target", "past", "future", "static"):
        said = getattr(options, part)
        for name in (said,) if isinstance(said, str) else said or ():
            if name not in table.frame.columns:
                raise ColumnError(f'there is no column "{name}" ({part}=). {suggest(name, table.frame.columns)}')
            if name in parts:
                raise ColumnError(
                    f'column "{name}" is named as {parts[name]} and as {part}, and a column plays one part. '
                    f"Leave it out of one of them."
                )
            parts[name] = part
    if options.target == ():
        raise ColumnError(f"target= names no column. Name at least one of {name_list(table.frame.columns)}.")


def settle_time(
    table: Table, options: TableOptions, numbers: Mapping[str, Numbers]
) -> tuple[Columns, np.ndarray | None, tuple[Guess, ...]]:
    """The time column, or the columns it is put together from, and the time of every row."""
    name, guesses = options.time, tuple[Guess, ...]()
    if name is None:
        spoken_for = {options.id, *(options.target or ()), *(options.past or ()), *options.future, *options.static}
        open_columns = [column for column in table.frame.columns if column not in spoken_for]
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
    return Columns(target=(), time=name), times, (*guesses, *more)


def _unread(table: Table, numbers: Mapping[str, Numbers]) -> str:
    """A hint at the first column of words with digits, which may be dates that nobody can read."""
    for name, column in numbers.items():
        cell = "" if column.numeric or not column.known else str(table.frame[name][int(column.bad[0])])
        if any(letter.isdigit() for letter in cell):
            return f' ("{cell[:40]}" in {name} is none)'
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
    found = {name.strip().lower(): name for name in reversed(list(names)) if numbers[name].numeric}
    if "year" not in found or not {"month", "quarter"} & set(found):
        return {}
    if "month" not in found:
        chosen = ["year", "quarter"]
    else:
        fine = ("day", "hour", "minute", "second")
        chosen = ["year", "month", *fine[: next((i for i, part in enumerate(fine) if part not in found), len(fine))]]
    return {part: (found[part], numbers[found[part]]) for part in chosen}


def _compose(table: Table, parts: Mapping[str, tuple[str, Numbers]]) -> tuple[Columns, np.ndarray, tuple[Guess, ...]]:
    names = tuple(name for name, _ in parts.values())
    guess = Guess("time", " + ".join(names), f'put together to one time stamp, called "{COMPOSED}"')
    return Columns(target=(), time=COMPOSED, time_parts=names), compose_times(table, dict(parts)), (guess,)


def recompose(table: Table, names: Sequence[str]) -> np.ndarray:
    """The times from the columns that a model's time was put together from."""
    return compose_times(table, {name.strip().lower(): (name, read_numbers(table, name)) for name in names})


def _settle_id(
    table: Table, options: TableOptions, numbers: Mapping[str, Numbers], times: np.ndarray | None, columns: Columns
) -> tuple[str | None, tuple[Guess, ...]]:
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
    taken = _taken(options, columns)
    free = [name for name in table.frame.columns if name not in taken and numbers[name].known]
    texts = [name for name in free if not numbers[name].numeric and table.frame[name].dtype == pl.String]
    coded = [name for name in free if numbers[name].numeric and _ID_NAME.search(name)]
    return texts, [name for name in coded if np.all(np.mod(numbers[name].values, 1) == 0)]


def _taken(options: TableOptions, columns: Columns) -> set[str | None]:
    said = (*(options.target or ()), *(options.past or ()), *options.future, *options.static)
    return {columns.id, columns.time, *columns.time_parts, *said}


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


def _free_numbers(table: Table, options: TableOptions, numbers: Mapping[str, Numbers], columns: Columns) -> list[str]:
    """The numeric columns that nobody gave a part."""
    taken = _taken(options, columns)
    return [name for name in table.frame.columns if name not in taken and numbers[name].numeric]


def _settle_values(
    options: TableOptions, columns: Columns, free: Sequence[str], left_out: set[str]
) -> tuple[Columns, tuple[Guess, ...]]:
    """Target and past: the last number is the target, and the other numbers are past covariates."""
    guesses = []
    target, past = options.target, options.past
    if target is None:
        # A table with nothing but a count or a constant in it still has a target.
        choices = [name for name in free if name not in left_out] or list(free)
        if not choices:
            raise TableError(
                "no column holds numbers that could be forecast (a date is none, nor is 5% or $5). Check the separator "
                "and the decimal sign, or name the column with target= to see which of its cells is no number."
            )
        chosen, why = _last_number(choices)
        target = (chosen,)
        guesses.append(Guess("target", chosen, why))
    if past is None:
        past = tuple(name for name in free if name not in left_out and name not in target)
        if past:
            guesses.append(Guess("past", name_list(past), "the other columns with numbers, not known ahead"))
    return replace(columns, target=target, past=past, future=options.future, static=options.static), tuple(guesses)


def _last_number(choices: Sequence[str]) -> tuple[str, str]:
    """The target among numeric columns, and why."""
    if len(choices) == 1:
        return choices[0], "the only column with numbers"
    for name in choices:
        if name.lower() == "y":
            return name, "the name says so"
    return choices[-1], "the last column with numbers"


def set_aside(
    free: Sequence[str], numbers: Mapping[str, Numbers], times: np.ndarray | None, codes: Int64[np.ndarray, " rows"]
) -> tuple[set[str], list[tuple[list[str], str]]]:
    """Numeric columns that say nothing new: row counts, parts of the date, constants; and why."""
    counts = [name for name in free if _counts(numbers[name].values, codes)]
    rest = [name for name in free if name not in counts]
    constants = [name for name in rest if _constant(numbers[name].values)]
    rest = [name for name in rest if name not in constants]
    whole = [name for name in rest if _small_and_whole(numbers[name].values)] if times is not None else []
    fields = _date_fields(times) if whole and times is not None else []
    dates = [name for name in whole if _tells_the_date(numbers[name].values, fields)]
    reasons = [
        (counts, "only counts the rows"),
        (dates, "follows from the time"),
        (constants, "never changes"),
    ]
    return {*counts, *constants, *dates}, reasons


def _wordy(table: Table, numbers: Mapping[str, Numbers]) -> list[tuple[list[str], str]]:
    words = [name for name in table.frame.columns if not numbers[name].numeric and numbers[name].known]
    empty = [name for name in table.frame.columns if not numbers[name].known]
    return [(words, "not numbers; encode as numbers to use"), (empty, "no values at all")]


def _commas(columns: Columns, numbers: Mapping[str, Numbers]) -> list[tuple[str, str]]:
    used = [*columns.channels, *columns.static]
    return [(name, kind) for name in used if (kind := numbers[name].comma)]


def _counts(values: Float64[np.ndarray, " rows"], codes: Int64[np.ndarray, " rows"]) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ..., over the table or over each series."""
    if len(values) < 3 or not np.isfinite(values).all():
        return False
    ahead, same = np.diff(values) == 1, np.diff(codes) == 0
    return bool(ahead.all() or (same.any() and ahead[same].all() and (np.diff(values)[~same] <= 0).all()))


def _constant(values: Float64[np.ndarray, " rows"]) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known) > 1 and (known == known[0]).all())


def _date_fields(times: np.ndarray) -> list[np.ndarray]:
    """What people write beside a time: weekday first, then year, month, day, week, quarter, hour, minute."""
    at = pl.Series(times).dt
    month, day = at.month().to_numpy(), at.day().to_numpy()
    leap_year_day = _LEAP_YEAR_STARTS[month - 1] + day  # 1 March is day 61 in every year
    plain = (at.weekday(), at.year(), at.ordinal_day(), at.week(), at.quarter(), at.hour(), at.minute())
    return [*(field.to_numpy() for field in plain), month, month - 1, day, leap_year_day]


_LEAP_YEAR_STARTS = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])


def _small_and_whole(values: Float64[np.ndarray, " rows"]) -> bool:
    """Whether a column could be a field of a time; in a week, anything looks like the date."""
    known = values[np.isfinite(values)]
    return bool(len(known) > 7 and known.min() >= 0 and known.max() <= 9999 and (known % 1 == 0).all())


def _tells_the_date(values: Float64[np.ndarray, " rows"], fields: Sequence[np.ndarray]) -> bool:
    """Whether a column of whole numbers is a field of its row's time; weekdays may count from any day."""
    known = np.isfinite(values)
    whole = values[known]
    turn = (whole - fields[0][known]) % 7
    if whole.max() <= 7 and (turn == turn[0]).all():
        return True
    return any(bool((whole == field[known]).all()) for field in fields)
