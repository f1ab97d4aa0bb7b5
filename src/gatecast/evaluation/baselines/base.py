"""What baselines are made of: a rule for one column, applied to every series and target apart."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.filling import carry_forward
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.forecast import Forecast, Forecaster, make_forecast

Rule = Callable[
    [Float64[np.ndarray, " rows"], Int64[np.ndarray, " windows"], int], Float64[np.ndarray, "windows horizon"]
]
"""From the rows of one column, the positions of its origins and the horizon to one forecast for each origin.

A rule may read rows `[0, position)` of each origin.  Missing rows are NaN.
"""


@runtime_checkable
class Baseline(Forecaster, Protocol):
    """A simple forecaster that a net has to beat.

    Parameters are learnt once, by `fit`; at each origin the method then knows every row before the origin, with those
    same parameters.  This is just how a trained recurrent net is used, so the two are compared like with like.
    """

    def fit(self, panel: Panel, ends: Int64[np.ndarray, " series"]) -> "Baseline":
        """Learn from rows `[0, ends[i])` of each series `i`, and no other row."""
        ...


def by_column(panel: Panel, origins: Origins, horizon: int, rule: Callable[[int, int], Rule]) -> Forecast:
    """Apply `rule(series, target)` to every column that an origin lies in.

    Raises:
        OptionError: an origin knows no row, or more rows than its series has.
    """
    _check_positions(panel, origins)
    mean = np.zeros((len(origins), horizon, len(panel.columns.target)))
    for series, windows in origins.by_series():
        positions = origins.position[windows]
        known = panel.targets[panel.rows(series)][: positions.max()].astype(np.float64)
        for target in range(mean.shape[2]):
            mean[windows, :, target] = rule(series, target)(known[:, target], positions, horizon)
    return make_forecast(panel, origins, mean)


def _check_positions(panel: Panel, origins: Origins) -> None:
    lengths = panel.lengths[origins.series]
    for window in np.flatnonzero((origins.position < 1) | (origins.position > lengths)):
        name = panel.ids[origins.series[window]]
        raise OptionError(
            f"an origin knows at least 1 row and at most those of its series, but origin {window} knows "
            f'{origins.position[window]} rows of series "{name}", which has {lengths[window]}. '
            f"Take origins from rolling_origins."
        )


class FixedBaseline(ABC):
    """A baseline without parameters: one rule serves every column."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name in score tables."""

    @abstractmethod
    def rule(
        self, values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        """The forecasts of one column; see `Rule`."""

    def fit(self, panel: Panel, ends: Int64[np.ndarray, " series"]) -> "FixedBaseline":  # noqa: ARG002
        """There is nothing to learn."""
        return self

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast `horizon` rows from each origin."""
        return by_column(panel, origins, horizon, lambda _series, _target: self.rule)


class LearntBaseline(ABC):
    """A baseline with parameters, learnt for each series and target apart.

    Missing values in between are replaced by the last observed one, and rows before the first observed one are left
    out.  A column whose training part is constant, or shorter than `FEWEST` rows, is forecast by its last value; so is
    an origin before the first row that was learnt from.  Only the latest `latest` training rows are learnt from.
    """

    FEWEST: ClassVar[int] = 6
    latest: ClassVar[int] = 20_000

    @property
    @abstractmethod
    def name(self) -> str:
        """The name in score tables."""

    @abstractmethod
    def learn(self, values: Float64[np.ndarray, " rows"]) -> Rule:
        """A rule with parameters learnt from `values`, which are all observed; its rows start where `values` do."""

    @abstractmethod
    def seconds(self, rows: int) -> float:
        """About how long learning a column of so many rows takes on one core, to say beforehand what is too slow."""

    def fit(self, panel: Panel, ends: Int64[np.ndarray, " series"]) -> "LearntBaseline":
        """Learn from rows `[0, ends[i])` of each series `i`, and no other row."""
        self.ids_ = panel.ids
        self.rules_ = [
            [self._learn_column(column) for column in panel.targets[panel.rows(i)][:end].astype(np.float64).T]
            for i, end in enumerate(ends.tolist())
        ]
        return self

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast `horizon` rows from each origin with the learnt parameters.

        Raises:
            OptionError: not fitted yet, or fitted on other series.
        """
        if getattr(self, "ids_", None) != panel.ids:
            raise OptionError(
                f"{self.name} forecasts the series that it was fitted on, but it was fitted on "
                f"{'other series' if hasattr(self, 'ids_') else 'none'}. Call fit(panel, ends) with this panel first."
            )
        return by_column(panel, origins, horizon, lambda series, target: self.rules_[series][target])

    def _learn_column(self, values: Float64[np.ndarray, " rows"]) -> Rule:
        start = max(len(values) - self.latest, _first_observed(values))
        training = fill_forward(values)[start:]
        if len(training) < self.FEWEST or np.ptp(training) == 0:
            return last_value
        return _from_row(start, self.learn(training))


def _from_row(start: int, rule: Rule) -> Rule:
    """The rule, handed rows from `start` on; origins without such rows get the last value."""

    def shifted(
        values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        forecast = last_value(values, positions, horizon)
        late = positions > start
        if late.any():
            forecast[late] = rule(fill_forward(values)[start:], positions[late] - start, horizon)
        return forecast

    return shifted


def latest_observed(values: Float64[np.ndarray, " rows"]) -> Int64[np.ndarray, " rows"]:
    """For each row the latest observed row up to it; -1 before the first."""
    return np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))


def fill_forward(values: Float64[np.ndarray, " rows"]) -> Float64[np.ndarray, " rows"]:
    """Missing values replaced by the last observed one; zero before the first."""
    return carry_forward(values[:, None], np.array([0, len(values)]))[:, 0]


def last_value(
    values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
) -> Float64[np.ndarray, "windows horizon"]:
    """The rule that repeats the last observed value; zero where nothing was observed."""
    return np.repeat(fill_forward(values)[positions - 1][:, None], horizon, axis=1)


def _first_observed(values: Float64[np.ndarray, " rows"]) -> int:
    observed = np.flatnonzero(np.isfinite(values))
    return int(observed[0]) if len(observed) else len(values)
