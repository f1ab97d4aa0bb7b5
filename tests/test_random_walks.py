"""Intervals on random walks: the width at step h is sqrt(h) times that of step 1, whoever forecasts it."""

import math

import msgspec
import numpy as np
import pytest
import torch

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, split_by_time
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.forecaster.laying import lay_out, layout_of
from gatecast.models.config import NetworkConfig
from gatecast.models.decoders import DecoderName
from gatecast.models.distributions import LEAST_SCALE
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig

HORIZON, STEPS = 16, (4, 9, 16)
DEVIATION = 0.5  # of one step of the walk


def walks(series: int, rows: int) -> Panel:
    rng = np.random.default_rng(0)
    arrays = {f"w{i}": DEVIATION * rng.normal(size=(rows, 1)).cumsum(axis=0) for i in range(series)}
    return panel_from_arrays(arrays, Columns(target=("y",)), parse_frequency("row"))


def config(decode: DecoderName, mode: Mode = "windows", scaler: str = "none") -> ForecasterConfig:
    return ForecasterConfig(
        lookback=16,
        horizon=HORIZON,
        mode=mode,
        normalise="causal" if mode == "sequences" or decode == "recursive" else "last",
        scaler=scaler,
        flags=False,
        calendar=(),
        network=NetworkConfig(layer=LayerConfig(hidden_size=8), decode=decode, loss="normal", paths=200),
        training=TrainingConfig(steps=400, learning_rate=5e-3, streams=8, time=64),
    )


def true_net() -> RecurrentForecaster:
    """A walk is Normal around its last value: an untrained net, with the deviation as its bias."""
    panel = walks(1, 200)
    forecaster = RecurrentForecaster(msgspec.structs.replace(config("recursive"), normalise="last"))
    forecaster.prepare(panel, split_by_time(panel, HORIZON))
    with torch.no_grad():
        forecaster.network_.decoder.context.bias[1] = math.log(math.expm1(DEVIATION - LEAST_SCALE))
    forecaster.network_.eval()
    return forecaster


def test_paths_of_the_true_net_are_random_walks() -> None:
    panel, count = walks(1, 200), 40_000
    forecast = true_net().sample(panel, Origins(np.array([0]), np.array([150])), HORIZON, count)
    assert forecast.samples is not None
    walk = forecast.samples[0, :, :, 0] - panel.values[149, 0]
    covariance = np.cov(walk.T, ddof=0) / DEVIATION**2  # of steps s and t: the smaller of both
    expected = np.minimum.outer(np.arange(1, 17), np.arange(1, 17))
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / count)  # Isserlis 1918
    assert (np.abs(covariance - expected) < 5 * error).all()
    assert (np.abs(walk.mean(axis=0)) < 5 * DEVIATION * np.sqrt(np.arange(1, 17) / count)).all()


def test_intervals_of_the_true_net_grow_as_the_root_of_the_step() -> None:
    panel, count = walks(1, 200), 40_000
    forecast = true_net().sample(panel, Origins(np.array([0]), np.array([150])), HORIZON, count)
    width = forecast.quantiles[0, :, 0, 2] - forecast.quantiles[0, :, 0, 0]
    # The deviation of a sample's quantile range: sqrt(2 p (1 - 2 p) / n) / density, p = 0.1 (Cramer 1946, 28.5).
    density = math.exp(-(1.2815515655446004**2) / 2) / math.sqrt(2 * math.pi)
    error = math.sqrt(2 * 0.1 * 0.8 / count) / density / (2 * 1.2815515655446004)  # of the width, as a share of it
    for step in range(1, 17):
        assert width[step - 1] == pytest.approx(2 * 1.2815515655446004 * DEVIATION * step**0.5, rel=5 * error)


def test_feeding_back_the_mean_would_make_intervals_that_do_not_grow() -> None:
    """A uniform number of one half is the mean of a Normal: such paths are drawn at their last step alone."""
    panel, forecaster = walks(1, 200), true_net()
    tensors = lay_out(forecaster.fitted_, panel, forecaster.fitted_.scaling, layout_of(forecaster.config))
    batch = tensors.gather(tensors.place(Origins(np.array([0]), np.array([150]))))
    draws = torch.rand(1, 4000, HORIZON, 1, 2, generator=torch.Generator().manual_seed(0))
    means = draws.clone()
    means[:, :, :-1] = 0.5
    with torch.no_grad():
        ours, theirs = (forecaster.network_.paths(batch, each)[0, :, -1, 0].std().item() for each in (draws, means))
    assert theirs == pytest.approx(DEVIATION, rel=0.05)
    assert ours == pytest.approx(4 * DEVIATION, rel=0.05)


@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_intervals_of_a_trained_recursive_net_grow_as_the_root_of_the_step(mode: Mode) -> None:
    for step, ratio in widths("recursive", mode).items():
        assert ratio == pytest.approx(step**0.5, rel=0.15)


def test_a_direct_density_learns_that_intervals_grow() -> None:
    for step, ratio in widths("direct", "windows").items():
        assert ratio == pytest.approx(step**0.5, rel=0.3)


def widths(decode: DecoderName, mode: Mode) -> dict[int, float]:
    """The mean width of the 80 % interval at some steps, relative to step 1, of a net trained on walks."""
    panel = walks(16, 1000)
    split = split_by_time(panel, HORIZON)
    forecaster = RecurrentForecaster(config(decode, mode, scaler="standard")).fit(panel, split)
    origins = Origins(np.repeat(np.arange(16), 20), np.tile(np.arange(800, 980, 9), 16))
    found = forecaster.forecast(panel, origins, HORIZON).quantiles
    width = (found[..., 2] - found[..., 0]).mean(axis=(0, 2))
    return {step: float(width[step - 1] / width[0]) for step in STEPS}
