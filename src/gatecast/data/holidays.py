"""Holidays as features: is a day one, how far are the nearest ones, and how many lie in a week or a month.

The days come from the `holidays` package (vacanza/holidays), observed days off included.  A row's day is the date that
its time stamp says: time stamps without an offset are taken as local, those with one count in UTC.
"""

import difflib
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int64

from gatecast.data.frequency import DAY, MONTHS, Frequency
from gatecast.errors import MissingExtraError, OptionError

FAR = 7  # days: what lies further away moves nothing
_DAYS = ("holiday_today", "holiday_next", "holiday_last")


def holiday_feature_names(frequency: Frequency) -> tuple[str, ...]:
    """The columns of `holiday_features`: three for days and finer steps, one count for longer ones."""
    return _DAYS if _within_days(frequency) else ("holiday_count",)


def _within_days(frequency: Frequency) -> bool:
    step = frequency.fixed_step
    return frequency.unit == "b" or (step is not None and step <= DAY)


def holiday_features(times: np.ndarray, frequency: Frequency, country: str) -> Float32[np.ndarray, "rows features"]:
    """The holidays around each row.

    Args:
        times: datetime64; (rows,).
        frequency: the step between rows; it alone decides the number of features.
        country: ISO 3166 code, with a subdivision where wanted: `DE`, `US-CA`.

    Returns:
        For steps of a day or less: whether the row's day is a holiday (0 or 1), the days until the next one after it
        and the days since the last one before it, both as shares of a week, at most 1.  For longer steps: how many
        holidays lie in the period of the row, from its day to the day before the next row's (for month ends: in the
        months that end on its day).

    Raises:
        OptionError: the country or subdivision is unknown, or the rows have no dates.
        MissingExtraError: the `holidays` package is not installed.
    """
    if not np.issubdtype(times.dtype, np.datetime64):
        raise OptionError(f"holidays={country} needs rows with dates; name the time column with time=.")
    days = times.astype("datetime64[D]")
    if not len(days):
        return np.zeros((0, len(holiday_feature_names(frequency))), dtype=np.float32)
    start, stop = _period(days, frequency)
    first, last = (int(day.astype("datetime64[Y]").astype(int)) + 1970 for day in (start.min(), stop.max()))
    found = holiday_days(country, first - 1, last + 1)
    if not _within_days(frequency):
        count = np.searchsorted(found, stop.astype(np.int64)) - np.searchsorted(found, start.astype(np.int64))
        return count[:, None].astype(np.float32)
    return _around(days.astype(np.int64), found)


def _around(days: Int64[np.ndarray, " rows"], found: Int64[np.ndarray, " holidays"]) -> Float32[np.ndarray, "rows 3"]:
    never = np.int64(10**9)
    padded = np.concatenate([[-never], found, [never]])
    after, before = np.searchsorted(padded, days, side="right"), np.searchsorted(padded, days) - 1
    next_one, last_one = padded[after] - days, days - padded[before]
    features = [after - before > 1, np.minimum(next_one, FAR) / FAR, np.minimum(last_one, FAR) / FAR]
    return np.stack(features, axis=1).astype(np.float32)


def _period(days: np.ndarray, frequency: Frequency) -> tuple[np.ndarray, np.ndarray]:
    """The first day of each row's period and the first one after it, datetime64[D]."""
    step = frequency.fixed_step
    if step is not None or frequency.unit not in MONTHS:
        return days, days + max(1, (step or DAY) // DAY)
    months, count = days.astype("datetime64[M]"), MONTHS[frequency.unit] * frequency.multiple
    if frequency.month_end:
        return (months + 1 - count).astype("datetime64[D]"), (months + 1).astype("datetime64[D]")
    within = days - months.astype("datetime64[D]")
    return days, (months + count).astype("datetime64[D]") + within


@lru_cache(maxsize=64)
def holiday_days(country: str, first: int, last: int) -> Int64[np.ndarray, " holidays"]:
    """The holidays of the years `first` to `last`, as days since 1970-01-01, ascending.

    Raises:
        OptionError: the country or subdivision is unknown.
        MissingExtraError: the `holidays` package is not installed.
    """
    try:
        import holidays as package  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise MissingExtraError("holidays", "holidays", f"holidays={country}") from error
    code, _, subdivision = country.strip().partition("-")
    known = package.list_supported_countries(include_aliases=True)
    if code.upper() not in known:
        raise OptionError(f"holidays={country} names no country that is known. {_near_countries(code)}")
    regions = {name.upper(): name for name in known[code.upper()]}
    if subdivision and subdivision.upper() not in regions:
        some = f"Its subdivisions are {', '.join(regions.values())}." if regions else "It has no subdivisions."
        raise OptionError(f"holidays={country}: {code.upper()} has no subdivision {subdivision!r}. {some}")
    days = package.country_holidays(
        code.upper(), subdiv=regions.get(subdivision.upper()), years=range(max(first, 1), min(last, 9999) + 1)
    )
    found = np.sort(np.asarray(list(days), dtype="datetime64[D]").astype(np.int64))
    found.setflags(write=False)
    return found


def _near_countries(code: str) -> str:
    """Countries whose name or code looks like `code`, in words."""
    from holidays.registry import COUNTRIES  # noqa: PLC0415

    names = {name.replace("_", " "): codes[1] for name, codes in COUNTRIES.items()}
    wanted = code.strip().lower()
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    near = [*close, *(name for name in names if wanted and name.startswith(wanted) and name not in close)][:3]
    hint = f"Did you mean {' or '.join(f'{names[name]} ({name.title()})' for name in near)}? " if near else ""
    return f"{hint}Say its ISO 3166 code, such as DE, or US-CA for a part of it."
