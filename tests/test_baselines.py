"""Baselines against statsmodels and plain arithmetic; the future poisoned."""

import numpy as np
import pytest
from statsmodels.tsa.ar_model import AutoReg as OutsideAutoReg
from statsmodels.tsa.ar_model import ar_select_order
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel

from evaluation_panels import panel_of, poisoned, wave
from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.evaluation.baselines import BASELINES, AutoReg, Baseline, Ets, Theta, baselines_by_name, default_baselines
from gatecast.evaluation.baselines.autoreg import choose_order, fit_weights
from gatecast.evaluation.baselines.base import LearntBaseline
from gatecast.evaluation.baselines.ets import _fit

LEARNT = ("autoreg", "ets", "theta")
NAN = float("nan")


def forecasts(baseline: Baseline, series: list[np.ndarray], end: int, positions: list[int], horizon: int) -> np.ndarray:
    """Means from the given positions of series 0, fitted on its rows before `end`; (windows, horizon)."""
    panel = panel_of(series)
    fitted = baseline.fit(panel, np.full(len(series), end))
    origins = Origins(np.zeros(len(positions), dtype=np.int64), np.array(positions))
    return fitted.forecast(panel, origins, horizon).mean[..., 0]


def by_name(name: str, season: int = 1) -> Baseline:
    return baselines_by_name([name], season)[0]


def test_naive_repeats_the_last_observed_value() -> None:
    values = np.array([1.0, 2.0, NAN, 4.0])
    assert forecasts(by_name("naive"), [values], 4, [2, 3, 4], 2).tolist() == [[2, 2], [2, 2], [4, 4]]


def test_seasonal_naive_repeats_the_last_season() -> None:
    values = np.arange(10.0)
    assert forecasts(by_name("seasonal_naive", 3), [values], 10, [7, 10], 5).tolist() == [
        [4, 5, 6, 4, 5],
        [7, 8, 9, 7, 8],
    ]


def test_seasonal_naive_falls_back_to_earlier_seasons_then_to_the_last_value() -> None:
    values = np.array([0.0, 1.0, NAN, 3.0, NAN, NAN, 6.0, NAN, NAN])
    found = forecasts(by_name("seasonal_naive", 3), [values], 9, [9, 2], 3)
    assert found.tolist() == [[6, 1, 6], [1, 0, 1]]


def test_drift_draws_the_line_from_the_first_to_the_last_observed_value() -> None:
    values = np.array([NAN, 1.0, 9.0, 5.0, NAN])
    assert forecasts(by_name("drift"), [values], 5, [4, 5, 2], 2).tolist() == [[7, 9], [9, 11], [1, 1]]


def test_mean_is_that_of_the_observed_rows_before_the_origin() -> None:
    values = np.array([1.0, NAN, 3.0, 8.0])
    assert forecasts(by_name("mean"), [values], 4, [2, 3, 4], 1).tolist() == [[1], [2], [4]]


def test_autoreg_chooses_the_order_that_statsmodels_chooses() -> None:
    for seed, season in ((0, 12), (1, 5), (2, 7)):
        values = wave(300, season, seed)
        outside = ar_select_order(values, maxlag=20, ic="aic").ar_lags or []
        assert choose_order(values - values.mean(), 20) == len(outside)


def test_autoreg_weights_are_those_of_statsmodels() -> None:
    values = wave(300, 12)
    np.testing.assert_allclose(fit_weights(values, 13), OutsideAutoReg(values, lags=13).fit().params, rtol=1e-7)


def test_autoreg_forecasts_as_statsmodels_does_at_every_origin() -> None:
    values = panel_of([wave(400, 12)]).values[:, 0].astype(np.float64)
    positions = [300, 317, 400]
    found = forecasts(AutoReg(12), [values], 300, positions, 30)
    order = choose_order(values[:300] - values[:300].mean(), 75)
    params = OutsideAutoReg(values[:300], lags=order).fit().params
    for row, position in zip(found, positions, strict=True):
        outside = OutsideAutoReg(values[:position], lags=order).predict(params, start=position, end=position + 29)
        np.testing.assert_allclose(row, outside, rtol=1e-8)


