"""Small panels and small nets that the tests share."""

import msgspec
import numpy as np

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.forecaster import ForecasterConfig, Mode
from gatecast.models.config import NetworkConfig
from gatecast.models.normalising import Normalise, Subtract
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig

SEASON = 12


def waves(series: int = 2, rows: int = 240, *, targets: int = 1, past: int = 0, seed: int = 0) -> Panel:
    """Seasonal series with noise and a level of their own, hourly; the first column is the target."""
    rng = np.random.default_rng(seed)
    columns = Columns(
        target=tuple(f"y{i}" for i in range(targets)) if targets > 1 else ("y",),
        past=tuple(f"x{i}" for i in range(past)),
        id="unique_id",
        time="ds",
    )
    steps = np.arange(rows)[:, None]
    arrays = {
        f"s{i}": 10 * (i + 1)
        + np.sin(2 * np.pi * (steps + np.arange(targets + past)) / SEASON)
        + 0.1 * rng.normal(size=(rows, targets + past))
        for i in range(series)
    }
    return panel_from_arrays(arrays, columns, parse_frequency("1h"))


def with_values(panel: Panel, values: np.ndarray) -> Panel:
    """The same panel with other values."""
    return Panel(
        columns=panel.columns,
        frequency=panel.frequency,
        ids=panel.ids,
        offsets=panel.offsets,
        times=panel.times,
        values=values.astype(np.float32),
        static=panel.static,
    )


def poisoned(panel: Panel, first: np.ndarray, poison: float) -> Panel:
    """The same panel with every value at or after position `first` of its series replaced."""
    values = panel.values.copy()
    for index, position in enumerate(first.tolist()):
        values[panel.rows(index)][position:] = poison
    return with_values(panel, values)


def small_config(
    *,
    network: NetworkConfig | None = None,
    layer: LayerConfig | None = None,
    subtract: Subtract = "last",
    mode: Mode = "windows",
    normalise: Normalise | None = None,
    **training: object,
) -> ForecasterConfig:
    """A net that trains in a moment."""
    network = network or NetworkConfig(layer=layer or LayerConfig(hidden_size=8))
    chunks = {"time": 32, "streams": 4, "chunks": 3, "burn_in": 4}
    settings = {"steps": 12, "batch_size": 16, "evaluate_every": 4} | chunks | training
    return ForecasterConfig(
        lookback=24,
        horizon=6,
        mode=mode,
        normalise=normalise or ("causal" if mode == "sequences" else "none" if subtract == "none" else "last"),
        season=SEASON,
        subtract=subtract,
        network=network,
        training=msgspec.convert(settings, TrainingConfig),
    )
