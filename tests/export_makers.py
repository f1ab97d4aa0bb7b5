"""Models for the tests of exports: every kind of net, with weights so large that each part of it moves forecasts."""

from functools import cache

import numpy as np
import polars as pl
import torch

from builders import small_config, with_values
from gatecast import fit
from gatecast.artifact import About
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.evaluation.calibration import Calibrated
from gatecast.forecast import Forecast
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.workflow import FitOptions, Model
from stream_makers import KINDS, LEVELS, at, calibration, table

CELLS: dict[str, LayerConfig] = {
    "rnn": LayerConfig(cell="rnn", hidden_size=6),
    "rnn with relu": LayerConfig(cell="rnn", nonlinearity="relu", hidden_size=6),
    "lstm": LayerConfig(cell="lstm", hidden_size=6),
    "gru": LayerConfig(cell="gru", hidden_size=6),
    "gru, reset before": LayerConfig(cell="gru", reset_after=False, hidden_size=6),
    "mingru": LayerConfig(cell="mingru", hidden_size=6),
    "minlstm": LayerConfig(cell="minlstm", hidden_size=6),
    "indrnn": LayerConfig(cell="indrnn", hidden_size=6),
    "indrnn with tanh": LayerConfig(cell="indrnn", nonlinearity="tanh", hidden_size=6),
    "slstm": LayerConfig(cell="slstm", hidden_size=6),
    "grud": LayerConfig(cell="grud", hidden_size=6),
    "a stack with everything": LayerConfig(
        cell="lstm", hidden_size=6, num_layers=3, residual=True, layer_norm=True, dilations=(1, 2, 4), zoneout=0.2
    ),
    "no bias, learnt state": LayerConfig(hidden_size=6, bias=False, learn_initial_state=True, num_layers=2),
}
HEADS = {
    "normal": NetworkConfig(layer=LayerConfig(hidden_size=6), loss="normal"),
    "mixture": NetworkConfig(layer=LayerConfig(hidden_size=6), loss="mixture"),
}
OTHERS = {
    "targets apart": small_config(
        network=NetworkConfig(layer=LayerConfig(hidden_size=6), channels="apart", embedding=2)
    ),
    "mean of the states": small_config(network=NetworkConfig(layer=LayerConfig(hidden_size=6), readout="mean")),
    "windows in their deviation": small_config(subtract="seasonal", normalise="standard"),
    "windows in their mean deviation": small_config(normalise="meanabs"),
}


def configs() -> dict[str, ForecasterConfig]:
    """Everything that can be exported one way or another, by name."""
    cells = {name: small_config(mode="sequences", layer=layer) for name, layer in CELLS.items()}
    heads = {name: small_config(mode="sequences", network=network) for name, network in HEADS.items()}
    return (
        {name: each for name, each in KINDS.items() if name not in ("dilated", "sample paths")} | cells | heads | OTHERS
    )


CONFIGS = configs()


@cache
def model_of(kind: str) -> Model:
    """A model of a kind: fitted for its scaling and its columns, its weights drawn at random."""
    config, panel = CONFIGS[kind], panel_of(kind)
    ends = (np.full(len(panel.ids), end) for end in (120, 160, 200))
    training = {"steps": 1, "evaluate_every": 1}
    config = small(config, **training)
    forecaster = RecurrentForecaster(config).fit(panel, Split(*ends))
    torch.manual_seed(len(kind))
    with torch.no_grad():
        for weight in forecaster.network_.parameters():
            weight.copy_(0.25 * torch.randn(weight.shape))
    moves = calibration(config.network.levels or LEVELS)
    return Model(forecaster, FitOptions(), config.season, (), About(), calibration=moves)


def small(config: ForecasterConfig, **training: int) -> ForecasterConfig:
    """The same with other settings of training."""
    import msgspec  # noqa: PLC0415

    return msgspec.structs.replace(config, training=msgspec.structs.replace(config.training, **training))


def panel_of(kind: str) -> Panel:
    """The table that a kind reads: no covariates where a net feeds its forecasts back."""
    return table("windows fed back" if CONFIGS[kind].network.recursive else "gru")


def forecast_of(model: Model, panel: Panel, rows: int) -> Forecast:
    """What `predict` says after so many rows of each series, from the whole table in one pass."""
    assert model.calibration is not None
    return Calibrated(model.forecaster, model.calibration).forecast(panel, at([rows] * len(panel.ids)), model.horizon)


def apart(model: Model, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference on the scaled values, relative where they are larger than 1."""
    scaling, targets = model.forecaster.fitted_.scaling, theirs.shape[2]
    shape = (len(theirs), 1, targets) + (1,) * (theirs.ndim - 3)
    centre, scale = (part[:, :targets].reshape(shape) for part in (scaling.centre, scaling.scale))
    return float((np.abs(ours - theirs) / scale / np.maximum(np.abs((theirs - centre) / scale), 1)).max())


@cache
def model_with_everything() -> Model:
    """Words, static covariates, covariates past and future, and a calendar, in two nets of different first weights."""
    return fit(shops(), horizon=4, **WITH_EVERYTHING)


WITH_EVERYTHING = {
    "id": "shop",
    "time": "ds",
    "target": "y",
    "past": ("rain",),
    "future": ("price", "offer"),
    "static": ("size", "town"),
    "hidden_size": 6,
    "steps": 3,
    "ensemble": 2,
    "embedding": 2,
    "lookback": 12,
    "mode": "windows",
}


def shops(rows: int = 160) -> pl.DataFrame:
    """Daily rows of two shops."""
    rng = np.random.default_rng(5)
    days = pl.date_range(pl.date(2021, 1, 1), pl.date(2021, 1, 1) + pl.duration(days=rows - 1), eager=True)
    frames = [
        pl.DataFrame(
            {
                "shop": [name] * rows,
                "ds": days,
                "rain": rng.random(rows),
                "price": 2 + rng.random(rows),
                "offer": [("no", "half", "two")[k % 3] for k in range(rows)],
                "size": [size] * rows,
                "town": [town] * rows,
                "y": 20 * size + 5 * np.sin(np.arange(rows) * 2 * np.pi / 7) + rng.random(rows),
            }
        )
        for name, size, town in (("north", 1.0, "Ulm"), ("south", 3.0, "Bonn"))
    ]
    return pl.concat(frames)


TROUBLES = ("constant", "far away", "tiny", "nothing for long")


def troubled(panel: Panel, trouble: str, *, far: float, silent: int) -> Panel:
    """A panel with one of `TROUBLES`: `far` times as large, or without a value from the sixth row up to `silent`."""
    values = panel.values.copy()
    values = {"constant": np.full_like(values, 7.0), "far away": far * values, "tiny": 1e-9 * values}.get(
        trouble, values
    )
    if trouble == "nothing for long":
        for start in panel.offsets[:-1]:
            values[start + 5 : start + silent] = np.nan
    return with_values(panel, values)
