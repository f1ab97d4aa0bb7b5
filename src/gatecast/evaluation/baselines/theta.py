"""The Theta method (Assimakopoulos & Nikolopoulos 2000), winner of the M3 competition.

In the form of Hyndman & Billah (2003): simple exponential smoothing of the deseasonalised series, plus half the slope
of its trend line,

    f_{T+h} = level_T + b / 2 (h - 1 + 1 / alpha - (1 - alpha)^T / alpha)
"""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.evaluation.baselines.base import LearntBaseline, Rule


@dataclass
class Theta(LearntBaseline):
    """Theta as statsmodels fits it: seasonal indices (if its test finds a season), alpha and slope.

    They stay as learnt; the level is carried forward to each origin.  Without two whole seasons to learn from, no
    season is looked for.
    """

    season: int
    name: ClassVar[str] = "theta"

    def seconds(self, rows: int) -> float:
        """About how long learning one column takes."""
        return 0.006 + 2e-5 * min(rows, self.latest)

    def learn(self, values: Float64[np.ndarray, " rows"]) -> Rule:
        """Fit with statsmodels and keep what it found."""
        from statsmodels.tsa.forecasting.theta import ThetaModel  # noqa: PLC0415

        seasonal = self.season > 1 and len(values) >= 2 * self.season
        period = self.season if seasonal else 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a smoothing factor at its bound is an answer, not an accident
            fit = ThetaModel(values, period=period, deseasonalize=seasonal).fit()
            ahead = np.asarray(fit.forecast_components(period)["seasonal"], dtype=np.float64)
        multiplied = fit.model.method.startswith("mul")
        indices = np.roll(ahead, len(values) % period) if seasonal else np.full(1, float(multiplied))
        return _Line(float(fit.params["alpha"]), float(fit.params["b0"]), indices, multiplied).rule


@dataclass(frozen=True, eq=False)
class _Line:
    """The learnt parameters; row `t` has seasonal index `indices[t % len(indices)]`."""

    alpha: float
    slope: float
    indices: Float64[np.ndarray, " season"]
    multiplied: bool

    def rule(
        self, values: Float64[np.ndarray, " rows"], positions: Int64[np.ndarray, " windows"], horizon: int
    ) -> Float64[np.ndarray, "windows horizon"]:
        level = self._levels(values)[positions - 1]
        trend = np.arange(horizon, dtype=np.float64) + np.zeros((len(positions), 1))
        if self.alpha > 0:
            trend += ((1 - (1 - self.alpha) ** positions) / self.alpha)[:, None]
        season = self._season(positions[:, None] + np.arange(horizon))
        line = level[:, None] + self.slope / 2 * trend
        return line * season if self.multiplied else line + season

    def _levels(self, values: Float64[np.ndarray, " rows"]) -> Float64[np.ndarray, " rows"]:
        """Simple exponential smoothing, from the first value on."""
        from scipy.signal import lfilter  # noqa: PLC0415

        season = self._season(np.arange(len(values)))
        flat = values / season if self.multiplied else values - season
        keep = 1 - self.alpha
        return np.asarray(lfilter([self.alpha], [1, -keep], flat, zi=[keep * flat[0]])[0])

    def _season(self, rows: Int64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
        return self.indices[rows % len(self.indices)]
