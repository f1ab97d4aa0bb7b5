"""Calibrated quantiles: nominal where theory says so, honest where data are few, and the same after saving."""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from scipy.stats import binom

from builders import small_config, waves
from evaluation_panels import panel_of
from gatecast.artifact import MANIFEST, load, load_all, read_manifest, save
from gatecast.data.panel import Panel
from gatecast.data.splits import Origins, rolling_origins, split_by_time
from gatecast.errors import ArtifactError, InputError, OptionError
from gatecast.evaluation.backtest import actuals, backtest
from gatecast.evaluation.baselines import Naive
from gatecast.evaluation.calibration import Calibrated, Calibration, past_scale
from gatecast.evaluation.conformal import calibrate, residuals_needed
from gatecast.forecast import Forecast
from gatecast.forecaster import RecurrentForecaster
from gatecast.saved import seal

LEVELS = (0.1, 0.5, 0.9)
NORMAL = np.array([-1.2815515655446004, 0.0, 1.2815515655446004])  # the quantiles of a standard normal at LEVELS


def made(quantiles: np.ndarray, levels: tuple[float, ...] = LEVELS, mean: np.ndarray | None = None) -> Forecast:
    """A forecast with these quantiles, (windows, horizon, targets, levels), or a point forecast with this mean."""
    if mean is None:
        mean = quantiles[..., levels.index(0.5)]
    windows, horizon, targets = mean.shape
    cutoffs = np.arange(windows)
    series = np.zeros(windows, dtype=np.int64)
    names = tuple(f"y{i}" for i in range(targets))
    return Forecast(("a",), names, series, cutoffs, cutoffs[:, None] + np.arange(horizon), mean, levels, quantiles)


def point(mean: np.ndarray) -> Forecast:
    return made(np.empty((*mean.shape, 0)), (), mean)


def spread(windows: int, horizon: int = 1, centre: float = 0.0, width: float = 1.0) -> Forecast:
    """Quantiles of a normal distribution, the same in every window."""
    return made(np.broadcast_to(centre + width * NORMAL, (windows, horizon, 1, 3)).copy())


def ones(forecast: Forecast) -> np.ndarray:
    return np.ones((len(forecast.mean), forecast.mean.shape[2]))


def calibrated(forecast: Forecast, actual: np.ndarray, **how: object) -> Calibration:
    return calibrate(forecast, actual, ones(forecast), **how)


def shares(forecast: Forecast, actual: np.ndarray) -> np.ndarray:
    return (actual[..., None] <= forecast.quantiles).mean(axis=(0, 1, 2))


def binomial(count: int, share: float) -> tuple[float, float]:
    """Counts outside of which a binomial number falls once in a million."""
    return binom.ppf(5e-7, count, share), binom.ppf(1 - 5e-7, count, share)


# Coverage


@pytest.mark.parametrize("windows", [9, 20, 57])
def test_the_next_exchangeable_value_lies_below_as_often_as_the_rank_promises(windows: int) -> None:
    draws = 4000  # each step of the horizon is calibrated apart, so each is a draw of its own
    values = np.random.default_rng(0).gamma(2.0, size=(windows + 1, draws, 1))
    found = calibrated(spread(windows, draws), values[1:], move_median=True)
    now = spread(1, draws)
    below = (values[:1, ..., None] <= found.apply(now, ones(now)).quantiles).sum(axis=(0, 1, 2))
    for index, rank in ((0, math.floor((windows + 1) / 10)), (2, math.ceil((windows + 1) * 9 / 10))):
        low, high = binomial(draws, rank / (windows + 1))
        assert low <= below[index] <= high
    assert below[2] - below[0] >= binomial(draws, 0.8)[0]