def test_theta_forecasts_as_statsmodels_does_at_the_fit_origin() -> None:
    seasonal = wave(203, 12)
    for table, season in ((seasonal, 12), (seasonal - 60, 12), (np.cumsum(seasonal), 1)):
        values = panel_of([table]).values[:, 0].astype(np.float64)
        outside = ThetaModel(values, period=season, deseasonalize=season > 1).fit().forecast(30)
        found = forecasts(Theta(season), [values], 203, [203], 30)[0]
        np.testing.assert_allclose(found, outside, rtol=1e-9)


def test_theta_keeps_its_parameters_and_carries_the_level_on() -> None:
    values = panel_of([wave(240, 12)]).values[:, 0].astype(np.float64)
    fit = ThetaModel(values[:200], period=12).fit()
    alpha, slope = fit.params["alpha"], fit.params["b0"]
    index = np.asarray(fit.forecast_components(12)["seasonal"])  # of rows 200, 201, ...
    level = values[0] / index[(0 - 200) % 12]
    for row in range(230):
        level = alpha * values[row] / index[(row - 200) % 12] + (1 - alpha) * level
    expected = [
        (level + slope / 2 * (h + (1 - (1 - alpha) ** 230) / alpha)) * index[(230 + h - 200) % 12] for h in range(20)
    ]
    np.testing.assert_allclose(forecasts(Theta(12), [values], 200, [230], 20)[0], expected, rtol=1e-9)


@pytest.mark.parametrize("seasonal", [None, "add", "mul"])
@pytest.mark.parametrize("trend", [{"trend": None}, {"trend": "add"}, {"trend": "add", "damped_trend": True}])
def test_ets_forecasts_as_statsmodels_does_with_the_same_parameters(seasonal: str | None, trend: dict) -> None:
    values = wave(220, 12)
    form = trend | ({"seasonal": seasonal, "seasonal_periods": 12} if seasonal else {"seasonal": None})
    states = _fit(values[:180], form)[1]
    positions = np.array([180, 187, 220])
    found = states.rule(values, positions, 30)
    start = {"initial_level": states.level, "initial_trend": states.trend, "initial_seasonal": states.season}
    for row, position in zip(found, positions, strict=True):
        model = ETSModel(values[:position], error="add", initialization_method="known", **form, **start)
        np.testing.assert_allclose(row, model.smooth(states.parameters).forecast(30), rtol=1e-9)


def test_ets_finds_the_season_and_the_trend_that_are_there() -> None:
    t = np.arange(240.0)
    values = (100 + t) * (1 + 0.4 * np.sin(2 * np.pi * t / 12)) + np.random.default_rng(0).normal(size=240)
    truth = (100 + t) * (1 + 0.4 * np.sin(2 * np.pi * t / 12))
    found = forecasts(Ets(12), [values], 216, [216], 24)[0]
    assert np.abs(found - truth[216:]).mean() < 2.0


def test_ets_rarely_sees_a_season_in_noise() -> None:
    noise = [np.random.default_rng(seed).normal(10, 1, size=48) for seed in range(20)]
    seasonal = [np.ptp(forecasts(Ets(12), [values], 48, [48], 12)) > 0.5 for values in noise]
    assert np.mean(seasonal) <= 0.1


@pytest.mark.parametrize("poison", [NAN, 1e9])
@pytest.mark.parametrize("name", list(BASELINES))
def test_future_poisoned_with_nan_changes_nothing(name: str, poison: float) -> None:
    holes = wave(150, 7, seed=1)
    holes[[0, 1, 40, 41, 99]] = NAN
    panel = panel_of(
        [np.column_stack([wave(160, 7), holes[:1].repeat(160)]), np.column_stack([holes, -holes])], targets=("a", "b")
    )
    ends = np.array([120, 100])
    clean = by_name(name, 7).fit(panel, ends)
    dirty = by_name(name, 7).fit(poisoned(panel, ends, poison), ends)
    origins = Origins(np.array([0, 1, 0, 1]), np.array([120, 100, 133, 111]))
    first = clean.forecast(panel, origins, 20).mean
    for window in range(4):
        one = Origins(origins.series[window : window + 1], origins.position[window : window + 1])
        cut = np.where(np.arange(2) == one.series[0], one.position[0], panel.lengths)
        later = dirty.forecast(poisoned(panel, cut, poison), one, 20).mean
        assert np.array_equal(later[0], first[window])


