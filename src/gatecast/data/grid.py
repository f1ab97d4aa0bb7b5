"""The grid of a series: which step its rows keep, and where on it each row lies.

A grid writes each time stamp as a *place* (a whole number of steps) and a *rest* (what is left over: the minutes past
the hour of an hourly series, the day of the month of a monthly one).  Rows of one series lie on one grid exactly when
they share their rest, so gaps, duplicates and strays are questions about two columns of whole numbers.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64

from gatecast.data.frequency import DAY, FIXED, MONTHS, Frequency, show_time
from gatecast.errors import TimeError

_MONTH_ROOM = 32 * DAY  # more than any month: keeps "which month of the quarter" and "where in the month" apart
_WEEKEND = 10_000 * DAY  # a rest that no weekday has
_FEW_STRAYS = 0.05
_COMMON_STEP = 0.05
_BUSINESS_ROWS = 10


def to_grid(times: np.ndarray, frequency: Frequency) -> tuple[Int64[np.ndarray, " rows"], Int64[np.ndarray, " rows"]]:
    """Each time stamp (datetime64[us]) as a place, in steps, and a rest, in microseconds."""
    stamps = times.astype("datetime64[us]")
    micro = stamps.astype(np.int64)
    if frequency.unit in FIXED:
        step = FIXED[frequency.unit] * frequency.multiple
        return micro // step, micro % step
    if frequency.unit == "b":
        day, clock = micro // DAY, micro % DAY
        week, weekday = (day + 3) // 7, (day + 3) % 7  # 1970-01-01 was a Thursday
        place = week * 5 + np.minimum(weekday, 4)
        rest = clock + place % frequency.multiple * DAY + np.where(weekday > 4, _WEEKEND, 0)
        return place // frequency.multiple, rest
    months = stamps.astype("datetime64[M]")
    start = (months + 1 if frequency.month_end else months).astype("datetime64[us]")
    within = (stamps - start).astype(np.int64) + (_MONTH_ROOM if frequency.month_end else 0)
    month, step = months.astype(np.int64), MONTHS[frequency.unit] * frequency.multiple
    return month // step, month % step * _MONTH_ROOM + within


def from_grid(place: Int64[np.ndarray, " rows"], rest: Int64[np.ndarray, " rows"], frequency: Frequency) -> np.ndarray:
    """The inverse of `to_grid`: time stamps (datetime64[us]); (rows,)."""
    if frequency.unit in FIXED:
        return (place * (FIXED[frequency.unit] * frequency.multiple) + rest).astype("datetime64[us]")
    if frequency.unit == "b":
        days = place * frequency.multiple + rest // DAY
        return ((days // 5 * 7 + days % 5 - 3) * DAY + rest % DAY).astype("datetime64[us]")
    month = place * (MONTHS[frequency.unit] * frequency.multiple) + rest // _MONTH_ROOM
    months, within = month.astype("datetime64[M]"), (rest % _MONTH_ROOM).astype("timedelta64[us]")
    if frequency.month_end:
        return np.asarray((months + 1).astype("datetime64[us]") + (within - np.timedelta64(_MONTH_ROOM, "us")))
    return np.asarray(months.astype("datetime64[us]") + within)


def infer_frequency(
    times: np.ndarray, offsets: Int64[np.ndarray, " series_plus_one"], where: Callable[[int], str] = "row {}".format
) -> Frequency:
    """The step between rows, from the step seen most often; gaps, duplicates and lost hours do not disturb it.

    Args:
        times: datetime64[us], ascending within each series; series `i` is rows `offsets[i]:offsets[i + 1]`.
        offsets: where each series starts, and the number of rows at the end.
        where: names a row in error messages.

    Raises:
        TimeError: no series has two different times, or a row lies off the grid of the most common step.
    """
    steps = _steps(times.astype(np.int64), offsets)
    if not len(steps):
        raise TimeError(
            "a frequency needs a series with rows at two different times, but no series has them. "
            "Check the time and id columns, or say the step with frequency=."
        )
    frequency = max(_candidates(times, offsets, _common_step(steps)), key=lambda f: _fit(times, offsets, f))
    on_grid(times, offsets, frequency, where)
    return frequency


def _steps(values: Int64[np.ndarray, " rows"], offsets: Int64[np.ndarray, " series_plus_one"]) -> np.ndarray:
    """The steps between neighbours of one series, without those of length zero."""
    steps = np.diff(values)
    inside = np.ones(len(steps), dtype=bool)
    borders = offsets[1:-1] - 1
    inside[borders[(borders >= 0) & (borders < len(steps))]] = False
    return np.asarray(steps[inside & (steps > 0)])


def _common_step(steps: np.ndarray) -> int:
    """The most common step, or a smaller common one that divides every common step."""
    found, counts = np.unique(steps, return_counts=True)
    common = found[counts >= _COMMON_STEP * len(steps)]
    if len(common) and np.gcd.reduce(common) == common[0]:
        return int(common[0])
    return int(found[np.argmax(counts)])


def _candidates(times: np.ndarray, offsets: Int64[np.ndarray, " series_plus_one"], step: int) -> list[Frequency]:
    """What a step may mean, the best explanation first: 31 days may be a month, and one day a business day."""
    unit = next(unit for unit in ("w", "d", "h", "min", "s", "us") if step % FIXED[unit] == 0)
    fixed = Frequency(unit, step // FIXED[unit])  # type: ignore[arg-type]
    if step == DAY and _only_business_days(times, offsets):
        return [Frequency("b"), fixed]
    if step < 28 * DAY:
        return [fixed]
    months = _steps(times.astype("datetime64[M]").astype(np.int64), offsets)
    if not len(months):
        return [fixed]
    count = _common_step(months)
    unit = "y" if count % 12 == 0 else "q" if count == 3 else "mo"
    multiple = count // MONTHS[unit]
    return [Frequency(unit, multiple), Frequency(unit, multiple, month_end=True), fixed]  # type: ignore[arg-type]


def _only_business_days(times: np.ndarray, offsets: Int64[np.ndarray, " series_plus_one"]) -> bool:
    weekday = (times.astype("datetime64[D]").astype(np.int64) + 3) % 7
    return bool(np.diff(offsets).max() > _BUSINESS_ROWS and (weekday < 5).all())


def _fit(times: np.ndarray, offsets: Int64[np.ndarray, " series_plus_one"], frequency: Frequency) -> int:
    """How many rows lie on the grid of their series."""
    rest = to_grid(times, frequency)[1]
    return int((rest == _phase(rest, offsets)).sum())


def _phase(
    rest: Int64[np.ndarray, " rows"], offsets: Int64[np.ndarray, " series_plus_one"]
) -> Int64[np.ndarray, " rows"]:
    """The most common rest of each series, for each of its rows."""
    lengths = np.diff(offsets)
    phase = rest[offsets[:-1]]
    astray = rest != np.repeat(phase, lengths)
    for series in np.unique(np.repeat(np.arange(len(lengths)), lengths)[astray]):
        found, counts = np.unique(rest[offsets[series] : offsets[series + 1]], return_counts=True)
        phase[series] = found[np.argmax(counts)]
    return np.repeat(phase, lengths)


def on_grid(
    times: np.ndarray,
    offsets: Int64[np.ndarray, " series_plus_one"],
    frequency: Frequency,
    where: Callable[[int], str] = "row {}".format,
) -> tuple[Int64[np.ndarray, " rows"], Int64[np.ndarray, " rows"]]:
    """Places and rests of rows that all lie on the grid of their series; see `to_grid`.

    Raises:
        TimeError: a row lies off the grid; the message names it.
    """
    place, rest = to_grid(times, frequency)
    phase = _phase(rest, offsets)
    strays = np.flatnonzero(rest != phase)
    if not len(strays):
        return place, rest
    first = int(strays[0])
    stray = f"{where(first)}, at {show_time(times[first])}"
    if len(strays) > _FEW_STRAYS * len(times) and len(strays) > 1:
        raise TimeError(
            f"the times make no regular grid: with {frequency.label} ({frequency.name}) as the step, {len(strays)} of "
            f"{len(times)} rows are off it, the first in {stray}. Resample the table to one step, "
            f"say the step with frequency=, keep the rows and their gaps with frequency=irregular, or ignore the times "
            f"with frequency=row."
        )
    before = from_grid(place[first : first + 1], phase[first : first + 1], frequency)[0]
    raise TimeError(
        f"{stray}, is off the {frequency.label} ({frequency.name}) grid of its series, which has a step at "
        f"{show_time(before)}. Correct or delete that row, or resample the table to one step."
    )
