"""Baselines without parameters: every forecast is read straight off the rows before its origin."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.errors import OptionError
from gatecast.evaluation.baselines.base import FixedBaseline, fill_forward, last_value, latest_observed


@dataclass(frozen=True)
class Naive(FixedBaseline):
    """Tomorrow is as today: the last observed value, for every step; zero where nothing was observed."""

    name: ClassVar[str] = "naive"

    def rule(
        self, values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        """The last observed value before each origin."""
        return last_value(values, positions, horizon)


@dataclass(frozen=True)
class SeasonalNaive(FixedBaseline):
    """The value one season earlier; where that is missing the one before it, and so on, and at last the last value.

    Attributes:
        season: rows in a season; with 1 this is `Naive`.
    """

    season: int
    name: ClassVar[str] = "seasonal_naive"

    def __post_init__(self) -> None:
        if self.season < 1:
            raise OptionError(f"a season is a whole number of rows of at least 1, got season={self.season}.")

    def rule(
        self, values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        """The same place in the latest season before each origin."""
        rows = positions[:, None] - self.season + np.arange(horizon) % self.season
        found = np.where(rows >= 0, self._carried(values)[np.maximum(rows, 0)], np.nan)
        return np.where(np.isfinite(found), found, last_value(values, positions, horizon))

    def _carried(self, values: Float64[np.ndarray, " rows"]) -> Float64[np.ndarray, " rows"]:
        """Missing values replaced by the same place in the latest season that has it."""
        seasons = -(-len(values) // self.season)
        padding = np.full(seasons * self.season - len(values), np.nan)
        table = np.concatenate([values, padding]).reshape(seasons, self.season)
        latest = np.maximum.accumulate(np.where(np.isfinite(table), np.arange(seasons)[:, None], 0), axis=0)
        return np.take_along_axis(table, latest, axis=0).reshape(-1)[: len(values)]


@dataclass(frozen=True)
class Drift(FixedBaseline):
    """The straight line through the first and the last observed value, drawn on; flat where only one was observed."""

    name: ClassVar[str] = "drift"

    def rule(
        self, values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        """The line as it stands at each origin."""
        last = latest_observed(values)[positions - 1]
        first = int(np.argmax(np.isfinite(values)))
        level = fill_forward(values)[positions - 1]
        slope = np.where(last > first, (level - fill_forward(values)[first]) / np.maximum(last - first, 1), 0.0)
        ahead = positions[:, None] + np.arange(horizon) - last[:, None]
        return level[:, None] + slope[:, None] * ahead


@dataclass(frozen=True)
class Mean(FixedBaseline):
    """The mean of everything observed before the origin; zero where nothing was."""

    name: ClassVar[str] = "mean"

    def rule(
        self, values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        """The running mean at each origin."""
        seen = np.isfinite(values)
        total, count = np.cumsum(np.where(seen, values, 0.0)), np.cumsum(seen)
        mean = total[positions - 1] / np.maximum(count[positions - 1], 1)
        return np.repeat(mean[:, None], horizon, axis=1)
