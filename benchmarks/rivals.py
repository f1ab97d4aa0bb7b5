"""Simple methods that published tables hold and gatecast's baselines do not."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.evaluation.baselines import SeasonalNaive
from gatecast.evaluation.baselines.autoreg import fit_weights, recursion
from gatecast.evaluation.baselines.base import LearntBaseline, Rule
from gatecast.forecast import Forecast, make_forecast
from protocols import GIFT_LEVELS


@dataclass
class AutoRegOfOrder(LearntBaseline):
    """AR(p) of a given order, fitted by least squares, where gatecast's AutoReg chooses its order."""

    order: int

    @property
    def name(self) -> str:
        """The name with the order."""
        return f"AutoReg({self.order})"

    def seconds(self, rows: int) -> float:
        """About how long learning one column takes."""
        return 1.5e-10 * rows * self.order**2

    def learn(self, values: Float64[np.ndarray, " rows"]) -> Rule:
        """Fit on every row that has so many rows before it."""
        centre = float(values.mean())
        return recursion(centre, fit_weights(values - centre, self.order))


@dataclass(frozen=True)
class SeasonalNaiveIntervals:
    """The seasonal naive forecast with normal quantiles around it (Hyndman & Athanasopoulos 2021, section 5.5).

    The standard deviation k seasons ahead is sigma sqrt(k), sigma^2 the mean squared seasonal difference of the rows
    before the origin.
    """

    season: int
    name: ClassVar[str] = "seasonal naive"

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast `horizon` rows from each origin."""
        from scipy.stats import norm  # noqa: PLC0415 - half a second, and only here

        mean = SeasonalNaive(self.season).forecast(panel, origins, horizon).mean
        pairs = zip(origins.series.tolist(), origins.position.tolist(), strict=True)
        pasts = [panel.targets[panel.rows(series)][:position].astype(np.float64) for series, position in pairs]
        sigma = [np.sqrt(np.nansum((past[self.season :] - past[: -self.season]) ** 2, axis=0)) for past in pasts]
        rows = np.sqrt([[max(1, len(past) - self.season)] for past in pasts])
        growth = np.sqrt(np.arange(horizon) // self.season + 1)
        spread = (np.asarray(sigma) / rows)[:, None] * growth[None, :, None]  # (W, H, targets)
        quantiles = mean[..., None] + spread[..., None] * norm.ppf(GIFT_LEVELS)
        return make_forecast(panel, origins, mean, GIFT_LEVELS, quantiles)
