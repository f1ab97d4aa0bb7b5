"""Calibrating a trained net on the validation part."""

from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.data.windows import thin, windows_between, with_future_known
from gatecast.evaluation.backtest import actuals
from gatecast.evaluation.calibration import Calibration, past_scale
from gatecast.evaluation.conformal import calibrate
from gatecast.forecaster import RecurrentForecaster

MOST_WINDOWS = 4096  # hundreds beyond the outermost quantiles; more would only take time


def calibrate_forecaster(forecaster: RecurrentForecaster, panel: Panel, split: Split) -> Calibration | None:
    """Calibrate a net on the windows of the validation part; a net for a point gets the levels of its configuration.

    Those windows also chose the best weights, so the net errs a little less on them than on what comes.  None where
    every window misses a future covariate, for the net cannot forecast there.
    """
    config = forecaster.config
    windows = windows_between(panel, split.train_end, split.validation_end, config.lookback, config.horizon)
    origins = thin(with_future_known(panel, windows, config.horizon), MOST_WINDOWS)
    if not len(origins):
        return None
    forecast = forecaster.forecast(panel, origins, config.horizon)
    actual = actuals(panel, origins, config.horizon)
    return calibrate(forecast, actual, past_scale(panel, origins), levels=config.network.quantiles)
