"""What a model is, as JSON: everything that whoever runs an export needs beside the weights."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from gatecast import __version__
from gatecast.artifact import weights_bytes
from gatecast.data.calendar import calendar_feature_names
from gatecast.data.columns import ONLY_SERIES
from gatecast.evaluation.calibration import Calibration
from gatecast.forecaster import Fitted, RecurrentForecaster

FORMAT = 1


def describe(forecaster: RecurrentForecaster, calibration: Calibration | None) -> dict[str, Any]:
    """The model without its weights; plain values alone."""
    config, fitted, network = forecaster.config, forecaster.fitted_, forecaster.network_
    columns, own = fitted.columns, config.network.levels
    return {
        "format": FORMAT,
        "gatecast": __version__,
        "weights_sha256": weights_sha256(forecaster),
        "dated": columns.time is not None,
        "columns": msgspec.to_builtins(columns),
        "channels": list(columns.channels),
        "frequency": msgspec.to_builtins(fitted.frequency),
        "calendar": list(calendar_feature_names(fitted.frequency, columns.holidays, config.calendar)),
        "config": {name: getattr(config, name) for name in ("mode", "normalise", "scaler", "ahead")},
        "network": msgspec.to_builtins(config.network),
        "sizes": msgspec.to_builtins(network.sizes),
        "own_levels": list(own),
        "levels": list(calibration.levels if calibration is not None else own),
        "calibration": None if calibration is None else msgspec.to_builtins(calibration),
        "only": fitted.ids[0] if len(fitted.ids) == 1 else ONLY_SERIES,
        "series": dict(zip(fitted.ids, _series(fitted), strict=True)),
        "static_scaling": {
            "centre": fitted.static_scaling.centre[0].tolist(),
            "scale": fitted.static_scaling.scale[0].tolist(),
        },
    }


def _series(fitted: Fitted) -> Sequence[dict[str, Any]]:
    """The scaling of each series."""
    both = zip(fitted.scaling.centre.tolist(), fitted.scaling.scale.tolist(), strict=True)
    return [{"number": number, "centre": centre, "scale": scale} for number, (centre, scale) in enumerate(both)]


def weights_sha256(forecaster: RecurrentForecaster) -> str:
    """Of the weights as the model folder holds them, by which an export is known to be of that model."""
    return hashlib.sha256(weights_bytes(forecaster)).hexdigest()


def weights_of(forecaster: RecurrentForecaster) -> dict[str, np.ndarray]:
    """The weights as arrays by their names."""
    return {name: each.numpy() for name, each in forecaster.network_.state_dict().items()}


def as_json(facts: dict[str, Any]) -> bytes:
    """As the file has it."""
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
