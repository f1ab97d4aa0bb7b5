"""Local nets: one small net for each series, which learns from its own series alone."""

from dataclasses import replace

import numpy as np
import pytest

from builders import SEASON, poisoned, small_config, waves, with_values
from gatecast.data.panel import Panel, some_series
from gatecast.data.splits import Origins, Split, rolling_origins, split_by_time
from gatecast.errors import OptionError
from gatecast.evaluation.baselines import baselines_by_name
from gatecast.forecast import Forecaster
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.forecaster.local import LocalNets, local_config
from gatecast.models.config import NetworkConfig
from gatecast.models.normalising import Subtract
from gatecast.nn import LayerConfig

UNITS = 4


def config(mode: Mode = "windows", subtract: Subtract = "last") -> ForecasterConfig:
    layer = LayerConfig(hidden_size=16, num_layers=2)
    network = NetworkConfig(layer=layer, embedding=0 if mode == "sequences" else 2)
    return local_config(small_config(network=network, mode=mode, subtract=subtract, steps=40), UNITS)


def uneven() -> Panel:
    """Five series of different lengths and dynamics, with gaps."""
    panel = waves(series=5, rows=240)
    values = panel.values.copy()
    values[7::31] = np.nan
    for number in range(5):
        rows = panel.rows(number)
        values[rows] *= np.sign(np.sin(np.arange(240) * (number + 1) / 9))[:, None]
    whole = with_values(panel, values)
    keep = np.concatenate([np.arange(240 * i, 240 * i + length) for i, length in enumerate((240, 200, 220, 160, 240))])
    offsets = np.array([0, 240, 440, 660, 820, 1060])
    return replace(whole, offsets=offsets, times=whole.times[keep], values=whole.values[keep])


def own_split(panel: Panel, horizon: int = 6) -> Split:
    ends = panel.lengths
    return Split(ends - 8 * horizon, ends - 4 * horizon, ends)


def test_a_block_of_local_nets_is_a_forecaster() -> None:
    assert isinstance(LocalNets(config()), Forecaster)


def test_the_configuration_keeps_what_is_seen_and_leaves_out_what_one_series_cannot_teach() -> None:
    one = small_config(network=NetworkConfig(layer=LayerConfig(cell="lstm", hidden_size=64, num_layers=3), ensemble=3))
    local = local_config(one, 9)
    same = ("mode", "lookback", "horizon", "season", "subtract", "normalise", "scaler", "calendar", "flags")
    assert all(getattr(local, name) == getattr(one, name) for name in same)
    assert local.network.layer == LayerConfig(cell="lstm", hidden_size=9)
    assert (local.network.ensemble, local.network.quantiles) == (1, one.network.quantiles)


@pytest.mark.parametrize("mode", ["windows", "sequences"])
def test_each_local_net_is_the_net_that_its_series_would_have_alone(mode: Mode) -> None:
    panel, local = uneven(), config(mode)
    split = own_split(panel)
    origins = rolling_origins(split.validation_end, split.test_end, 6, 6)
    together = LocalNets(local).fit(panel, split).forecast(panel, origins, 6)
    for number in range(5):
        keep = np.array([number])
        alone = some_series(panel, keep)
        parts = Split(*(end[keep] for end in (split.train_end, split.validation_end, split.test_end)))
        single = RecurrentForecaster(local).fit(alone, parts)
        own = single.forecast(alone, origins.of(keep), 6)
        mine = origins.series == number
        spread = float(np.nanstd(alone.values))
        # Rounding of float32 in gradients (some 1e-6) moves a weight by at most 40 steps of 5e-3 times it, and the
        # forecast by that of some hundred weights.
        allowed = 1e-6 * 40 * 5e-3 * 1e3 * spread
        assert np.abs(together.quantiles[mine] - own.quantiles).max() <= allowed
        base = baselines_by_name(["naive"], 1)[0].forecast(alone, origins.of(keep), 6)
        assert np.abs(together.mean[mine] - base.mean).max() > 100 * allowed, "the net has learnt nothing"


@pytest.mark.parametrize("poison", [np.nan, 1e9, np.inf])
def test_a_poisoned_future_changes_no_local_forecast(poison: float) -> None:
    panel = waves(series=3)
    split = split_by_time(panel, 6)
    origins = rolling_origins(split.validation_end, split.test_end, 6, 6, 1)
    spoilt = poisoned(panel, origins.position, poison)
    forecast = LocalNets(config()).fit(panel, split).forecast(panel, origins, 6)
    again = LocalNets(config()).fit(spoilt, split).forecast(spoilt, origins, 6)
    assert np.array_equal(forecast.quantiles, again.quantiles)