@pytest.mark.parametrize("width", [0.2, 1.0, 5.0], ids=["narrow", "right", "wide"])
@pytest.mark.parametrize("centre", [0.0, 0.1])
def test_a_forecast_of_the_wrong_width_becomes_right(width: float, centre: float) -> None:
    random = np.random.default_rng(1)
    past, later = random.normal(size=(2, 4000, 3, 1))
    found = calibrated(spread(4000, 3, centre, width), past)
    forecast = spread(4000, 3, centre, width)
    moved = found.apply(forecast, ones(forecast))
    for step in range(3):
        share = (later[:, step] <= moved.quantiles[:, step, 0][:, [0, 2]]).mean(axis=0)
        # Twice the spread of a share of 4,000: once for what was calibrated on, once for what is judged.
        np.testing.assert_allclose(share, [0.1, 0.9], atol=5 * math.sqrt(2 * 0.09 / 4000))
    np.testing.assert_array_equal(moved.quantiles[..., 1], forecast.quantiles[..., 1])
    np.testing.assert_array_equal(moved.mean, forecast.mean)


@pytest.mark.parametrize("bias", [-3.0, 3.0])
def test_a_biased_forecast_keeps_its_median_and_covers_or_loses_its_bias_when_asked(bias: float) -> None:
    random = np.random.default_rng(2)
    past, later = random.normal(size=(2, 4000, 1, 1))
    forecast = spread(4000, centre=bias)
    within = 5 * math.sqrt(2 * 0.25 / 4000)
    moved = calibrated(forecast, past, move_median=True).apply(forecast, ones(forecast))
    np.testing.assert_allclose(shares(moved, later), LEVELS, atol=within)
    np.testing.assert_array_equal(moved.mean, moved.quantiles[..., 1])
    kept = calibrated(forecast, past).apply(forecast, ones(forecast))
    np.testing.assert_array_equal(kept.mean, forecast.mean)
    inside = (kept.quantiles[..., 0] <= later) & (later <= kept.quantiles[..., 2])
    assert inside.mean() >= 0.9 - within, "the end on the far side stands at its level, the other at the median"


def test_each_step_and_target_has_offsets_of_its_own() -> None:
    random = np.random.default_rng(3)
    size = np.array([[1.0, 10.0], [4.0, 0.1]])  # by step and target
    actual = size * random.normal(size=(5000, 2, 2))
    forecast = made(np.broadcast_to(NORMAL, (5000, 2, 2, 3)).copy())
    moved = calibrated(forecast, actual).apply(forecast, ones(forecast)).quantiles[0]
    np.testing.assert_allclose(moved, size[..., None] * NORMAL, rtol=0.15)


def test_units_of_width_follow_intervals_that_differ_and_units_of_series_do_not() -> None:
    random = np.random.default_rng(4)
    size = np.where(np.arange(6000) % 2, 1.0, 20.0)[:, None, None]
    actual = size * random.normal(size=(6000, 1, 1))
    forecast = made(
        0.5 * size[..., None] * NORMAL
    )  # right about which windows are uncertain, and half as wide as it must

    def coverage(unit: str) -> np.ndarray:
        moved = calibrated(forecast, actual, unit=unit).apply(forecast, ones(forecast))
        inside = (moved.quantiles[..., 0] <= actual) & (actual <= moved.quantiles[..., 2])
        return np.array([inside[0::2].mean(), inside[1::2].mean()])

    np.testing.assert_allclose(coverage("width"), 0.8, atol=0.03)
    assert abs(coverage("series") - 0.8).min() > 0.1


def test_the_residuals_of_series_are_pooled_in_units_of_their_scale() -> None:
    random = np.random.default_rng(5)
    scale = np.where(np.arange(4000) % 2, 1.0, 100.0)[:, None]
    actual = scale[..., None] * random.normal(size=(4000, 1, 1))
    forecast = point(np.zeros((4000, 1, 1)))
    moved = calibrate(forecast, actual, scale, levels=LEVELS).apply(forecast, scale)
    np.testing.assert_allclose(moved.quantiles[:, 0, 0], scale * NORMAL, rtol=0.1)


def test_a_point_forecast_gets_quantiles_of_its_residuals_by_step() -> None:
    residuals = np.stack([np.arange(1.0, 20), 10 * np.arange(1.0, 20)], axis=1)[..., None]
    forecast = point(np.full((19, 2, 1), 7.0))
    moved = calibrated(forecast, 7 + residuals, levels=(0.1, 0.9)).apply(forecast, ones(forecast))
    np.testing.assert_array_equal(moved.quantiles[0, :, 0], [[9.0, 25.0], [27.0, 187.0]])  # ranks 2 and 18 of 19
    np.testing.assert_array_equal(moved.mean, forecast.mean)
    assert moved.levels == (0.1, 0.9)


