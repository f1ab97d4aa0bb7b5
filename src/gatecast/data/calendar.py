"""Calendar arithmetic: what the step between two rows is, which season it suggests, and where in its cycles a row lies.

A grid writes each time stamp as a *place* (a whole number of steps) and a *rest* (what is left over: the minutes past
the hour of an hourly series, the day of the month of a monthly one).  Rows of one series lie on one grid exactly when
they share their rest, so gaps, duplicates and strays are questions about two columns of whole numbers.
"""

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float32, Int64
from msgspec import Struct

from gatecast.errors import OptionError, TimeError

MOST_UNITS = 10**12
Cycle = Literal["day", "week", "year"]
CYCLES: tuple[Cycle, ...] = ("day", "week", "year")
Unit = Literal["row", "us", "s", "min", "h", "d", "b", "w", "mo", "q", "y"]

DAY = 86_400_000_000  # microseconds
_FIXED = {"us": 1, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": DAY, "w": 7 * DAY}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_MONTH_ROOM = 32 * DAY  # more than any month: keeps "which month of the quarter" and "where in the month" apart
_WEEKEND = 10_000 * DAY  # a rest that no weekday has
_FEW_STRAYS = 0.05
_COMMON_STEP = 0.05
_BUSINESS_ROWS = 10

_WORDS = {
    "us": ("every microsecond", "microseconds"),
    "s": ("every second", "seconds"),
    "min": ("every minute", "minutes"),
    "h": ("hourly", "hours"),
    "d": ("daily", "days"),
    "b": ("business days", "business days"),
    "w": ("weekly", "weeks"),
    "mo": ("monthly", "months"),
    "q": ("quarterly", "quarters"),
    "y": ("yearly", "years"),
    "row": ("numbered rows", "rows"),
}


class Frequency(Struct, frozen=True, forbid_unknown_fields=True):
    """The step between two rows: `multiple` of `unit`; `row` when there is no time column.

    `month_end` says that month, quarter and year stamps sit on the last day of their month.
    """

    unit: Unit
    multiple: int = 1
    month_end: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.multiple <= MOST_UNITS:
            raise OptionError(
                f"a frequency is a whole number of units from 1 to {MOST_UNITS:,}, got {self.multiple}{self.unit}."
            )

    @property
    def label(self) -> str:
        """The step as it is written on the command line: `1h`, `15min`, `1mo`."""
        return f"{self.multiple}{self.unit}"

    @property
    def name(self) -> str:
        """The step in words: `hourly`, `every 15 minutes`, `business days`, `monthly (month ends)`."""
        single, many = _WORDS[self.unit]
        words = single if self.multiple == 1 else f"every {self.multiple} {many}"
        return f"{words} (month ends)" if self.month_end else words

    def steps_from(self, last: np.datetime64 | np.int64 | int, count: int) -> np.ndarray:
        """The `count` times that follow `last`, one step apart; (count,).

        `last` is datetime64[us], or a row number; rows are numbered one by one whatever the step is.
        """
        if not isinstance(last, np.datetime64):
            return np.asarray(last + np.arange(1, count + 1), dtype=np.int64)
        steps = np.arange(1, count + 1) * self.multiple
        if self.unit == "b":
            day = last.astype("datetime64[D]")
            return np.asarray(np.busday_offset(day, steps, roll="backward").astype("datetime64[us]") + (last - day))
        if self.unit in _FIXED:
            return np.asarray(last + (steps * _FIXED[self.unit]).astype("timedelta64[us]"), dtype="datetime64[us]")
        offsets = pl.Series([_POLARS_OFFSET[self.unit].format(n=step) for step in steps.tolist()], dtype=pl.String)
        times = pl.select(pl.lit(last).dt.offset_by(pl.lit(offsets))).to_series()
        times = times.dt.month_end() if self.month_end else times
        return np.asarray(times.dt.cast_time_unit("us"), dtype="datetime64[us]")


_POLARS_OFFSET = {
    "mo": "{n}mo",
    "q": "{n}q",
    "y": "{n}y",
}


def parse_frequency(text: str) -> Frequency:
    """Read `1h`, `15min`, `mo`, ... as a Frequency; raises OptionError for anything else."""
    match = re.fullmatch(r"(\d{0,9})(row|us|s|min|h|d|b|w|mo|q|y)", text.strip().lower())
    if match is None:
        raise OptionError(
            f"frequency {text!r} is not understood; write a number and one of us s min h d b w mo q y, "
            f"such as 15min, 1h, 1d, 1b (business day), 1w, 1mo."
        )
    return Frequency(match[2], int(match[1] or 1))  # type: ignore[arg-type]


def to_grid(times: np.ndarray, frequency: Frequency) -> tuple[Int64[np.ndarray, " rows"], Int64[np.ndarray, " rows"]]:
    """Each time stamp (datetime64[us]) as a place, in steps, and a rest, in microseconds."""
    stamps = times.astype("datetime64[us]")
    micro = stamps.astype(np.int64)
    if frequency.unit in _FIXED:
        step = _FIXED[frequency.unit] * frequency.multiple
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
    month, step = months.astype(np.int64), _MONTHS[frequency.unit] * frequency.multiple
    return month // step, month % step * _MONTH_ROOM + within


def from_grid(place: Int64[np.ndarray, " rows"], rest: Int64[np.ndarray, " rows"], frequency: Frequency) -> np.ndarray:
    """The inverse of `to_grid`: time stamps (datetime64[us]); (rows,)."""
    if frequency.unit in _FIXED:
        return (place * (_FIXED[frequency.unit] * frequency.multiple) + rest).astype("datetime64[us]")
    if frequency.unit == "b":
        days = place * frequency.multiple + rest // DAY
        return ((days // 5 * 7 + days % 5 - 3) * DAY + rest % DAY).astype("datetime64[us]")
    month = place * (_MONTHS[frequency.unit] * frequency.multiple) + rest // _MONTH_ROOM
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
    unit = next(unit for unit in ("w", "d", "h", "min", "s", "us") if step % _FIXED[unit] == 0)
    fixed = Frequency(unit, step // _FIXED[unit])  # type: ignore[arg-type]
    if step == DAY and _only_business_days(times, offsets):
        return [Frequency("b"), fixed]
    if step < 28 * DAY:
        return [fixed]
    months = _steps(times.astype("datetime64[M]").astype(np.int64), offsets)
    if not len(months):
        return [fixed]
    count = _common_step(months)
    unit = "y" if count % 12 == 0 else "q" if count == 3 else "mo"
    multiple = count // _MONTHS[unit]
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
            f"say the step with frequency=, or ignore the times and number the rows with frequency=row."
        )
    before = from_grid(place[first : first + 1], phase[first : first + 1], frequency)[0]
    raise TimeError(
        f"{stray}, is off the {frequency.label} ({frequency.name}) grid of its series, which has a step at "
        f"{show_time(before)}. Correct or delete that row, or resample the table to one step."
    )


def show_time(time: np.generic) -> str:
    """A time for people: `2024-03-01`, `2024-03-01 10:07:00`; a row number as it is."""
    if not isinstance(time, np.datetime64):
        return str(time)
    return (
        str(time.astype("datetime64[s]") if time == time.astype("datetime64[s]") else time)
        .replace("T", " ")
        .removesuffix(" 00:00:00")
    )


def season_candidates(frequency: Frequency) -> tuple[int, ...]:
    """Season lengths in steps that such a step suggests, ascending: (24, 168) for hours, (12,) for months.

    A cycle that is not a whole number of steps, or only one step long, is left out.
    """
    if frequency.unit in ("us", "row", "y"):
        return ()
    if frequency.unit in ("s", "min", "h"):
        cycles: tuple[int, ...] = (DAY // _FIXED[frequency.unit], 7 * DAY // _FIXED[frequency.unit])
    else:
        cycles = {"d": (7, 365), "b": (5, 260), "w": (52,), "mo": (12,), "q": (4,)}[frequency.unit]
    whole = (cycle // frequency.multiple for cycle in cycles if cycle % frequency.multiple == 0)
    return tuple(season for season in whole if season > 1)


def calendar_feature_names(frequency: Frequency, cycles: tuple[Cycle, ...] = CYCLES) -> tuple[str, ...]:
    """The columns of `calendar_features`: a sine and a cosine for each of these cycles that is longer than the step."""
    return tuple(f"{cycle}_{wave}" for cycle in _cycles(frequency) if cycle in cycles for wave in ("sin", "cos"))


def _cycles(frequency: Frequency) -> tuple[Cycle, ...]:
    """Which of day, week and year a row can lie at different places of."""
    if frequency.unit == "row":
        return ()
    if frequency.unit in _MONTHS:
        return ("year",) if _MONTHS[frequency.unit] * frequency.multiple < 12 else ()
    step = frequency.multiple * (DAY if frequency.unit == "b" else _FIXED[frequency.unit])
    longest = (step < DAY, step <= DAY, step < 365 * DAY)
    return tuple(cycle for cycle, fits in zip(CYCLES, longest, strict=True) if fits)


def calendar_features(
    times: np.ndarray, frequency: Frequency, cycles: tuple[Cycle, ...] = CYCLES
) -> Float32[np.ndarray, "rows features"]:
    """Where each time lies in its day, week and year, as points on a circle; values in [-1, 1].

    Args:
        times: datetime64[us]; (rows,).  Row numbers count as steps from 1970-01-01: right in period, not
            in phase.
        frequency: the step; with `cycles`, it alone decides the number of features.
        cycles: which of them are wanted.

    A year counts with its own length, so that 31 December is next to 1 January in leap years too.
    """
    if not np.issubdtype(times.dtype, np.datetime64):
        rows = times.astype(np.int64)
        times = rows.astype("datetime64[us]") if frequency.unit == "row" else from_grid(rows, 0 * rows, frequency)
    stamps = times.astype("datetime64[us]")
    turns = [2 * np.pi * _share(cycle, stamps) for cycle in _cycles(frequency) if cycle in cycles]
    waves = [wave(turn) for turn in turns for wave in (np.sin, np.cos)]
    return np.asarray(waves, dtype=np.float32).reshape(len(waves), len(times)).T


def _share(cycle: Cycle, stamps: np.ndarray) -> np.ndarray:
    """How much of its cycle is over at each time (datetime64[us]); (rows,)."""
    micro = stamps.astype(np.int64)
    if cycle == "day":
        return np.asarray(micro % DAY / DAY)
    if cycle == "week":
        return np.asarray((micro + 3 * DAY) % (7 * DAY) / (7 * DAY))
    years = stamps.astype("datetime64[Y]")
    first, last = years.astype("datetime64[us]"), (years + 1).astype("datetime64[us]")
    return np.asarray((stamps - first) / (last - first))
