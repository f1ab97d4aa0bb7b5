"""The forecaster under audit, what it is asked, and how far two of its answers lie apart."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, evenly
from gatecast.evaluation.audit.results import AuditOptions
from gatecast.evaluation.backtest import check_forecast
from gatecast.forecast import Forecast, Forecaster, origin_cutoffs

Values = Float64[np.ndarray, "windows horizon targets outputs"]
Refit = Callable[[Panel, Int64[np.ndarray, " series"]], Forecaster]
"""Fits a new forecaster of the same kind, the way the audited one was, on rows `[0, ends[i])` of each series `i`."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The point forecast and the quantiles of some windows; or what was raised instead."""

    values: Values
    error: str = ""


@dataclass(frozen=True, eq=False)
class Moment:
    """Windows that start at one time, at most one of each series, and what was forecast from there.

    Attributes:
        origins: where they start.
        future: the first position of each series that lies in the future of all of them.
        answer: the forecasts.
    """

    origins: Origins
    future: Int64[np.ndarray, " series"]
    answer: Answer


@dataclass(frozen=True, eq=False)
class Subject:
    """A forecaster with the table and the origins it is audited on.

    Attributes:
        learnt: where each series' training (and whatever else it learnt from) ended.
        refit: fits another one; None where nobody said how.
    """

    forecaster: Forecaster
    panel: Panel
    origins: Origins
    horizon: int
    learnt: Int64[np.ndarray, " series"]
    refit: Refit | None
    options: AuditOptions

    @cached_property
    def spread(self) -> Float64[np.ndarray, "series targets"]:
        """The standard deviation of what each series and target was learnt from; 1 where there is none."""
        spread = np.ones((len(self.panel.ids), len(self.panel.columns.target)))
        for series, end in enumerate(self.learnt.tolist()):
            for target, column in enumerate(self.panel.targets[self.panel.rows(series)][:end].astype(np.float64).T):
                spread[series, target] = column[np.isfinite(column)].std() if np.isfinite(column).any() else 0.0
        return np.where(spread > 0, spread, 1.0)

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """A few moments with their windows, evenly spread over the origins.

        Raises:
            OptionError: the forecaster returns other windows than asked for, NaN or infinity.
        """
        return tuple(Moment(origins, future, self.forecasts(self.panel, origins)) for origins, future in self._places())

    def forecasts(self, panel: Panel, origins: Origins) -> Answer:
        """What the forecaster says of a sound panel.

        Raises:
            OptionError: it returns other windows than asked for, NaN or infinity.
        """
        forecast = self.forecaster.forecast(panel, origins, self.horizon)
        check_forecast(self.forecaster.name, forecast, panel, origins, self.horizon)
        return Answer(values_of(forecast))

    def ask(self, panel: Panel, origins: Origins) -> Answer:
        """What the forecaster says of a changed panel, which may be that it cannot."""
        return attempt(lambda: values_of(self.forecaster.forecast(panel, origins, self.horizon)))

    def apart(self, origins: Origins, left: Answer, right: Answer) -> Float64[np.ndarray, " windows"]:
        """The largest difference in each window, in spreads of its series; 0 where all bits are equal."""
        if left.error or right.error or left.values.shape != right.values.shape:
            return np.full(len(origins), np.inf)
        with np.errstate(invalid="ignore", over="ignore"):
            gap = np.abs(left.values - right.values) / self.spread[origins.series][:, None, :, None]
        return np.asarray(np.where(np.isnan(gap), np.inf, gap).max(axis=(1, 2, 3)))

    def _places(self) -> Iterator[tuple[Origins, Int64[np.ndarray, " series"]]]:
        """The origins of each moment, and where its future starts.

        Dated series share a clock: what comes after the moment is the future of all of them.  Numbered rows have none,
        so the windows are told apart by how many of their series come after them.
        """
        panel, origins = self.panel, self.origins
        keys = origin_cutoffs(panel, origins) if panel.dated else _later(origins)
        for key in evenly(np.unique(keys), self.options.cutoffs):
            own = evenly(np.flatnonzero(keys == key), self.options.windows)
            mine = Origins(origins.series[own], origins.position[own])
            future = panel.lengths
            if panel.dated:
                ends = [np.searchsorted(panel.times[panel.rows(i)], key, side="right") for i in range(len(panel.ids))]
                future = np.asarray(ends, dtype=np.int64)
            future[mine.series] = mine.position
            yield mine, future


def attempt(forecast: Callable[[], Values]) -> Answer:
    """What was forecast, or what was raised: somebody else's code may raise anything, and that is a finding."""
    try:
        return Answer(forecast())
    except Exception as error:  # noqa: BLE001
        return Answer(np.zeros((0, 0, 0, 0)), f"{type(error).__name__}: {error}")


def values_of(forecast: Forecast) -> Values:
    """The point forecast, then the quantiles."""
    return np.concatenate([forecast.mean[..., None], forecast.quantiles], axis=-1).astype(np.float64)


def _later(origins: Origins) -> Int64[np.ndarray, " windows"]:
    """How many windows of the same series start later."""
    order = np.lexsort((-origins.position, origins.series))
    series = origins.series[order]
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - np.searchsorted(series, series)
    return ranks
