"""Rows without a regular step stay as they are: a position is a row number, and the gap before a row is a covariate.

The gap is a past covariate, the last one: how long the next row will take nobody knows.  Its logarithm is read, so that
the unit only shifts it, which scaling takes out again: nothing is measured by gaps that come later.  Forecasts are
dated by the median gap.
"""

import numpy as np
from jaxtyping import Float64, Int64
from msgspec import structs

from gatecast.data.columns import Columns
from gatecast.data.frequency import Frequency
from gatecast.data.records import Records
from gatecast.data.table import unique_names
from gatecast.errors import TimeError

GAP = "gap"


def median_gap(times: np.ndarray, offsets: Int64[np.ndarray, " series_plus_one"]) -> Frequency:
    """The irregular frequency whose forecasts are the median gap between rows of one series apart.

    Raises:
        TimeError: no series has two rows.
    """
    gaps = _gaps(times, offsets)
    known = gaps[~np.isnan(gaps)]
    if not len(known):
        raise TimeError(
            "frequency=irregular needs a series with two rows, and none has. Check the time and id columns."
        )
    return Frequency("irregular", max(1, round(float(np.median(known)))))


def _gaps(times: np.ndarray, offsets: Int64[np.ndarray, " series_plus_one"]) -> Float64[np.ndarray, " rows"]:
    """Microseconds since the row before; NaN for the first row of a series."""
    micro = times.astype("datetime64[us]").astype(np.int64)
    gaps = np.diff(micro, prepend=micro[:1]).astype(np.float64)
    gaps[offsets[:-1][np.diff(offsets) > 0]] = np.nan
    return gaps


def with_gaps(records: Records) -> Records:
    """The same rows (in order, without repeats); the logarithm of each gap in seconds is their last past covariate."""
    columns = records.columns
    given = [*columns.channels, *columns.static, *filter(None, (columns.id, columns.time))]
    name = unique_names([*given, GAP])[0][-1]
    place = len(columns.target) + len(columns.past)
    gaps = np.log(_gaps(records.times, records.offsets) / 1e6)
    return Records(
        columns=structs.replace(columns, past=(*columns.past, name)),
        ids=records.ids,
        codes=records.codes,
        times=records.times,
        values=np.insert(records.values, place, gaps, axis=1),
        static=records.static,
        where=records.where,
    )


def without_gap(columns: Columns, frequency: Frequency) -> Columns:
    """The columns that a table must have for a model with these."""
    return structs.replace(columns, past=columns.past[:-1]) if frequency.unit == "irregular" else columns