def test_a_rank_is_not_thrown_off_by_the_last_bits_of_a_level() -> None:
    forecast = point(np.zeros((179, 1, 1)))
    found = calibrated(forecast, np.arange(1.0, 180)[:, None, None], levels=(0.35, 0.55))
    assert (180 * 0.35 < 63, 180 * 0.55 > 99) == (True, True)
    assert found.offsets == (((63.0, 99.0),),)
    assert [residuals_needed(level) for level in (0.1, 0.9, 0.05, 0.01, 0.5)] == [9, 9, 19, 99, 1]


# Few windows, missing actuals, no width


def test_few_windows_are_pooled_with_neighbouring_steps_and_said_so() -> None:
    random = np.random.default_rng(6)
    forecast, actual = spread(3, 8), random.normal(size=(3, 8, 1))
    found = calibrated(forecast, actual)
    assert found.notes[0] == (
        "the 0.1 quantile takes 9 windows to calibrate, but some steps have 3: each was calibrated together with up to "
        "2 steps on either side."
    )
    below = np.sort((actual[:, 1:6, 0] - NORMAL[0]) / (NORMAL[2] - NORMAL[0]), axis=None)  # 15 values around step 3
    assert found.offsets[3][0][0] == pytest.approx(below[0], rel=1e-12)
    assert len(found.notes) == 2


def test_a_level_that_cannot_be_attained_stands_at_the_outermost_residual_and_is_named() -> None:
    forecast = point(np.zeros((5, 1, 1)))
    actual = np.array([3.0, 1, 4, 1, 5])[:, None, None]
    found = calibrated(forecast, actual, levels=(0.01, 0.5, 0.99))
    assert found.offsets == (((1.0, 0.0, 5.0),),)
    assert found.notes[1] == (
        "the 0.99 quantile takes 99 windows to calibrate, but 5 values were observed in all: it stands at the "
        "outermost of them."
    )


def test_missing_actuals_are_left_out_and_do_not_count() -> None:
    random = np.random.default_rng(7)
    actual = random.normal(size=(40, 2, 1))
    holes = actual.copy()
    holes[::2] = np.nan
    some = calibrated(spread(40, 2), holes)
    assert some == calibrated(spread(20, 2), actual[1::2])
    with pytest.raises(InputError, match=r"y0 was not observed in any of the 40 windows to calibrate on; take more"):
        calibrated(spread(40, 2), np.full_like(actual, np.nan))


def test_a_forecast_without_width_moves_in_units_of_its_series() -> None:
    flat = made(np.zeros((30, 1, 1, 3)))
    actual = np.arange(30.0)[:, None, None]
    scale = np.full((30, 1), 2.0)
    moved = calibrate(flat, actual, scale).apply(flat, scale).quantiles[0, 0, 0]
    np.testing.assert_array_equal(moved, [0.0, 0.0, 27.0])  # ranks 3 and 28 of 0 .. 29; the first stops at the median


def test_quantiles_do_not_cross_whatever_the_offsets() -> None:
    random = np.random.default_rng(8)
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    forecast = made(np.sort(random.normal(size=(50, 4, 2, 5)), axis=-1), levels)
    offsets = msgspec.convert(random.normal(size=(4, 2, 5)).tolist(), tuple[tuple[tuple[float, ...], ...], ...])
    moved = Calibration(levels, offsets).apply(forecast, ones(forecast))
    assert (np.diff(moved.quantiles, axis=-1) >= 0).all()
    without = made(np.delete(forecast.quantiles, 2, -1), (0.05, 0.25, 0.75, 0.95), forecast.mean)
    four = tuple(tuple((*level[:2], *level[3:]) for level in step) for step in offsets)
    free = Calibration(without.levels, four).apply(without, ones(without))
    assert (np.diff(free.quantiles, axis=-1) >= 0).all()
    np.testing.assert_array_equal(free.mean, forecast.mean)


# What does not fit


