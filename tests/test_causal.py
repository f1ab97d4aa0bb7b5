"""Causal normalisation: running level and spread, from the past of each row alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.causal import FAST, FIRST_ROWS, LEAST_SPREAD, MOST, SLOW, causal, causal_count, running_mean

RNG = np.random.default_rng(0)
WALK = RNG.normal(size=(300, 3)).cumsum(axis=0)
OFFSETS = np.array([0, 120, 121, 300])


def weighted_mean(values: np.ndarray, factor: float) -> float:
    """The mean of all rows, weighted by how long ago they were, in plain words."""
    weights = factor ** np.arange(len(values))[::-1]
    return float((values * weights).sum() / weights.sum())


@pytest.mark.parametrize("factor", [FAST, SLOW])
def test_a_running_mean_is_the_weighted_mean_of_the_rows_so_far(factor: float) -> None:
    expected = [[weighted_mean(WALK[: t + 1, c], factor) for c in range(3)] for t in range(len(WALK))]
    np.testing.assert_allclose(running_mean(WALK, np.array([0, 300]), factor), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("factor", [FAST, SLOW])
def test_adding_row_by_row_has_the_same_bits(factor: float) -> None:
    found = running_mean(WALK, OFFSETS, factor)
    for start, stop in pairwise(OFFSETS.tolist()):
        for column in range(3):
            weight, mean = 0.0, 0.0
            for t in range(start, stop):
                weight = weight * factor + 1
                mean = mean + (WALK[t, column] - mean) * (1 / weight)
                assert found[t, column] == mean


@pytest.mark.parametrize("season", [1, 7])
def test_features_are_those_of_a_slow_loop(season: int) -> None:
    found = causal(WALK, OFFSETS, targets=2, season=season)
    assert found.features.shape == (300, causal_count(3, 2, season))
    for start, stop in pairwise(OFFSETS.tolist()):
        away: list[np.ndarray] = []
        for t in range(start, stop):
            so_far = WALK[start : t + 1]
            slow, fast = (np.array([weighted_mean(so_far[:, c], f) for c in range(3)]) for f in (SLOW, FAST))
            away.append(np.abs(WALK[t] - slow))
            so_far_away = np.concatenate([np.ones((FIRST_ROWS, 3)), away])
            spread = np.array([weighted_mean(so_far_away[:, c], SLOW) for c in range(3)])
            spread = np.maximum(spread, LEAST_SPREAD)
            change = WALK[t] - WALK[t - 1] if t > start else np.zeros(3)
            row = [change / spread, (WALK[t] - fast) / spread, (WALK[t] - slow) / spread]
            if season > 1:
                ago = WALK[t, :2] - WALK[t - season, :2] if t - season >= start else np.zeros(2)
                row.append(ago / spread[:2])
            row.append(np.clip(WALK[t, 2:], -MOST, MOST))
            np.testing.assert_allclose(found.features[t], np.concatenate(row), rtol=1e-8, atol=1e-9)
            np.testing.assert_allclose(found.spread[t], spread[:2], rtol=1e-8)


@given(first=st.integers(1, 299), poison=st.sampled_from([np.nan, np.inf, 1e9]))
def test_the_future_moves_no_feature(first: int, poison: float) -> None:
    poisoned = WALK.copy()
    poisoned[first:] = poison
    with np.errstate(invalid="ignore"):
        found = causal(poisoned, np.array([0, 300]), targets=1, season=7)
    expected = causal(WALK, np.array([0, 300]), targets=1, season=7)
    assert np.array_equal(found.features[:first], expected.features[:first])
    assert np.array_equal(found.spread[:first], expected.spread[:first])


def test_a_longer_table_has_the_same_first_rows_bit_for_bit() -> None:
    whole = causal(WALK, np.array([0, 300]), targets=3, season=7)
    part = causal(WALK[:211], np.array([0, 211]), targets=3, season=7)
    assert np.array_equal(whole.features[:211], part.features)
    assert np.array_equal(whole.spread[:211], part.spread)


def test_a_level_shift_of_the_whole_series_moves_no_feature() -> None:
    shifted = causal(WALK + 1024, np.array([0, 300]), targets=3, season=7)
    np.testing.assert_allclose(shifted.features, causal(WALK, np.array([0, 300]), 3, 7).features, atol=1e-8)


def test_long_after_the_start_features_do_not_know_the_scale() -> None:
    walk = RNG.normal(size=(2000, 1)).cumsum(axis=0)
    louder = causal(50 * walk, np.array([0, 2000]), targets=1, season=1).features
    quiet = causal(walk, np.array([0, 2000]), targets=1, season=1).features
    np.testing.assert_allclose(louder[1000:], quiet[1000:], rtol=0.15, atol=0.01)


def test_a_constant_stretch_has_finite_features() -> None:
    values = np.concatenate([WALK[:100, :1], np.full((5000, 1), 3.0), WALK[:100, :1]])
    found = causal(values, np.array([0, len(values)]), targets=1, season=1)
    assert np.isfinite(found.features).all()
    assert found.spread[5099] == LEAST_SPREAD
