"""Columns of numbers that say nothing new: row counts, fields of the date, constants."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from jaxtyping import Float64, Int64

from gatecast.data.values import Numbers


def set_aside(
    free: Sequence[str], numbers: Mapping[str, Numbers], times: np.ndarray | None, codes: Int64[np.ndarray, " rows"]
) -> tuple[set[str], list[tuple[list[str], str]]]:
    """Numeric columns that say nothing new: row counts, parts of the date, constants; and why."""
    counts = [name for name in free if _counts(numbers[name].values, codes)]
    rest = [name for name in free if name not in counts]
    constants = [name for name in rest if _constant(numbers[name].values)]
    rest = [name for name in rest if name not in constants]
    whole = [name for name in rest if _small_and_whole(numbers[name].values)] if times is not None else []
    fields = date_fields(times) if whole and times is not None else []
    dates = [name for name in whole if _tells_the_date(numbers[name].values, fields)]
    reasons = [
        (counts, "only counts the rows"),
        (dates, "follows from the time"),
        (constants, "never changes"),
    ]
    return {*counts, *constants, *dates}, reasons


def _counts(values: Float64[np.ndarray, " rows"], codes: Int64[np.ndarray, " rows"]) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ..., over the table or over each series."""
    if len(values) < 3 or not np.isfinite(values).all():
        return False
    ahead, same = np.diff(values) == 1, np.diff(codes) == 0
    return bool(ahead.all() or (same.any() and ahead[same].all() and (np.diff(values)[~same] <= 0).all()))


def _constant(values: Float64[np.ndarray, " rows"]) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known) > 1 and (known == known[0]).all())


def date_fields(times: np.ndarray) -> list[np.ndarray]:
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