def test_shapes_and_levels_that_do_not_fit_are_refused() -> None:
    forecast, actual = spread(20, 2), np.zeros((20, 2, 1))
    found = calibrated(forecast, actual)
    with pytest.raises(OptionError, match=r"one actual for each value forecast.*\(20, 2, 1\), got \(20, 3, 1\)"):
        calibrated(forecast, np.zeros((20, 3, 1)))
    with pytest.raises(OptionError, match=r"asked were the levels 0.2 0.8, but the forecast has 0.1 0.5 0.9"):
        calibrated(forecast, actual, levels=(0.2, 0.8))
    with pytest.raises(OptionError, match=r"levels are ascending and between 0 and 1.*got none\..*give levels="):
        calibrated(point(actual), actual)
    with pytest.raises(OptionError, match=r"levels are ascending and between 0 and 1.*got 0.9 0.1"):
        calibrated(point(actual), actual, levels=(0.9, 0.1))
    with pytest.raises(OptionError, match=r"calibrated were 2 steps of 1 targets, but the forecast has 3 steps of 1"):
        found.apply(spread(20, 3), np.ones((20, 1)))
    for scale in (np.ones((19, 1)), np.zeros((20, 1)), np.full((20, 1), np.inf)):
        with pytest.raises(OptionError, match=r"scale is one finite number above 0 .* \(20, 1\)"):
            found.apply(forecast, scale)
    for offsets in ((), (((0.0, 0.0),),), (((0.0, 0.0, math.nan),),), (((0.0,) * 3,), ((0.0,) * 3,) * 2)):
        with pytest.raises(OptionError, match="one finite offset for each step, target and level"):
            Calibration(LEVELS, offsets)


def test_a_shorter_forecast_takes_the_first_steps() -> None:
    random = np.random.default_rng(9)
    found = calibrated(spread(30, 4), random.normal(size=(30, 4, 1)))
    long, short = found.apply(spread(2, 4), np.ones((2, 1))), found.apply(spread(2, 2), np.ones((2, 1)))
    np.testing.assert_array_equal(short.quantiles, long.quantiles[:, :2])


def test_a_calibration_survives_json_bit_for_bit() -> None:
    random = np.random.default_rng(10)
    found = calibrated(spread(5, 3), random.normal(size=(5, 3, 1)), unit="series", move_median=True)
    assert found.notes
    assert msgspec.json.decode(msgspec.json.encode(found), type=Calibration) == found


# The scale, and forecasters


def test_the_past_scale_is_the_mean_change_among_known_rows() -> None:
    values = np.array([1.0, 3, math.nan, 4, 8, 0])
    panel = panel_of([np.stack([values, np.ones(6)], axis=1), np.arange(4.0)[:, None] * [1, 2]], targets=["a", "b"])
    origins = Origins(np.array([0, 0, 0, 0, 1]), np.array([1, 3, 5, 6, 4]))
    expected = [[1, 1], [2, 1], [(2 + 4) / 2, 1], [(2 + 4 + 8) / 3, 1], [1, 2]]
    np.testing.assert_allclose(past_scale(panel, origins), expected, rtol=1e-15)


@pytest.mark.parametrize("poison", [np.nan, 1e9, np.inf])
def test_a_poisoned_future_changes_no_calibrated_forecast(poison: float) -> None:
    panel = panel_of([np.random.default_rng(i).normal(size=200).cumsum() for i in range(2)])
    cutoffs = np.array([120, 150])
    past = rolling_origins(np.array([20, 20]), cutoffs, 4, 1)
    now = Origins(np.array([0, 1]), cutoffs)

    def forecast(table: Panel) -> np.ndarray:
        found = calibrate(
            Naive().forecast(table, past, 4), actuals(table, past, 4), past_scale(table, past), levels=LEVELS
        )
        return Calibrated(Naive(), found).forecast(table, now, 4).quantiles

    values = np.array(panel.values)
    for series, cutoff in enumerate(cutoffs.tolist()):
        values[panel.rows(series)][cutoff:] = poison
    np.testing.assert_array_equal(forecast(replace(panel, values=values)), forecast(panel))


