"""Times and numbers as people have them, to what goes over the wire."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from math import isinf, isnan
from typing import SupportsFloat, TypeAlias

import numpy as np

from gatecast.errors import InputError
from gatecast.server.wire import Observation

When: TypeAlias = datetime | date | np.datetime64 | np.integer | int | str
Value: TypeAlias = SupportsFloat | None
Values: TypeAlias = Value | Mapping[str, Value]
Covariates: TypeAlias = Mapping[str, Value | str]
Row: TypeAlias = Observation | Sequence[str | When | Values | Covariates | None]  # (series, ds, y) or (..., x)


def to_observation(series: str, ds: When, y: Values, x: Covariates | None = None) -> Observation:
    """One row of one series.

    Args:
        series: its name.
        ds: its time: a date, a datetime of the standard library, numpy, pandas or polars, text, or a row's number.
        y: the target; None or NaN where missing; of a model with several targets one value for each name.
        x: the covariates of the row by name.

    Raises:
        InputError: a time or a number cannot be understood.
    """
    where = f"of series {series!r} at {ds}"
    targets = {name: to_number(value, f"{name} {where}") for name, value in y.items()} if isinstance(y, Mapping) else y
    return Observation(
        series=str(series),
        ds=to_time(ds),
        y=targets if isinstance(targets, dict) else to_number(targets, f"y {where}"),
        x={name: _cell(value, f"{name} {where}") for name, value in (x or {}).items()},
    )


def from_row(row: Row) -> Observation:
    """One row as an Observation, or as (series, ds, y) or (series, ds, y, x).

    Raises:
        InputError: it has another number of parts, or one of them cannot be understood.
    """
    if isinstance(row, Observation):
        return to_observation(row.series, row.ds, row.y, row.x)
    if isinstance(row, str) or len(row) not in (3, 4):
        raise InputError(f"a row to observe is (series, ds, y) or (series, ds, y, x), got {str(row)[:80]!r}.")
    return to_observation(*row)  # type: ignore[arg-type] # what each part is, is checked there


def to_time(ds: When) -> str | int:
    """A time as ISO 8601 text: naive ones as they are, aware ones in UTC with a Z; a row's number as itself.

    Raises:
        InputError: it is no time.
    """
    if isinstance(ds, str):
        return str(ds)
    stamp = ds.astype("datetime64[us]").item() if isinstance(ds, np.datetime64) else ds
    if isinstance(stamp, datetime) and stamp == stamp:  # noqa: PLR0124 - pandas' NaT alone differs from itself
        aware = stamp.utcoffset() is not None
        # datetime's own isoformat: that of pandas writes nanoseconds, which nobody downstream keeps
        return datetime.isoformat(stamp.astimezone(UTC) if aware else stamp).replace("+00:00", "Z")
    if isinstance(stamp, date) and not isinstance(stamp, datetime):
        return f"{stamp.isoformat()}T00:00:00"
    if stamp is ds and isinstance(ds, int | np.integer) and not isinstance(ds, bool | np.timedelta64):
        return int(ds)
    raise InputError(f"a time is a date, a datetime, ISO 8601 text or the number of a row, got {str(ds)[:80]!r}.")


def to_number(value: Value, what: str) -> float | None:
    """A number, None where it is missing.

    Raises:
        InputError: it is infinite, or no number.
    """
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what} is {str(value)[:80]!r}, and a number is wanted, or None where it is missing."
        ) from error
    if isinf(number):
        raise InputError(f"{what} is {number}, which JSON cannot say. Send None where a value is missing.")
    return None if isnan(number) else number


def _cell(value: Value | str, what: str) -> float | str | None:
    return str(value) if isinstance(value, str) else to_number(value, what)
