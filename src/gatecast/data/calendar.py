"""The calendar as features: where in its day, week and year a row lies, and the holidays around it.

Time stamps carry no zone: a row's day is the one it says.  Stamps that were written with an offset count in UTC, unless
all show the same time of day (`stamps`).
"""

from itertools import groupby
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64

from gatecast.data.frequency import DAY, MONTHS, Frequency, parse_frequency, season_candidates, show_time
from gatecast.data.grid import from_grid
from gatecast.data.holidays import holiday_feature_names, holiday_features

__all__ = [
    "Cycle",
    "Frequency",
    "calendar_feature_names",
    "calendar_features",
    "parse_frequency",
    "season_candidates",
    "show_time",
]

Cycle = Literal["day", "week", "weekday", "year", "season"]
FINER = {"week": ("week", "weekday"), "year": ("year", "season")}  # the same cycle by one wave, and by several
HARMONICS = {"day": 1, "week": 1, "weekday": 3, "year": 1, "season": 4}  # three pairs tell all seven days apart


ALL: tuple[Cycle, ...] = get_args(Cycle)


def calendar_feature_names(
    frequency: Frequency, holidays: str | None = None, cycles: tuple[Cycle, ...] = ALL
) -> tuple[str, ...]:
    """The columns of `calendar_features`: sines and cosines of each cycle longer than the step, then holidays."""
    waves = tuple(
        f"{cycle}_{times}_{wave}" for cycle, times in _harmonics(frequency, cycles) for wave in ("sin", "cos")
    )
    return waves if holidays is None else waves + holiday_feature_names(frequency)


def _cycles(frequency: Frequency) -> tuple[str, ...]:
    """Which of day, week and year a row can lie at different places of."""
    if frequency.unit in ("row", "irregular"):  # when the rows to come will be is not known
        return ()
    if frequency.unit in MONTHS:
        return ("year",) if MONTHS[frequency.unit] * frequency.multiple < 12 else ()
    step = frequency.fixed_step or frequency.multiple * DAY
    longest = (("day", step < DAY), ("week", step <= DAY), ("year", step < 365 * DAY))
    return tuple(cycle for cycle, fits in longest if fits)


def _harmonics(frequency: Frequency, cycles: tuple[Cycle, ...]) -> list[tuple[str, int]]:
    """Each of these cycles that there is, and how many times a wave goes round in it; never faster than rows show."""
    if frequency.unit in MONTHS:
        rows = {"year": 12 // (MONTHS[frequency.unit] * frequency.multiple)}
    else:
        step = frequency.fixed_step or frequency.multiple * DAY
        rows = {"day": DAY // step, "week": 7 * DAY // step, "year": 365 * DAY // step}
    return [
        (name, times)
        for cycle in _cycles(frequency)
        for name in FINER.get(cycle, (cycle,))
        if name in cycles
        for times in range(1, 1 + max(1, min(HARMONICS[name], (rows[cycle] - 1) // 2)))
    ]


def calendar_features(
    times: np.ndarray, frequency: Frequency, holidays: str | None = None, cycles: tuple[Cycle, ...] = ALL
) -> Float32[np.ndarray, "rows features"]:
    """Where each time lies in its day, week and year, as pairs of a Fourier series (in [-1, 1]), then its holidays.

    Args:
        times: datetime64[us]; (rows,).  Row numbers count as steps from 1970-01-01: right in period, not
            in phase.
        frequency: the step; it alone decides the number of features.
        cycles: those that are wanted, if the frequency has them.
        holidays: the country, and its subdivision where wanted, of `holiday_features`: `DE`, `US-CA`.

    A year counts with its own length, so that 31 December is next to 1 January in leap years too.

    Raises:
        OptionError: the country is unknown, or rows without dates are asked for holidays.
        MissingExtraError: holidays need a package that is not installed.
    """
    around = [] if holidays is None else [holiday_features(times, frequency, holidays)]
    if not np.issubdtype(times.dtype, np.datetime64):
        rows = times.astype(np.int64)
        times = rows.astype("datetime64[us]") if frequency.unit == "row" else from_grid(rows, 0 * rows, frequency)
    stamps = times.astype("datetime64[us]")
    waves = []
    for cycle, group in groupby(_harmonics(frequency, cycles), key=lambda each: each[0]):
        share = _share(stamps, cycle)
        turns = [2 * np.pi * times * share for _, times in group]
        waves += [wave(turn) for turn in turns for wave in (np.sin, np.cos)]
    circles = np.asarray(waves, dtype=np.float32).reshape(len(waves), len(times)).T
    return np.concatenate([circles, *around], axis=1) if around else circles


def _share(stamps: np.ndarray, cycle: str) -> Float64[np.ndarray, " rows"]:
    """How much of its day, week or year is over at each time."""
    micro = stamps.astype(np.int64)
    if cycle == "day":
        return micro % DAY / DAY
    if cycle in FINER["week"]:
        return (micro + 3 * DAY) % (7 * DAY) / (7 * DAY)
    years = stamps.astype("datetime64[Y]")
    first, last = years.astype("datetime64[us]"), (years + 1).astype("datetime64[us]")
    share: Float64[np.ndarray, " rows"] = (stamps - first) / (last - first)
    return share
