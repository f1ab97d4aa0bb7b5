"""Series with numbers that hurt, and nets small enough to try each with each."""

import warnings

import msgspec
import numpy as np

from builders import small_config
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, split_by_time
from gatecast.forecast import Forecast
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.distributions import COUNTS
from gatecast.nn import LayerConfig
from gatecast.streaming import ForecastStream

ROWS, HORIZON = 240, 6
OF_COUNTS = {"scaler": "none", "subtract": "none", "normalise": "meanabs"}


def wave() -> np.ndarray:
    """Ten, a season of twelve rows and some noise."""
    rows = np.arange(ROWS)
    return 10 + np.sin(2 * np.pi * rows / 12) + 0.1 * np.random.default_rng(0).normal(size=ROWS)


def spiked(row: int, value: float) -> np.ndarray:
    """The wave with one value in place of a row."""
    return np.where(np.arange(ROWS) == row % ROWS, value, wave())


def from_row(row: int, after: np.ndarray) -> np.ndarray:
    """The wave up to a row, and something else from there."""
    return np.where(np.arange(ROWS) < row, wave(), after)


RARE = np.where(np.arange(ROWS) == 100, 5.0, np.nan)
HALF = np.where(np.random.default_rng(1).random(ROWS) < 0.5, np.nan, wave())
SERIES: dict[str, np.ndarray] = {
    "half of the values missing": HALF,
    "all but one value missing": RARE,
    "values of 1e-12": 1e-12 * wave(),
    "values of 1e12": 1e12 * wave(),
    "values of 1e30": 1e30 * wave(),
    "values near the end of float32 (1e37)": 1e37 * wave(),
    "values below the least normal float32 (1e-42)": 1e-42 * np.round(wave()),
    "values that are 0 in float32 (1e-300)": 1e-300 * wave(),
    "the same value in every row": np.full(ROWS, 10.0),
    "zeros": np.zeros(ROWS),
    "constant for 200 rows, then moving": from_row(0, np.where(np.arange(ROWS) < 200, 10.0, wave())),
    "level times 1000 from the test part on": from_row(200, 1000 * wave()),
    "one spike of 1e15 in the training part": spiked(100, 1e15),
    "one spike of 1e15 in the validation part": spiked(170, 1e15),
    "one spike of 1e15 ten rows before the forecast": spiked(-10, 1e15),
    "integers above 2^53": 2.0**53 + np.round(1e9 * wave()),
    "infinite values (which a panel takes for missing)": np.where(np.arange(ROWS) % 7 == 0, np.inf, wave()),
}


def config(loss: str = "quantile", mode: Mode = "windows", **settings: object) -> ForecasterConfig:
    """A net that trains in a moment."""
    said = {"loss": loss, "paths": 20, "layer": LayerConfig(hidden_size=8)}
    frame = OF_COUNTS if loss in COUNTS else {"scaler": "standard"}
    frame = frame | {name: str(settings.pop(name)) for name in ("scaler", "subtract", "normalise") if name in settings}
    made = small_config(mode=mode, normalise="causal" if mode == "sequences" else None)
    return msgspec.structs.replace(made, network=msgspec.convert(said | settings, NetworkConfig), **frame)  # type: ignore[arg-type]


def table(values: np.ndarray, beside: np.ndarray | None = None) -> Panel:
    """A series with these values, and beside it the wave, or another."""
    columns = Columns(target=("y",), id="unique_id", time="ds")
    well = wave() if beside is None else beside
    return panel_from_arrays({"hurt": values[:, None], "well": well[:, None]}, columns, parse_frequency("1h"))


def fitted(settings: ForecasterConfig, values: np.ndarray) -> RecurrentForecaster:
    """A net trained on both."""
    return _fitted(settings, table(values))


def _fitted(settings: ForecasterConfig, panel: Panel) -> RecurrentForecaster:
    return RecurrentForecaster(settings).fit(panel, split_by_time(panel, HORIZON))


def forecast(settings: ForecasterConfig, values: np.ndarray) -> Forecast:
    """Train on both, and forecast both from their end; a warning fails."""
    panel = table(values, np.round(wave()) if settings.network.loss in COUNTS else None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = _fitted(settings, panel)
        return net.forecast(panel, Origins(np.arange(2), np.full(2, ROWS)), HORIZON)


def judged(found: Forecast, values: np.ndarray) -> str:
    """What a forecast became: all numbers, near what the series has been, and the other series as well as ever."""
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.quantiles).all()
    seen = values[np.isfinite(values)].astype(np.float32).astype(np.float64)
    low, high = seen.min(), seen.max()
    room = 0.5 * (high - low) if high - low > 1e-6 * abs(high) else max(1.0, 0.01 * abs(high))
    assert low - room <= found.mean[0].min() <= found.mean[0].max() <= high + room, found.mean[0]
    assert np.abs(found.mean[1] - 10).max() < 2.5, found.mean[1]
    return "read: finite forecasts within half a range of the data, and the series beside it forecast as well as ever"


def stream(mode: Mode = "sequences", **settings: object) -> ForecastStream:
    """A live forecaster that has read 200 rows of both series, which nothing hurts."""
    net = fitted(config(mode=mode, **settings), wave())
    live = ForecastStream(net)
    for row, value in enumerate(wave()[:200].tolist()):
        observe(live, row, value)
    return live


def observe(live: ForecastStream, row: int, value: float | None) -> int:
    """Take a row of the series that is hurt."""
    return live.observe("hurt", str(np.datetime64("2024-01-01T00") + np.timedelta64(row, "h")), value)
