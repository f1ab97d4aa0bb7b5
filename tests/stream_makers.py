"""Fitted nets of every kind, and the tables that streams are fed with, for the tests of streaming."""

from functools import cache

import numpy as np

from builders import poisoned, small_config, waves, with_values
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, Split
from gatecast.evaluation.calibration import Calibration
from gatecast.forecast import Forecast
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.streaming import ForecastStream

HORIZON = 6
LEVELS = (0.1, 0.5, 0.9)


def _net(**settings: object) -> NetworkConfig:
    layer = LayerConfig(**({"hidden_size": 8} | settings.pop("layer", {})))  # type: ignore[call-overload]
    return NetworkConfig(layer=layer, **settings)  # type: ignore[arg-type]


KINDS: dict[str, ForecasterConfig] = {
    "gru": small_config(mode="sequences"),
    "gru beside the season": small_config(mode="sequences", subtract="seasonal"),
    "lstm of two layers": small_config(mode="sequences", network=_net(layer={"cell": "lstm", "num_layers": 2})),
    "minlstm from a learnt state": small_config(
        mode="sequences", network=_net(layer={"cell": "minlstm", "learn_initial_state": True})
    ),
    "slstm, which has no kernel": small_config(mode="sequences", network=_net(layer={"cell": "slstm"})),
    "dilated": small_config(
        mode="sequences", network=_net(layer={"num_layers": 2, "dilations": (1, 2)}, loss="student")
    ),
    "ensemble with embeddings": small_config(mode="sequences", network=_net(ensemble=2, embedding=3)),
    "point": small_config(mode="sequences", network=_net(loss="mse")),
    "seq2seq": small_config(mode="sequences", network=_net(decode="seq2seq")),
    "sample paths": small_config(mode="sequences", network=_net(decode="recursive", loss="normal", paths=20)),
    "windows": small_config(),
    "windows with causal features": small_config(normalise="causal"),
    "windows beside their mean": small_config(subtract="mean"),
    "windows in segments": small_config(network=_net(decode="segments", segment=4)),
    "windows fed back": small_config(network=_net(decode="recursive", loss="mae")),
    "windows, both directions": small_config(network=_net(layer={"bidirectional": True})),
}
CARRYING = [kind for kind, config in KINDS.items() if config.mode == "sequences"]

WITHOUT_KERNEL = ("slstm, which has no kernel",)


def table(kind: str = "gru", rows: int = 200, seed: int = 1) -> Panel:
    """Three series of two targets, and a covariate where the net can read one; a twentieth of the values missing."""
    past = 0 if KINDS[kind].network.recursive else 1
    panel = waves(3, rows, targets=2, past=past, seed=seed)
    values = panel.values.copy()
    values[np.random.default_rng(seed).random(values.shape) < 0.05] = np.nan
    return with_values(panel, values)


@cache
def fitted(kind: str = "gru") -> RecurrentForecaster:
    """A net of a kind, trained a little on `table(kind)`."""
    panel = table(kind)
    ends = [np.full(len(panel.ids), end) for end in (120, 160, 200)]
    return RecurrentForecaster(KINDS[kind]).fit(panel, Split(*ends))


def calibration(levels: tuple[float, ...] = LEVELS) -> Calibration:
    """One that moves every quantile of both targets by something else."""
    rng = np.random.default_rng(3)
    moves = rng.normal(size=(HORIZON, 2, len(levels))) * (np.array(levels) != 0.5) * 0.1
    return Calibration(levels, tuple(tuple(tuple(map(float, each)) for each in step) for step in moves))


def observe_row(stream: ForecastStream, panel: Panel, series: int, row: int) -> None:
    """One row of a panel, as a caller would give it."""
    place = panel.offsets[series] + row
    values = [None if np.isnan(value) else float(value) for value in panel.values[place]]
    x = dict(zip(panel.columns.past, values[2:], strict=True))
    stream.observe(panel.ids[series], panel.times[place], values[:2], x)


def at(positions: list[int]) -> Origins:
    """One origin of each series."""
    return Origins(np.arange(len(positions)), np.array(positions))


def assert_same(one: Forecast, other: Forecast) -> None:
    """Forecasts agree in every bit."""
    assert one.ids == tuple(other.ids[series] for series in other.series)
    assert one.levels == other.levels
    for name in ("cutoffs", "times", "mean", "quantiles"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def future_poisoned(panel: Panel, first: list[int]) -> Panel:
    """The panel with nonsense from these positions on."""
    return poisoned(panel, np.array(first), 1e9)
