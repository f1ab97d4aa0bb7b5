"""Quantiles that follow a series: right in the long run whatever comes, and blind to what has not come yet."""

from dataclasses import replace

import numpy as np
import pytest

from gatecast.data.splits import Origins
from gatecast.errors import OptionError
from gatecast.evaluation.adaptive import AdaptiveCalibration, adapt, adaptive
from gatecast.evaluation.calibration import Calibration
from gatecast.forecast import Forecast

LEVELS = (0.1, 0.5, 0.9)
NORMAL = np.array([-1.2815515655446004, 0.0, 1.2815515655446004])


def none_moved(horizon: int, targets: int = 1, *, move_median: bool = False) -> Calibration:
    return Calibration(LEVELS, (((0.0,) * 3,) * targets,) * horizon, move_median=move_median)


def rolled(values: np.ndarray, horizon: int, stride: int = 1) -> tuple[Forecast, np.ndarray, Origins]:
    """Standard normal quantiles from origins over (rows, targets) values, and what came; NaN past the end."""
    position = np.arange(1, len(values), stride)
    padded = np.concatenate([values, np.full((horizon, values.shape[1]), np.nan)])
    actual = padded[position[:, None] + np.arange(horizon)]
    quantiles = np.broadcast_to(NORMAL, (*actual.shape, 3)).copy()
    series = np.zeros(len(position), dtype=np.int64)
    times = position[:, None] + np.arange(horizon)
    names = tuple(f"y{i}" for i in range(values.shape[1]))
    forecast = Forecast(("a",), names, series, position - 1, times, quantiles[..., 1], LEVELS, quantiles)
    return forecast, actual, Origins(series, position)


def walked(start: AdaptiveCalibration, values: np.ndarray, horizon: int, stride: int = 1) -> np.ndarray:
    forecast, actual, origins = rolled(values, horizon, stride)
    return adapt(start, forecast, actual, origins, np.ones((len(origins), values.shape[1]))).quantiles


def covered(quantiles: np.ndarray, actual: np.ndarray) -> np.ndarray:
    return (quantiles[..., 0] <= actual) & (actual <= quantiles[..., 2])


def by_hand(values: np.ndarray, horizon: int, stride: int, rate: float, shared_rate: float) -> np.ndarray:
    """A slow loop over origins, steps and levels: at each origin, all misses known by then, row by row."""
    position = list(range(1, len(values), stride))
    width = NORMAL[2] - NORMAL[0]
    said = np.empty((len(position), horizon, 3))
    for level in range(3):
        own, shared, row = [0.0] * horizon, 0.0, 0
        for window, now in enumerate(position):
            while row < now:
                settled = [(row - start, start) for start in position[:window] if 0 <= row - start < horizon]
                misses = []
                for step, start in settled:
                    if np.isfinite(values[row]) and level != 1:
                        low = values[row] <= said[position.index(start), step, level]
                        misses.append(LEVELS[level] - float(low))
                        own[step] += rate * misses[-1]
                shared += shared_rate * sum(misses) / max(1, len(misses))
                row += 1
            said[window, :, level] = NORMAL[level] + width * (np.array(own) + shared)
    return said


@pytest.mark.parametrize(("horizon", "stride"), [(1, 1), (5, 1), (5, 2), (5, 5), (3, 7)])
def test_adapting_equals_the_slow_loop(horizon: int, stride: int) -> None:
    values = 1.5 * np.random.default_rng(0).normal(size=120)
    values[30:40:3] = np.nan
    found = walked(adaptive(none_moved(horizon), rate=0.01, shared_rate=0.02), values[:, None], horizon, stride)
    np.testing.assert_allclose(found[:, :, 0], by_hand(values, horizon, stride, 0.01, 0.02), rtol=1e-9)


@pytest.mark.parametrize("step", [0, 3])
def test_the_long_run_share_is_the_level_less_what_the_offset_moved(step: int) -> None:
    random = np.random.default_rng(1)
    values = np.cumsum(random.standard_t(2, size=(1000, 1)), axis=0)  # nothing is exchangeable here
    forecast, actual, origins = rolled(values, 4)
    rate, width = 0.02, NORMAL[2] - NORMAL[0]
    state, below = adaptive(none_moved(4, move_median=True), rate, shared_rate=0.0), []
    for window, row in enumerate(values[1:]):
        raw = NORMAL + width * state.offsets[step, 0]  # what is tracked, before quantiles are put in order
        below.append(actual[window, step] <= raw)
        one = Origins(origins.series[window : window + 1], origins.position[window : window + 1])
        _, state = state.issue(one_of(forecast, window, one), np.ones((1, 1)))
        state = state.observe(row)
    settled = np.asarray(below[: len(values) - 1 - step])
    moved = state.offsets[step, 0]
    np.testing.assert_allclose(settled.mean(axis=0), np.asarray(LEVELS) - moved / (rate * len(settled)), atol=1e-9)


def one_of(forecast: Forecast, window: int, origin: Origins) -> Forecast:
    own = slice(window, window + 1)
    arrays = {name: getattr(forecast, name)[own] for name in ("cutoffs", "times", "mean", "quantiles")}
    return replace(forecast, series=origin.series, **arrays)


