"""Frequency: the step between two rows, its name, its season, and the times that follow one another."""

import re
from typing import Literal

import numpy as np
import polars as pl
from msgspec import Struct

from gatecast.errors import OptionError

MOST_UNITS = 10**12
Unit = Literal["row", "irregular", "us", "s", "min", "h", "d", "b", "w", "mo", "q", "y"]

DAY = 86_400_000_000  # microseconds
FIXED = {"irregular": 1, "us": 1, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": DAY, "w": 7 * DAY}
MONTHS = {"mo": 1, "q": 3, "y": 12}

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

    `irregular` means that rows come when they come; `multiple` is then the median gap in microseconds, by which
    forecasts are dated.
    `month_end` says that month, quarter and year stamps sit on the last day of their month.
    """

    unit: Unit
    multiple: int = 1
    month_end: bool = False

    def __post_init__(self) -> None:
        most = 1000 * MOST_UNITS if self.unit == "irregular" else MOST_UNITS
        if not 1 <= self.multiple <= most:
            raise OptionError(
                f"a frequency is a whole number of units from 1 to {most:,}, got {self.multiple}{self.unit}."
            )

    @property
    def label(self) -> str:
        """The step as it is written on the command line: `1h`, `15min`, `1mo`, `irregular`."""
        return self.unit if self.unit == "irregular" else f"{self.multiple}{self.unit}"

    @property
    def name(self) -> str:
        """The step in words: `hourly`, `every 15 minutes`, `business days`, `monthly (month ends)`."""
        if self.unit == "irregular":
            return f"irregular, {self.span} in the median"
        single, many = _WORDS[self.unit]
        words = single if self.multiple == 1 else f"every {self.multiple} {many}"
        return f"{words} (month ends)" if self.month_end else words

    @property
    def span(self) -> str:
        """A fixed step in the unit that suits it: `3.2 hours`, `90 seconds`."""
        unit = next(unit for unit in ("w", "d", "h", "min", "s", "us") if (self.fixed_step or 1) >= FIXED[unit])
        return f"{(self.fixed_step or 1) / FIXED[unit]:.3g} {_WORDS[unit][1]}"

    @property
    def fixed_step(self) -> int | None:
        """The step in microseconds where it is always the same; None for rows, business days, months and longer."""
        return FIXED[self.unit] * self.multiple if self.unit in FIXED else None

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
        if self.fixed_step is not None:
            return np.asarray(last + (np.arange(1, count + 1) * self.fixed_step).astype("timedelta64[us]"))
        offsets = pl.Series([_POLARS_OFFSET[self.unit].format(n=step) for step in steps.tolist()], dtype=pl.String)
        times = pl.select(pl.lit(last).dt.offset_by(pl.lit(offsets))).to_series()
        times = times.dt.month_end() if self.month_end else times
        return np.asarray(times.dt.cast_time_unit("us"), dtype="datetime64[us]")


_POLARS_OFFSET = {
    "irregular": "{n}us",
    "us": "{n}us",
    "s": "{n}s",
    "min": "{n}m",
    "h": "{n}h",
    "d": "{n}d",
    "w": "{n}w",
    "mo": "{n}mo",
    "q": "{n}q",
    "y": "{n}y",
}


def parse_frequency(text: str) -> Frequency:
    """Read `1h`, `15min`, `mo`, `irregular`, ... as a Frequency; raises OptionError for anything else."""
    if text.strip().lower() == "irregular":
        return Frequency("irregular")
    match = re.fullmatch(r"(\d{0,9})(row|us|s|min|h|d|b|w|mo|q|y)", text.strip().lower())
    if match is None:
        raise OptionError(
            f"frequency {text!r} is not understood; write a number and one of us s min h d b w mo q y, "
            f"such as 15min, 1h, 1d, 1b (business day), 1w, 1mo; or irregular."
        )
    return Frequency(match[2], int(match[1] or 1))  # type: ignore[arg-type]


def season_candidates(frequency: Frequency) -> tuple[int, ...]:
    """Season lengths in steps that such a step suggests, ascending: (24, 168) for hours, (12,) for months.

    A year of days is 52 weeks: a day is like the same weekday a year ago.  A cycle that is not a whole number of steps,
    or only one step long, is left out.
    """
    if frequency.unit in ("us", "row", "irregular", "y"):
        return ()
    if frequency.unit in ("s", "min", "h"):
        cycles: tuple[int, ...] = (DAY // FIXED[frequency.unit], 7 * DAY // FIXED[frequency.unit])
    else:
        cycles = {"d": (7, 364), "b": (5, 260), "w": (52,), "mo": (12,), "q": (4,)}[frequency.unit]
    whole = (cycle // frequency.multiple for cycle in cycles if cycle % frequency.multiple == 0)
    return tuple(season for season in whole if season > 1)


def show_time(time: np.generic) -> str:
    """A time for people: `2024-03-01`, `2024-03-01 10:07:00`; a row number as it is."""
    if not isinstance(time, np.datetime64):
        return str(time)
    return (
        str(time.astype("datetime64[s]") if time == time.astype("datetime64[s]") else time)
        .replace("T", " ")
        .removesuffix(" 00:00:00")
    )
