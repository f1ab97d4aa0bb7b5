"""A forecaster whose quantiles follow each series, from a row on, by every row that came since."""

from collections.abc import Callable
from typing import final

import numpy as np
from jaxtyping import Float64, Int64

from gatecast.data.panel import Panel
from gatecast.data.splits import Origins
from gatecast.data.windows import with_future_known
from gatecast.evaluation.adaptive import AdaptiveCalibration, Issued, follow
from gatecast.evaluation.backtest import actuals
from gatecast.evaluation.calibration import in_order, past_scale, units
from gatecast.forecast import Forecast, Forecaster


@final
class Adapted:
    """Forecasts as they would have been with a forecast from every row since `start`, each settled by what came.

    At an origin the quantiles have moved by what every row before it told, and by nothing else.  So a forecast costs
    those from all rows since `start` as well, which a net with a carried state makes in one pass.

    Args:
        forecaster: the forecaster that was calibrated.
        calibration: the state that each series starts with.
        start: from a panel to the row of each series that quantiles move from, such as the end of the part that the
            calibration was found on.  At an origin before it they stand as calibrated.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        calibration: AdaptiveCalibration,
        start: Callable[[Panel], Int64[np.ndarray, " series"]],
    ) -> None:
        self.forecaster = forecaster
        self.calibration = calibration
        self.start = start

    @property
    def name(self) -> str:
        """The name of the forecaster within."""
        return self.forecaster.name

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:
        """Forecast `horizon` rows from each origin, with quantiles moved by what came before it."""
        raw = self.forecaster.forecast(panel, origins, horizon)
        scale, fixed = past_scale(panel, origins), self.calibration.start
        base, start = fixed.base(raw, scale), self.start(panel)
        offsets = np.repeat(fixed.array[None, :horizon], len(origins), axis=0)  # (windows, horizon, targets, levels)
        for series in np.unique(origins.series).tolist():
            mine = np.flatnonzero((origins.series == series) & (origins.position > start[series]))
            wanted, place = np.unique(origins.position[mine], return_inverse=True)
            if len(wanted):
                offsets[mine] = self._offsets(panel, series, int(start[series]), wanted)[place, :horizon]
        return in_order(raw, base + units(base, scale, fixed.unit)[..., None] * offsets, fixed.levels)

    def _offsets(
        self, panel: Panel, series: int, start: int, wanted: Int64[np.ndarray, " wanted"]
    ) -> Float64[np.ndarray, "wanted horizon targets levels"]:
        """How far the quantiles of one series have moved at each position."""
        steps = len(self.calibration.offsets)
        before = np.arange(start, wanted[-1])
        every = with_future_known(panel, Origins(np.full(len(before), series), before), steps)
        if not len(every):
            return np.repeat(self.calibration.offsets[None], len(wanted), axis=0)
        forecast, scale = self.forecaster.forecast(panel, every, steps), past_scale(panel, every)
        base = self.calibration.start.base(forecast, scale)
        issued = Issued(every.position, base, units(base, scale, self.calibration.start.unit))
        here = Origins(np.array([series]), np.array([start]))
        rows = actuals(panel, here, int(wanted[-1]) - start)[0]
        states = follow(self.calibration, (start, rows), issued, wanted)
        return np.stack([state.offsets + state.shared for state in states])
