"""RecurrentForecaster: a net, the scaling it was trained with and its columns, behind `fit` and `forecast`."""

from gatecast.forecaster.config import ForecasterConfig, Mode, frame_of, window_option
from gatecast.forecaster.fitted import Fitted
from gatecast.forecaster.recurrent import RecurrentForecaster
from gatecast.forecaster.sizing import network_sizes

__all__ = ["Fitted", "ForecasterConfig", "Mode", "RecurrentForecaster", "frame_of", "network_sizes", "window_option"]