def test_a_local_net_does_not_see_the_other_series() -> None:
    panel = waves(series=3)
    split = split_by_time(panel, 6)
    other = panel.values.copy()
    other[panel.rows(1)] = 1e3 * np.random.default_rng(1).normal(size=(240, 1))
    origins = rolling_origins(split.validation_end, split.test_end, 6, 6)
    both = [
        LocalNets(config()).fit(each, split).forecast(each, origins, 6) for each in (panel, with_values(panel, other))
    ]
    mine = origins.series != 1
    assert np.array_equal(both[0].quantiles[mine], both[1].quantiles[mine])
    assert not np.allclose(both[0].mean[~mine], both[1].mean[~mine])


@pytest.mark.parametrize("most", [1, 2])
def test_blocks_change_nothing_but_rounding(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = waves(series=3)
    split = split_by_time(panel, 6)
    origins = rolling_origins(split.validation_end, split.test_end, 6, 6)
    whole = LocalNets(config()).fit(panel, split).forecast(panel, origins, 6)
    monkeypatch.setattr("gatecast.forecaster.local.MOST_NETS", most)
    monkeypatch.setattr("gatecast.forecaster.local.ROWS_AT_ONCE", 100)
    parts = LocalNets(config()).fit(panel, split).forecast(panel, origins, 6)
    np.testing.assert_allclose(parts.quantiles, whole.quantiles, rtol=0, atol=2e-4)


def test_a_series_too_short_to_learn_from_is_forecast_by_the_base_and_told() -> None:
    panel = uneven()
    ends = panel.lengths
    split = Split(np.where(ends < 200, 30, ends - 48), np.where(ends < 200, 36, ends - 24), ends)
    nets = LocalNets(config()).fit(panel, split)
    origins = rolling_origins(split.validation_end, split.test_end, 6, 6)
    short = origins.series == 3
    naive = baselines_by_name(["naive"], 1)[0].forecast(panel, origins, 6)
    np.testing.assert_allclose(nets.forecast(panel, origins, 6).mean[short], naive.mean[short], rtol=1e-6, atol=1e-5)
    assert nets.notes_ == (
        "local: 1 of 5 series are too short to train a net of their own, and are forecast by what a net starts from.",
    )


def test_a_series_that_was_not_there_is_forecast_by_the_base() -> None:
    panel = waves(series=3)
    split = split_by_time(panel, 6)
    nets = LocalNets(config()).fit(panel, split)
    new = replace(panel, ids=("s0", "new", "s2"))
    origins = Origins(np.arange(3), np.full(3, 200))
    forecast = nets.forecast(new, origins, 6)
    naive = baselines_by_name(["naive"], 1)[0].forecast(new, origins, 6)
    np.testing.assert_allclose(forecast.mean[1], naive.mean[1], rtol=1e-6)
    np.testing.assert_allclose(forecast.mean[[0, 2]], nets.forecast(panel, origins, 6).mean[[0, 2]])


def test_one_series_and_a_longer_horizon_are_refused() -> None:
    panel = waves(series=1)
    with pytest.raises(OptionError, match="this table has one series: leave --local out"):
        LocalNets(config()).fit(panel, split_by_time(panel, 6))
    panel = waves(series=2)
    nets = LocalNets(config()).fit(panel, split_by_time(panel, 6))
    with pytest.raises(OptionError, match="local nets forecast up to 6 rows ahead, got horizon=7"):
        nets.forecast(panel, Origins(np.array([0]), np.array([200])), 7)


def test_seasonal_bases_and_shorter_horizons_come_out_right() -> None:
    panel = waves(series=2, rows=200)
    split = split_by_time(panel, 6)
    nets = LocalNets(config(subtract="seasonal")).fit(panel, split)
    origins = rolling_origins(split.validation_end, split.test_end, 6, 6)
    whole, short = nets.forecast(panel, origins, 6), nets.forecast(panel, origins, 2)
    assert np.array_equal(whole.quantiles[:, :2], short.quantiles)
    seasonal = baselines_by_name(["seasonal_naive"], SEASON)[0].forecast(panel, origins, 6)
    assert np.abs(whole.mean - seasonal.mean).mean() < 0.3
