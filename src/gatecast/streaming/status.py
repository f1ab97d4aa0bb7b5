"""How series stand: what came, what had been said of it, and whether errors have grown."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.streaming.machine import Machine


class SeriesStatus(NamedTuple):
    """One series at a glance; of several targets the first.

    Attributes:
        series: its name.
        rows: that were observed, missing ones included.
        last: the time of the newest: datetime64[us], or a row number; None before the first.
        y: its value, NaN where missing.
        error: of the newest row that had been forecast: |y - median|; NaN before.
        mean_error: the mean of these errors.
        coverage: the share of observations between the outermost quantiles; NaN before the first, and of a point.
        alarm: whether the errors have grown beyond the usual.
    """

    series: str
    rows: int
    last: Any
    y: float
    error: float
    mean_error: float
    coverage: float
    alarm: bool


class Recent(NamedTuple):
    """The newest rows of one series, oldest first, NaN where missing; of several targets the first.

    Attributes:
        times: datetime64[us], or row numbers.
        y: what came.
        low: the lowest quantile that had been said of each row; NaN where nothing was.
        median: likewise.
        high: likewise.
    """

    times: np.ndarray
    y: Float64[np.ndarray, " rows"]
    low: Float64[np.ndarray, " rows"]
    median: Float64[np.ndarray, " rows"]
    high: Float64[np.ndarray, " rows"]


class Newest(NamedTuple):
    """The newest row of a series, and what had been said of it, NaN where nothing was; of several targets the first."""

    series: str
    time: int
    y: float
    low: float
    median: float
    high: float
    alarm: bool


def newest(machine: Machine, slots: Int64[np.ndarray, " n"], alarm: float) -> list[Newest]:
    """The newest row of some series that have any."""
    kept, standing = machine.residents, machine.tracker.standing(slots)
    count = kept["count"][slots] - 1
    told = kept["told"][slots, count % machine.shape.shown].astype(np.float64)
    unsettled = count >= kept["settled"][slots]
    if standing.rows.shape[1]:
        place = np.clip(count - standing.rows[:, 0], 0, None)[:, None]
        fresh = np.stack([np.take_along_axis(part, place, axis=1)[:, 0] for part in standing.told], axis=-1)
        told = np.where(unsettled[:, None], fresh, told)
    y = np.where(count >= 0, kept["raw"][slots, count % machine.shape.shown, 0].astype(np.float64), np.nan)
    names = [machine.names[slot] for slot in slots.tolist()]
    columns = (kept["last"][slots], y, *told.T, standing.numbers["sum"] > alarm)
    return [Newest(*row) for row in zip(names, *(column.tolist() for column in columns), strict=True)]


def values(machine: Machine, slot: int, rows: int) -> Float64[np.ndarray, " rows"]:
    """The newest values of a series, as far as they are kept."""
    kept, shown = machine.residents, machine.shape.shown
    count = int(kept["count"][slot])
    positions = np.arange(max(0, count - min(rows, shown)), count)
    return kept["raw"][slot, positions % shown, 0].astype(np.float64)


def statuses(machine: Machine, slots: Int64[np.ndarray, " n"], alarm: float) -> list[SeriesStatus]:
    """The status of some series, by their places."""
    kept, numbers = machine.residents, machine.tracker.standing(slots).numbers
    count, scored = kept["count"][slots], np.maximum(numbers["scored"], 1)
    newest = np.where(count > 0, kept["raw"][slots, (count - 1) % machine.shape.shown, 0], np.nan)
    coverage = np.where((numbers["scored"] > 0) & (len(machine.start.levels) > 1), numbers["inside"] / scored, np.nan)
    mean = np.where(numbers["scored"] > 0, numbers["error_sum"] / scored, np.nan)
    columns = (count, newest.astype(np.float64), numbers["error"], mean, coverage, numbers["sum"] > alarm)
    names, last = [machine.names[slot] for slot in slots.tolist()], kept["last"][slots].tolist()
    return [
        SeriesStatus(name, rows, machine.clock.shown(time) if rows else None, *rest)
        for name, time, rows, *rest in zip(names, last, *(column.tolist() for column in columns), strict=True)
    ]


def recent(machine: Machine, slot: int, rows: int) -> Recent:
    """The newest so many rows of a series, as far as they are kept."""
    kept, shown = machine.residents, machine.shape.shown
    count = int(kept["count"][slot])
    positions = np.arange(max(0, count - min(rows, shown)), count)
    told = kept["told"][slot, positions % shown].astype(np.float64)
    standing = machine.tracker.standing(np.array([slot]))
    unsettled = positions >= kept["settled"][slot]
    fresh = np.stack([part[0] for part in standing.told], axis=-1)
    told[unsettled] = fresh[len(fresh) - unsettled.sum() :]
    times = kept["when"][slot, positions % shown]
    low, median, high = told.T
    y = kept["raw"][slot, positions % shown, 0].astype(np.float64)
    return Recent(times.view("datetime64[us]") if machine.clock.dated else times, y, low, median, high)
