"""How series stand: what came, what had been said of it, and whether errors have grown."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.causal import LEAST_SPREAD
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
        unit: the running spread that forecasts are said in, in units of the series' scale: about 1 where values lie as
            in training, a thousand after a value a hundred thousand away, by which forecasts are off until it is
            forgotten, 1 % a row.  NaN where the net reads windows, which forget at once.
    """

    series: str
    rows: int
    last: Any
    y: float
    error: float
    mean_error: float
    coverage: float
    alarm: bool
    unit: float


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


def statuses(machine: Machine, slots: Int64[np.ndarray, " n"], alarm: float) -> list[SeriesStatus]:
    """The status of some series, by their places."""
    kept, numbers = machine.residents, machine.tracker.standing(slots).numbers
    scored = np.maximum(numbers["scored"], 1)
    coverage = np.where((numbers["scored"] > 0) & (len(machine.start.levels) > 1), numbers["inside"] / scored, np.nan)
    mean = np.where(numbers["scored"] > 0, numbers["error_sum"] / scored, np.nan)
    rows = kept["count"][slots] + np.maximum(kept["waited"][slots], 0)
    columns = (
        rows,
        _newest(machine, slots),
        numbers["error"],
        mean,
        coverage,
        numbers["sum"] > alarm,
        _unit(machine, slots),
    )
    names, last = [machine.names[slot] for slot in slots.tolist()], kept["last"][slots].tolist()
    return [
        SeriesStatus(name, count, machine.clock.shown(time) if count else None, *rest)
        for name, time, count, *rest in zip(names, last, *(column.tolist() for column in columns), strict=True)
    ]


def newest(machine: Machine, slots: Int64[np.ndarray, " n"], alarm: float) -> list[Newest]:
    """The newest row of some series that have any."""
    kept, standing = machine.residents, machine.tracker.standing(slots)
    count = kept["count"][slots] - 1
    told = kept["told"][slots, count % machine.shape.shown].astype(np.float64)
    if standing.rows.shape[1]:
        place = np.maximum(count - standing.rows[:, 0], 0)[:, None]
        fresh = np.stack([np.take_along_axis(part, place, axis=1)[:, 0] for part in standing.told], axis=-1)
        told = np.where((count >= kept["settled"][slots])[:, None], fresh, told)
    told[count < 0] = np.nan
    names = [machine.names[slot] for slot in slots.tolist()]
    columns = (kept["last"][slots], _newest(machine, slots), *told.T, standing.numbers["sum"] > alarm)
    return [Newest(*row) for row in zip(names, *(column.tolist() for column in columns), strict=True)]


def values(machine: Machine, slot: int, rows: int) -> Float64[np.ndarray, " rows"]:
    """The newest values of a series, as far as they are kept."""
    return _rows(machine, slot, rows)[1]


def recent(machine: Machine, slot: int, rows: int) -> Recent:
    """The newest so many rows of a series, as far as they are kept, and what had been said of them."""
    kept, shown = machine.residents, machine.shape.shown
    times, y = _rows(machine, slot, rows)
    positions = np.arange(-len(y), 0) + kept["count"][slot]
    told = np.full((len(y), 3), np.nan)
    if kept["count"][slot]:
        told = kept["told"][slot, positions % shown].astype(np.float64)
        fresh = np.stack([part[0] for part in machine.tracker.standing(np.array([slot])).told], axis=-1)
        unsettled = positions >= kept["settled"][slot]
        told[unsettled] = fresh[len(fresh) - int(unsettled.sum()) :]
    low, median, high = told.T
    return Recent(times.view("datetime64[us]") if machine.clock.dated else times, y, low, median, high)


def _unit(machine: Machine, slots: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """The running spread of the first target."""
    if machine.shape.season is None:
        return np.full(len(slots), np.nan)
    return np.maximum(machine.residents["spread"][slots, 0], LEAST_SPREAD)


def _newest(machine: Machine, slots: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """The newest value of each series, NaN where there is none."""
    kept = machine.residents
    count, waited = kept["count"][slots], kept["waited"][slots]
    read = kept["raw"][slots, (count - 1) % machine.shape.shown, 0]
    cold = kept["first"][slots, np.maximum(waited - 1, 0), 0]
    return np.where(waited > 0, cold, np.where(count > 0, read, np.nan)).astype(np.float64)


def _rows(machine: Machine, slot: int, rows: int) -> tuple[Int64[np.ndarray, " rows"], Float64[np.ndarray, " rows"]]:
    """The times and the values of the newest rows, whether they were read or wait."""
    kept, shown = machine.residents, machine.shape.shown
    count, waited = int(kept["count"][slot]), int(kept["waited"][slot])
    if waited > 0:
        part = slice(max(0, waited - rows), waited)
        return kept["first_when"][slot, part].copy(), kept["first"][slot, part, 0].astype(np.float64)
    places = np.arange(max(0, count - min(rows, shown)), count) % shown
    return kept["when"][slot, places], kept["raw"][slot, places, 0].astype(np.float64)
