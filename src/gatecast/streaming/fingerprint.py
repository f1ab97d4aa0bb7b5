"""By what a state is known to be of this stream: everything that its numbers depend on beside the rows."""

import hashlib

import msgspec

from gatecast.evaluation.calibration import Calibration
from gatecast.forecaster import RecurrentForecaster
from gatecast.streaming.options import StreamOptions


def fingerprint_of(forecaster: RecurrentForecaster, calibration: Calibration | None, options: StreamOptions) -> str:
    """The sha256 of the weights, what they were fitted with, the calibration and the policies, as hexadecimal text."""
    fitted = forecaster.fitted_
    told = (forecaster.config, fitted.columns, fitted.frequency, fitted.ids, calibration, options)
    digest = hashlib.sha256(msgspec.json.encode(told))
    scalings = (fitted.scaling, fitted.static_scaling)
    arrays = [array for scaling in scalings for array in (scaling.centre, scaling.scale)]
    for array in (*arrays, *(weight.numpy() for weight in forecaster.network_.state_dict().values())):
        digest.update(array.tobytes())
    return digest.hexdigest()
