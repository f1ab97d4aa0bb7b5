"""Exponential smoothing in state space form (Hyndman, Koehler, Ord & Snyder 2008), with additive errors.

A level, and where they help a trend b (plain, or damped by phi) and a season s (added or multiplied):

    y_{t+h} = level_t + (phi + ... + phi^h) b_t + s_{t+h-m}      or      (level_t + ...) s_{t+h-m}
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.evaluation.baselines.base import LearntBaseline, Rule, last_value

Form = dict[str, Any]
TRENDS: tuple[Form, ...] = ({"trend": "add"}, {"trend": "add", "damped_trend": True})
FEWEST_FOR_STATES = 10  # rows from which the starting level and trend are read


@dataclass
class Ets(LearntBaseline):
    """ETS as statsmodels fits it, its season (none, added, multiplied) and then its trend chosen by AICc.

    The starting states are read from the first seasons rather than estimated, which takes ten times as long, but count
    as parameters (Hyndman et al. 2008, section 7).  Everything stays as learnt; the states are carried forward to each
    origin.  A season is tried when there are two whole ones to learn from, a multiplied one when every value is
    positive.
    """

    season: int
    name: ClassVar[str] = "ets"
    latest: ClassVar[int] = 4_000

    def seconds(self, rows: int) -> float:
        """About how long learning one column takes."""
        forms = len(self._seasons(rows, positive=True)) + len(TRENDS)
        return forms * (0.003 + 5e-6 * min(rows, self.latest))

    def learn(self, values: Float64[np.ndarray, " rows"]) -> Rule:
        """Choose the season without a trend, then the trend; the last value where there are too few rows."""
        seasons = self._seasons(len(values), positive=bool(values.min() > 0))
        flat = [_fit(values, {"trend": None} | season) for season in seasons]
        if not flat:
            return last_value
        season = min(flat, key=_aicc)[1].seasonal
        best = min([*flat, *(_fit(values, trend | season) for trend in TRENDS)], key=_aicc)
        return best[1].rule if np.isfinite(best[0]) else last_value

    def _seasons(self, rows: int, *, positive: bool) -> list[Form]:
        if rows < FEWEST_FOR_STATES:
            return []
        kinds = ["add", "mul"] if positive else ["add"]
        if self.season < 2 or rows < max(2 * self.season, FEWEST_FOR_STATES + self.season):
            kinds = []
        return [{"seasonal": None}, *({"seasonal": kind, "seasonal_periods": self.season} for kind in kinds)]


def _aicc(fit: tuple[float, "_States"]) -> float:
    return fit[0]


def _fit(values: Float64[np.ndarray, " rows"], form: Form) -> tuple[float, "_States"]:
    """One form fitted: its AICc (infinite when it has more parameters than rows) and what it learnt."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a search that stops early still gives parameters, judged by their AICc
        fit = ETSModel(values, error="add", initialization_method="heuristic", **form).fit(disp=False)
    model = fit.model
    seasonal = np.atleast_1d(np.asarray(model.initial_seasonal, dtype=np.float64))
    states = _States(form, np.asarray(fit.params), float(model.initial_level), float(model.initial_trend), seasonal)
    parameters = len(fit.params) + 1 + 1 + (form["trend"] is not None) + (len(seasonal) - 1)
    spare = len(values) - parameters - 1
    if spare < 1:
        return np.inf, states
    return -2 * float(fit.llf) + 2 * parameters * (1 + (parameters + 1) / spare), states


@dataclass(frozen=True, eq=False)
class _States:
    """A fitted form: its parameters, and its states before the first row."""

    form: Form
    parameters: Float64[np.ndarray, " parameters"]
    level: float
    trend: float
    season: Float64[np.ndarray, " season"]

    @property
    def seasonal(self) -> Form:
        """The part of the form that says the season."""
        return {key: value for key, value in self.form.items() if key.startswith("seasonal")}

    def rule(
        self, values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        level, trend, season = self._filtered(values)
        damping = self.parameters[-1] if self.form.get("damped_trend") else 1.0
        reach = np.cumsum(damping ** np.arange(1, horizon + 1))
        line = level[positions - 1][:, None] + trend[positions - 1][:, None] * reach
        # Row t has its season at index t + m, so the latest one of each place is m rows before.
        place = season[positions[:, None] + np.arange(horizon) % len(self.season)]
        return line * place if self.form["seasonal"] == "mul" else line + place

    def _filtered(
        self, values: Float64[np.ndarray, " rows"]
    ) -> tuple[Float64[np.ndarray, " rows"], Float64[np.ndarray, " rows"], Float64[np.ndarray, " rows_and_season"]]:
        """Level and trend after each row; season after each row, the starting ones first."""
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # noqa: PLC0415

        model = ETSModel(
            values,
            error="add",
            initialization_method="known",
            initial_level=self.level,
            initial_trend=self.trend,
            initial_seasonal=self.season,
            **self.form,
        )
        _, states = model.smooth(self.parameters, return_raw=True)
        zeros = np.zeros(len(values))
        trend = states[:, 1] if self.form["trend"] else zeros
        return states[:, 0], trend, np.concatenate([self.season, states[:, -1] if self.form["seasonal"] else zeros])