@pytest.mark.parametrize("name", list(BASELINES))
@pytest.mark.parametrize(
    "values",
    [
        np.full(60, 3.0),
        np.array([5.0]),
        np.array([1.0, 2.0, 4.0]),
        np.arange(13.0),
        wave(25, 12),
        np.full(40, NAN),
        np.r_[np.full(30, NAN), 1.0, 2.0],
        np.r_[np.zeros(50), 1.0],
        np.tile([1.0, 5.0, 2.0, 2.0], 16),
        1e12 + wave(80, 12),
        1e-9 * wave(80, 12),
    ],
    ids=["constant", "one", "three", "line", "two seasons", "all missing", "late", "spike", "exact", "high", "low"],
)
def test_odd_series_get_a_finite_forecast(name: str, values: np.ndarray) -> None:
    found = forecasts(by_name(name, 12), [values], len(values), [1, len(values)], 40)
    assert np.isfinite(found).all()
    if len(values) == 60:
        assert np.allclose(found, 3.0)


@pytest.mark.parametrize("name", list(BASELINES))
def test_series_do_not_touch_each_other(name: str) -> None:
    one, other = wave(90, 7, seed=3), wave(70, 7, seed=4)
    alone = forecasts(by_name(name, 7), [one], 60, [60, 75], 9)
    together = forecasts(by_name(name, 7), [one, other], 60, [60, 75], 9)
    panel = panel_of({"b": other, "a": one})
    swapped = (
        by_name(name, 7)
        .fit(panel, np.array([60, 60]))
        .forecast(panel, Origins(np.array([1, 0, 1]), np.array([60, 60, 75])), 9)
    )
    assert np.array_equal(alone, together)
    assert np.array_equal(alone, swapped.mean[[0, 2], :, 0])


@pytest.mark.parametrize("name", list(BASELINES))
def test_a_shift_in_time_or_level_moves_the_forecast_along(name: str) -> None:
    values = wave(120, 7)
    found = forecasts(by_name(name, 7), [values], 100, [110], 14)
    shifted = forecasts(by_name(name, 7), [np.r_[np.full(3, NAN), values]], 103, [113], 14)
    np.testing.assert_allclose(shifted, found, rtol=1e-6)


def test_origins_before_the_learnt_rows_get_the_last_value() -> None:
    values = wave(5000, 7)
    found = forecasts(Ets(7), [values], 5000, [400, 4999], 3)
    np.testing.assert_allclose(found[0], values[399], rtol=1e-6)
    assert np.ptp(found[1]) > 0


def test_a_baseline_that_was_not_fitted_says_so() -> None:
    panel = panel_of([wave(50, 7)])
    with pytest.raises(OptionError, match=r"ets forecasts the series .* fitted on none. Call fit"):
        Ets(7).forecast(panel, Origins(np.array([0]), np.array([50])), 3)


def test_an_origin_outside_its_series_is_refused() -> None:
    panel = panel_of([wave(50, 7)])
    with pytest.raises(OptionError, match=r'origin 1 knows 51 rows of series "s0", which has 50'):
        by_name("naive").forecast(panel, Origins(np.array([0, 0]), np.array([50, 51])), 3)


def test_an_unknown_baseline_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OptionError, match=r"no baseline 'arima'. The baselines are: naive, seasonal_naive, drift"):
        baselines_by_name(["naive", "arima"], 1)


def test_few_series_get_every_baseline() -> None:
    panel = panel_of([wave(100, 7)])
    chosen, notes = default_baselines(7, panel, panel.lengths)
    assert [baseline.name for baseline in chosen] == list(BASELINES)
    assert notes == ()


def test_many_series_leave_out_the_slow_baselines_and_say_so() -> None:
    panel = panel_of([np.zeros(700)] * 20_000, frequency="row")
    chosen, notes = default_baselines(24, panel, panel.lengths)
    assert [baseline.name for baseline in chosen] == ["naive", "seasonal_naive", "drift", "mean"]
    assert any("ets left out: 20,000 series would take about " in note and "--baselines" in note for note in notes)


def test_no_season_leaves_out_the_seasonal_naive() -> None:
    panel = panel_of([wave(100, 7)])
    chosen, notes = default_baselines(1, panel, panel.lengths)
    assert "seasonal_naive" not in [baseline.name for baseline in chosen]
    assert notes == ("seasonal_naive left out: with season=1 it is the same as naive.",)


def test_only_learnt_baselines_take_time() -> None:
    assert tuple(name for name in BASELINES if isinstance(by_name(name), LearntBaseline)) == LEARNT
