"""RecurrentForecaster: no future leaks in, no state is shared."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from builders import SEASON, poisoned, small_config, waves, with_values
from gatecast.artifact import load, save
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Origins, rolling_origins, split_by_time
from gatecast.errors import ColumnError, InputError, OptionError, TimeError
from gatecast.forecaster import RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.models.losses import LossName
from gatecast.nn import CELLS, LayerConfig

ORIGINS = Origins(np.array([0, 0, 1]), np.array([150, 199, 170]))


def fitted(panel: Panel, network: NetworkConfig | None = None, **settings: object) -> RecurrentForecaster:
    return RecurrentForecaster(small_config(network=network, **settings)).fit(panel, split_by_time(panel, 6))


@pytest.mark.parametrize("poison", [np.nan, 1e9, np.inf])
@pytest.mark.parametrize("subtract", ["last", "seasonal", "none"])
def test_future_poisoned_with_nan_changes_nothing(poison: float, subtract: str) -> None:
    panel = waves(past=1)
    forecaster = fitted(panel, subtract=subtract)
    for series, position in ((0, 150), (1, 170)):
        origin = Origins(np.array([series]), np.array([position]))
        clean = forecaster.forecast(panel, origin, 6)
        dirty = forecaster.forecast(poisoned(panel, np.array([position, position]), poison), origin, 6)
        np.testing.assert_array_equal(clean.quantiles, dirty.quantiles)


@pytest.mark.parametrize("poison", [np.nan, 1e9])
def test_a_series_never_trained_on_is_scaled_by_its_past_alone(poison: float) -> None:
    forecaster = fitted(waves())
    other = panel_from_arrays({"new": waves(1, 100).values * 50}, waves().columns, parse_frequency("1h"))
    origin = Origins(np.array([0]), np.array([60]))
    clean = forecaster.forecast(other, origin, 6)
    dirty = forecaster.forecast(poisoned(other, np.array([60]), poison), origin, 6)
    np.testing.assert_array_equal(clean.mean, dirty.mean)
    assert np.abs(clean.mean / 50 - 10).max() < 3


@pytest.mark.parametrize("cell", CELLS)
def test_moving_the_last_observation_moves_step_one(cell: str) -> None:
    network = NetworkConfig(layer=LayerConfig(cell=cell, hidden_size=8), highway=False)
    panel = waves()
    forecaster = fitted(panel, network, subtract="none")
    values = panel.values.copy()
    values[149] += 1
    moved = forecaster.forecast(with_values(panel, values), Origins(np.array([0]), np.array([150])), 6)
    still = forecaster.forecast(panel, Origins(np.array([0]), np.array([150])), 6)
    assert (np.abs(moved.mean - still.mean)[0, :, 0] > 1e-9).all()


def test_two_concurrent_predictions_do_not_share_state() -> None:
    panel = waves(rows=400)
    forecaster = fitted(panel)
    origins = [Origins(np.array([w % 2]), np.array([150 + w])) for w in range(60)]
    alone = [forecaster.forecast(panel, origin, 6).quantiles for origin in origins]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda origin: forecaster.forecast(panel, origin, 6).quantiles, origins))
    for left, right in zip(alone, together, strict=True):
        np.testing.assert_array_equal(left, right)


def test_forecasts_depend_on_their_own_window_only() -> None:
    panel = waves()
    forecaster = fitted(panel)
    together = forecaster.forecast(panel, ORIGINS, 6).mean
    for index in range(len(ORIGINS)):
        origin = Origins(ORIGINS.series[[index]], ORIGINS.position[[index]])
        np.testing.assert_allclose(forecaster.forecast(panel, origin, 6).mean[0], together[index], rtol=1e-6)


@pytest.mark.parametrize("loss", ["quantile", "normal", "student", "mixture"])
def test_quantiles_are_in_order_and_the_point_forecast_is_the_median(loss: LossName) -> None:
    panel = waves()
    forecast = fitted(panel, NetworkConfig(loss=loss)).forecast(panel, ORIGINS, 6)
    assert np.isfinite(forecast.quantiles).all()
    assert forecast.levels == (0.1, 0.5, 0.9)
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()
    np.testing.assert_array_equal(forecast.mean, forecast.quantiles[..., 1])


def test_untrained_seasonal_net_is_the_seasonal_naive_forecast_on_the_original_scale() -> None:
    panel = waves()
    config = small_config(subtract="seasonal")
    forecaster = RecurrentForecaster(config)
    forecaster.prepare(panel, split_by_time(panel, 6))
    forecaster.network_.eval()
    mean = forecaster.forecast(panel, ORIGINS, 6).mean[0, :, 0]
    np.testing.assert_allclose(mean, panel.values[150 - SEASON : 156 - SEASON, 0], rtol=1e-6)


def test_a_shorter_horizon_gives_the_first_steps_and_a_longer_one_is_refused() -> None:
    panel = waves()
    forecaster = fitted(panel)
    np.testing.assert_array_equal(
        forecaster.forecast(panel, ORIGINS, 2).mean, forecaster.forecast(panel, ORIGINS, 6).mean[:, :2]
    )
    with pytest.raises(OptionError, match="up to 6 rows ahead, got horizon=7"):
        forecaster.forecast(panel, ORIGINS, 7)


def test_other_columns_or_another_step_are_refused() -> None:
    forecaster = fitted(waves())
    with pytest.raises(ColumnError, match="reads the columns y, in this order; got y, x0"):
        forecaster.forecast(waves(past=1), ORIGINS, 6)
    daily = panel_from_arrays({"a": waves(1).values}, waves().columns, parse_frequency("1d"))
    with pytest.raises(TimeError, match="trained on rows 1h apart, but these are 1d apart"):
        forecaster.forecast(daily, Origins(np.array([0]), np.array([100])), 6)


def promotion_panel(rows: int) -> Panel:
    """A target that jumps by 5 exactly when the planned `promo` is on."""
    rng = np.random.default_rng(0)
    promo = (rng.random(rows) < 0.3).astype(float)
    y = 5 * promo + 0.1 * rng.normal(size=rows)
    return panel_from_arrays(
        {"shop": np.column_stack([y, promo])},
        Columns(target=("y",), future=("promo",), time="ds"),
        parse_frequency("1h"),
    )


def test_future_covariates_are_read_at_the_step_they_belong_to() -> None:
    panel = promotion_panel(400)
    forecaster = fitted(panel, steps=400, learning_rate=0.02, evaluate_every=50)
    split = split_by_time(panel, 6)
    origins = rolling_origins(split.validation_end, split.test_end, 6, 6)
    rows = origins.position[:, None] + np.arange(6)
    error = np.abs(forecaster.forecast(panel, origins, 6).mean[..., 0] - panel.values[rows, 0]).mean()
    assert error < 0.5, "without the plan the error is about 2"


def test_a_missing_future_covariate_is_refused_by_series_and_time() -> None:
    panel = promotion_panel(400)
    forecaster = fitted(panel)
    with pytest.raises(InputError, match=r'series "shop" needs promo at .* step 3 of the horizon'):
        forecaster.forecast(panel, Origins(np.array([0]), np.array([398])), 6)


def test_static_covariates_tell_series_apart() -> None:
    base = waves(series=2)
    columns = Columns(target=("y",), id="unique_id", time="ds", static=("size",))
    panel = Panel(
        columns, base.frequency, base.ids, base.offsets, base.times, base.values, np.array([[1.0], [9.0]], "f4")
    )
    forecaster = fitted(panel)
    with torch.no_grad():
        forecaster.network_.decoder.context.weight.normal_()
    swapped = Panel(columns, base.frequency, base.ids, base.offsets, base.times, base.values, panel.static[::-1].copy())
    difference = forecaster.forecast(panel, ORIGINS, 6).mean - forecaster.forecast(swapped, ORIGINS, 6).mean
    assert np.abs(difference).min() > 1e-6


@pytest.mark.parametrize("loss", ["mae", "mse", "huber"])
def test_point_losses_forecast_a_point(loss: str) -> None:
    panel = waves(targets=2)
    forecast = fitted(panel, NetworkConfig(layer=LayerConfig(hidden_size=8), loss=loss)).forecast(panel, ORIGINS, 6)
    assert forecast.levels == ()
    assert forecast.to_frame().columns == ["unique_id", "target", "cutoff", "ds", "mean"]


def test_forecast_frame_carries_names_times_and_quantiles() -> None:
    panel = waves()
    frame = fitted(panel).forecast(panel, ORIGINS, 6).to_frame()
    assert frame.columns == ["unique_id", "cutoff", "ds", "mean", "q0.1", "q0.5", "q0.9"]
    assert frame["unique_id"].to_list() == ["s0"] * 12 + ["s1"] * 6
    step = (frame["ds"] - frame["cutoff"]).dt.total_hours()
    assert step.to_list() == [1, 2, 3, 4, 5, 6] * 3


@pytest.mark.parametrize(("name", "value"), [("lookback", 0), ("horizon", -1), ("season", 0), ("scaler", "log")])
def test_an_impossible_option_is_refused_by_name(name: str, value: object) -> None:
    settings = {"lookback": 4, "horizon": 2} | {name: value}
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(settings, type(small_config()))


@pytest.mark.parametrize(
    "layer",
    [
        *(LayerConfig(cell=cell, hidden_size=6, num_layers=2, bidirectional=True, dropout=0.2) for cell in CELLS),
        LayerConfig(hidden_size=6, reset_after=False),
        LayerConfig(cell="indrnn", hidden_size=6, nonlinearity="tanh"),
        LayerConfig(hidden_size=6, initialization="orthogonal"),
        LayerConfig(cell="lstm", hidden_size=6, initialization="chrono", learn_initial_state=True),
        LayerConfig(cell="slstm", hidden_size=6, learn_initial_state=True),
    ],
    ids=lambda layer: f"{layer.cell}-{layer.initialization}",
)
def test_every_layer_trains_and_comes_back_from_its_artifact_bit_equal(tmp_path: Path, layer: LayerConfig) -> None:
    panel, origin = waves(), Origins(np.array([0]), np.array([150]))
    forecaster = fitted(panel, NetworkConfig(layer=layer))
    assert forecaster.network_.encoder.training is False
    save(forecaster, tmp_path / "model")
    loaded, _ = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.forecast(panel, origin, 6).mean, forecaster.forecast(panel, origin, 6).mean)
    start = RecurrentForecaster(forecaster.config).prepare(panel, split_by_time(panel, 6))[0].encoder
    moved = zip(start.parameters(), forecaster.network_.encoder.parameters(), strict=True)
    assert all(not torch.equal(before, after) for before, after in moved), "every weight of the layer learns"