def test_a_calibrated_forecaster_is_judged_like_any_other() -> None:
    panel = panel_of([np.random.default_rng(0).normal(size=3000).cumsum()])
    past = rolling_origins(np.array([10]), np.array([1500]), 3, 1)
    found = calibrate(Naive().forecast(panel, past, 3), actuals(panel, past, 3), past_scale(panel, past), levels=LEVELS)
    later = rolling_origins(np.array([1500]), np.array([3000]), 3, 3)
    result = backtest([Calibrated(Naive(), found)], panel, later, 3)
    inside = (result.forecasts["naive"].quantiles[..., 0] <= result.actual) & (
        result.actual <= result.forecasts["naive"].quantiles[..., 2]
    )
    # A walk of normal steps: the residuals of step h over the origins are independent h rows apart.
    np.testing.assert_allclose(inside.mean(axis=(0, 2)), 0.8, atol=4 * math.sqrt(0.16 * 3 * (1 / 1500 + 1 / 1500)))


# The artifact


@pytest.fixture(scope="module")
def net() -> tuple[Panel, RecurrentForecaster, Calibration]:
    panel = waves(past=1)
    split = split_by_time(panel, 6)
    forecaster = RecurrentForecaster(small_config(steps=4)).fit(panel, split)
    origins = rolling_origins(split.train_end, split.validation_end, 6, 1)
    forecast = forecaster.forecast(panel, origins, 6)
    return panel, forecaster, calibrate(forecast, actuals(panel, origins, 6), past_scale(panel, origins))


def test_a_saved_calibration_forecasts_bit_for_bit_the_same(
    net: tuple[Panel, RecurrentForecaster, Calibration], tmp_path: object
) -> None:
    panel, forecaster, found = net
    folder = save(forecaster, str(tmp_path), calibration=found)
    loaded = load_all(folder)
    assert loaded.calibration == found
    origins = Origins(np.array([0, 1]), np.array([200, 230]))
    before, after = (
        Calibrated(f, c).forecast(panel, origins, 6)
        for f, c in ((forecaster, found), (loaded.forecaster, loaded.calibration))
    )
    np.testing.assert_array_equal(after.quantiles, before.quantiles)
    np.testing.assert_array_equal(after.mean, before.mean)
    plain = forecaster.forecast(panel, origins, 6)
    np.testing.assert_array_equal(before.mean, plain.mean)
    assert not np.array_equal(before.quantiles, plain.quantiles)
    assert load(folder)[0].config == forecaster.config


def test_a_model_from_before_calibration_loads_without_one(
    net: tuple[Panel, RecurrentForecaster, Calibration], tmp_path: object
) -> None:
    folder = save(net[1], str(tmp_path))
    tree = msgspec.json.decode((folder / MANIFEST).read_bytes())
    del tree["calibration"]
    (folder / MANIFEST).write_bytes(seal(msgspec.json.encode(tree), tree["seal"]))
    assert read_manifest(folder).calibration is None
    assert load_all(folder).calibration is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"offsets": [[[0.0, 0.0, 0.0]]] * 5}, r"\(5, 1, \(0.1, 0.5, 0.9\)\), but the net has \(6, 1"),
        ({"offsets": [[[0.0, 0.0, 0.0]] * 2] * 6}, r"\(6, 2, .* but the net has \(6, 1"),
        ({"levels": [0.2, 0.5, 0.8]}, r"0.2, 0.5, 0.8.* but the net has \(6, 1, \(0.1, 0.5, 0.9"),
        ({"offsets": [[[0.0, 0.0, None]]] * 6}, "not a model description"),
        ({"levels": [0.9, 0.5, 0.1]}, "levels are ascending"),
        ({"unit": "metres"}, "not a model description"),
    ],
)
def test_the_calibration_of_another_net_is_refused(
    net: tuple[Panel, RecurrentForecaster, Calibration], tmp_path: object, change: dict[str, object], told: str
) -> None:
    folder = save(net[1], str(tmp_path), calibration=net[2])
    tree = msgspec.json.decode((folder / MANIFEST).read_bytes())
    tree["calibration"] |= change
    (folder / MANIFEST).write_bytes(seal(msgspec.json.encode(tree), tree["seal"]))
    with pytest.raises(ArtifactError, match=told):
        load_all(folder)