def test_intervals_come_back_after_a_shift_of_level_and_static_ones_do_not() -> None:
    values = np.random.default_rng(2).normal(size=(2000, 1))
    values[500:] += 3
    _, actual, _ = rolled(values, 2)
    late = slice(1000, 1990)
    static = covered(walked(adaptive(none_moved(2), rate=0.0, shared_rate=0.0), values, 2), actual)
    moving = covered(walked(adaptive(none_moved(2), rate=0.02, shared_rate=0.0), values, 2), actual)
    assert static[:490].mean() == pytest.approx(0.8, abs=0.05)
    assert static[late].mean() < 0.1
    # The far end stands at the median, 3 below the level, and holds all: 0.9 is what one moving end leaves.
    assert moving[late].mean() == pytest.approx(0.9, abs=0.03)
    free = covered(walked(adaptive(none_moved(2, move_median=True), rate=0.02, shared_rate=0.0), values, 2), actual)
    assert free[late].mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("scale", [0.2, 5.0], ids=["grows calm", "grows wild"])
def test_intervals_follow_a_change_of_spread(scale: float) -> None:
    values = np.random.default_rng(3).normal(size=(4000, 1))
    values[1000:] *= scale
    _, actual, _ = rolled(values, 3)
    late = slice(2500, 3990)  # two widths away, and a miss moves 0.018 of one
    static = covered(walked(adaptive(none_moved(3), rate=0.0, shared_rate=0.0), values, 3), actual)[late].mean()
    moving = covered(walked(adaptive(none_moved(3), rate=0.02, shared_rate=0.0), values, 3), actual)[late].mean()
    assert abs(static - 0.8) > 0.15
    assert moving == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("poison", [np.nan, 1e9, -np.inf])
@pytest.mark.parametrize("stride", [1, 3])
def test_what_comes_at_or_after_an_origin_changes_nothing_said_there(poison: float, stride: int) -> None:
    values = 2 * np.random.default_rng(4).normal(size=(90, 2))
    changed = values.copy()
    changed[50:] = poison
    start = adaptive(none_moved(4, 2), rate=0.05)
    known = np.arange(1, 90, stride) <= 50
    before, after = walked(start, values, 4, stride), walked(start, changed, 4, stride)
    np.testing.assert_array_equal(after[known], before[known])
    seen = values.copy()
    seen[49] += 100  # the last row known at origin 50 does change it
    assert not np.array_equal(walked(start, seen, 4)[49], walked(start, values, 4)[49])


def test_series_walk_alone_and_in_any_order_of_their_windows() -> None:
    random = np.random.default_rng(5)
    start = adaptive(none_moved(3), rate=0.05)
    tables = [random.normal(size=(40, 1)), 3 * random.normal(size=(60, 1))]
    parts = [rolled(values, 3) for values in tables]
    alone = np.concatenate([walked(start, values, 3) for values in tables])
    order = random.permutation(len(alone))
    series = np.repeat([0, 1], [len(part[2]) for part in parts])[order]
    position = np.concatenate([part[2].position for part in parts])[order]
    actual = np.concatenate([part[1] for part in parts])[order]
    quantiles = np.concatenate([part[0].quantiles for part in parts])[order]
    times = position[:, None] + np.arange(3)
    mixed = Forecast(("a", "b"), ("y0",), series, position - 1, times, quantiles[..., 1], LEVELS, quantiles)
    found = adapt(start, mixed, actual, Origins(series, position), np.ones((len(order), 1)))
    np.testing.assert_array_equal(found.quantiles, alone[order])


def test_a_state_is_a_value_and_a_missing_row_moves_nothing() -> None:
    forecast, _, origins = rolled(np.zeros((3, 1)), 2)
    start = adaptive(none_moved(2), rate=0.1, shared_rate=0.0)
    said, issued = start.issue(one_of(forecast, 0, Origins(origins.series[:1], origins.position[:1])), np.ones((1, 1)))
    np.testing.assert_array_equal(said.quantiles[0, :, 0], [NORMAL, NORMAL])
    missed, hit = issued.observe(np.array([np.nan])), issued.observe(np.array([9.0]))
    assert (start.offsets == 0).all()
    assert (issued.offsets == 0).all()
    assert (missed.offsets == 0).all()
    np.testing.assert_allclose(hit.offsets[:, 0], [[0.01, 0, 0.09], [0, 0, 0]], rtol=1e-12)
    later = hit.observe(np.array([-9.0]))  # settles step 2 of the same forecast
    np.testing.assert_allclose(later.offsets[:, 0], [[0.01, 0, 0.09], [-0.09, 0, -0.01]], rtol=1e-12)
    np.testing.assert_array_equal(later.observe(np.array([9.0])).offsets, later.offsets)


def test_what_does_not_fit_is_refused() -> None:
    start = adaptive(none_moved(2))
    forecast, actual, origins = rolled(np.zeros((6, 1)), 2)
    for rate in (-0.1, np.nan):
        with pytest.raises(OptionError, match=r"^rate is how far a miss moves a quantile.* not below 0; got"):
            adaptive(none_moved(2), rate)
        with pytest.raises(OptionError, match=r"^shared_rate is how far a miss moves a quantile"):
            adaptive(none_moved(2), 0.1, rate)
    with pytest.raises(OptionError, match=r"one value for each of 1 targets, got shape \(2,\)"):
        start.observe(np.zeros(2))
    other = Origins(origins.series[1:], origins.position[1:])
    with pytest.raises(OptionError, match=r"the origins of the forecast and one actual .*got 4 origins and actuals of"):
        adapt(start, forecast, actual, other, np.ones((5, 1)))
    with pytest.raises(OptionError, match=r"one actual for each of its values, \(5, 2, 1\); .* actuals of \(5, 3, 1\)"):
        adapt(start, forecast, np.zeros((5, 3, 1)), origins, np.ones((5, 1)))
    longer, came, _ = rolled(np.zeros((6, 1)), 3)
    with pytest.raises(OptionError, match=r"calibrated were 2 steps of 1 targets, but the forecast has 3 steps"):
        adapt(start, longer, came, origins, np.ones((5, 1)))
