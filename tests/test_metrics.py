"""Metrics against slow obvious loops and an outside library."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from utilsforecast import losses

from gatecast.evaluation.metrics import (
    Interval,
    coverage,
    interval_score,
    mae,
    mase,
    msis,
    pinball,
    rmse,
    seasonal_error,
    shares_below,
    smape,
)

VALUES = st.floats(-1e6, 1e6, allow_nan=False)
LEVELS = (0.1, 0.5, 0.9)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Actuals, some missing, and forecasts; (windows, steps)."""
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 4)))
    actual = draw(arrays(np.float64, shape, elements=VALUES | st.just(math.nan)))
    return actual, draw(arrays(np.float64, shape, elements=VALUES))


def pairs(actual: np.ndarray, forecast: np.ndarray) -> list[tuple[float, float]]:
    both = zip(actual.ravel().tolist(), forecast.ravel().tolist(), strict=True)
    return [(y, f) for y, f in both if not math.isnan(y)]


def average(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


@given(cases())
@settings(max_examples=60, deadline=None)
def test_pooled_metrics_equal_the_obvious_loop(case: tuple[np.ndarray, np.ndarray]) -> None:
    actual, forecast = case
    seen = pairs(actual, forecast)
    relative = [0.0 if y == f == 0 else 200 * abs(y - f) / (abs(y) + abs(f)) for y, f in seen]
    np.testing.assert_allclose(mae(actual, forecast), average([abs(y - f) for y, f in seen]), rtol=1e-12)
    np.testing.assert_allclose(rmse(actual, forecast), average([(y - f) ** 2 for y, f in seen]) ** 0.5, rtol=1e-12)
    np.testing.assert_allclose(smape(actual, forecast), average(relative), rtol=1e-12)


@given(cases(), st.data())
@settings(max_examples=60, deadline=None)
def test_mase_equals_the_obvious_loop(case: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    actual, forecast = case
    windows = len(actual)
    series = data.draw(arrays(np.int64, windows, elements=st.integers(0, 2)))
    scale = data.draw(arrays(np.float64, 3, elements=st.floats(0.1, 10)))[series]
    each = []
    for name in range(3):
        errors = [
            abs(y - f) / scale[w] for w in range(windows) if series[w] == name for y, f in pairs(actual[w], forecast[w])
        ]
        each += [average(errors)] if errors else []
    np.testing.assert_allclose(mase(actual, forecast, scale, series), average(each), rtol=1e-12)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_quantile_metrics_equal_the_obvious_loop(case: tuple[np.ndarray, np.ndarray]) -> None:
    actual, low = case
    spread = np.stack([low, low + 1, low + 2], axis=-1)
    loss, inside = [], []
    for y, f in pairs(actual, low):
        loss += [level * (y - f - k) if y >= f + k else (1 - level) * (f + k - y) for k, level in enumerate(LEVELS)]
        inside.append(float(f <= y <= f + 2))
    np.testing.assert_allclose(pinball(actual, spread, np.array(LEVELS)), average(loss), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(coverage(actual, low, low + 2), average(inside))


def test_metrics_equal_those_of_utilsforecast() -> None:
    random = np.random.default_rng(0)
    history = random.gamma(3.0, size=(4, 60))
    actual, forecast = random.gamma(3.0, size=(4, 8)), random.gamma(3.0, size=(4, 8))
    low, high = forecast - 1.5, forecast + 1.5
    ids = np.repeat(["a", "b", "c", "d"], 8)
    columns = {"y": actual, "m": forecast, "m-lo-80": low, "m-hi-80": high}
    frame = pl.DataFrame(
        {"unique_id": ids, "ds": np.tile(np.arange(8), 4)} | {k: v.ravel() for k, v in columns.items()}
    )
    train = pl.DataFrame({"unique_id": np.repeat(["a", "b", "c", "d"], 60), "y": history.ravel()})

    def theirs(result: pl.DataFrame) -> float:
        return float(np.mean(result["m"].to_numpy()))

    scale = np.array([seasonal_error(row, 7) for row in history])
    root = losses.rmse(frame, ["m"])["m"].to_numpy()
    assert mae(actual, forecast) == pytest.approx(theirs(losses.mae(frame, ["m"])), rel=1e-12)
    assert rmse(actual, forecast) == pytest.approx(float(np.sqrt(np.mean(root**2))), rel=1e-12)
    assert smape(actual, forecast) == pytest.approx(200 * theirs(losses.smape(frame, ["m"])), rel=1e-12)
    assert mase(actual, forecast, scale) == pytest.approx(theirs(losses.mase(frame, ["m"], 7, train)), rel=1e-12)
    assert coverage(actual, low, high) == pytest.approx(theirs(losses.coverage(frame, ["m"], 80)), rel=1e-12)
    interval = Interval(low, high, 0.1, 0.9)
    winkler = losses.winkler_score(frame, ["m"], level=80)
    assert interval_score(actual, interval) == pytest.approx(theirs(winkler), rel=1e-12)
    each = winkler.sort("unique_id")["m"].to_numpy()
    assert msis(actual, interval, scale) == pytest.approx(float(np.mean(each / scale)), rel=1e-12)
    below = losses.calibration(frame, {"m": "m-lo-80"})
    assert shares_below(actual, low[..., None])[0] == pytest.approx(theirs(below), rel=1e-12)
    at_tenth = losses.quantile_loss(frame, {"m": "m-lo-80"}, q=0.1)
    assert pinball(actual, low[..., None], np.array([0.1])) == pytest.approx(theirs(at_tenth), rel=1e-12)


@given(cases(), st.tuples(st.floats(0.01, 0.49), st.floats(0.51, 0.99)))
@settings(max_examples=60, deadline=None)
def test_interval_metrics_equal_the_obvious_loop(
    case: tuple[np.ndarray, np.ndarray], levels: tuple[float, float]
) -> None:
    actual, low = case
    width, (lower, upper) = np.abs(low) + 1, levels
    interval = Interval(low, low + width, lower, upper)
    scores, below = [], []
    for (y, f), (_, w) in zip(pairs(actual, low), pairs(actual, width), strict=True):
        miss = (f - y) / lower if y < f else (y - (f + w)) / (1 - upper) if y > f + w else 0.0
        scores.append((f + w) - f + miss)
        below.append((float(y <= f), float(y <= f + w)))
    np.testing.assert_allclose(interval_score(actual, interval), average(scores), rtol=1e-12)
    expected = [average([share[k] for share in below]) for k in range(2)]
    np.testing.assert_allclose(shares_below(actual, np.stack([low, low + width], axis=-1)), expected, rtol=1e-12)
    whole = np.isfinite(actual).all(axis=1)
    if whole.all():
        twos = np.full(len(actual), 2.0)
        np.testing.assert_allclose(msis(actual, interval, twos), interval_score(actual, interval) / 2, rtol=1e-12)


def test_the_true_interval_has_the_lowest_score() -> None:
    actual = np.random.default_rng(0).normal(size=20000)
    scores = {
        half: interval_score(actual, Interval(np.full(20000, -half), np.full(20000, half), 0.1, 0.9))
        for half in (0.8, 1.0, 1.2816, 1.6, 2.0)
    }
    assert min(scores, key=scores.__getitem__) == 1.2816


def test_each_series_counts_the_same_in_mase_whatever_its_windows() -> None:
    actual = np.array([[1.0], [1.0], [1.0], [4.0]])
    series = np.array([0, 0, 0, 1])
    assert mase(actual, np.zeros((4, 1)), np.ones(4), series) == 2.5


def test_a_missing_actual_is_left_out_and_a_missing_series_too() -> None:
    actual = np.array([[1.0, math.nan], [math.nan, math.nan]])
    forecast = np.zeros((2, 2))
    assert mae(actual, forecast) == rmse(actual, forecast) == mase(actual, forecast, np.ones(2)) == 1.0
    assert coverage(actual, forecast, forecast + 2) == 1.0
    assert math.isnan(mae(np.full((1, 1), math.nan), np.zeros((1, 1))))


def test_zero_forecast_of_zero_is_no_error_in_smape() -> None:
    assert smape(np.array([0.0, 0.0]), np.array([0.0, 3.0])) == 100.0


def test_seasonal_error_skips_pairs_with_a_missing_row() -> None:
    history = np.array([1.0, 2.0, math.nan, 5.0, 9.0, 6.0])
    assert seasonal_error(history, 2) == 2.0  # |5 - 2| and |6 - 5|; the pairs with row 2 are not seen
    assert math.isnan(seasonal_error(history[:2], 2))
