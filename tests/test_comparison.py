"""Tests of difference: against the published formula written out, and by how often they cry wolf."""

import math

import numpy as np
import pytest
from scipy import stats

from gatecast.data.splits import Origins
from gatecast.evaluation.comparison import (
    BOOTSTRAP,
    DIEBOLD_MARIANO,
    TOO_FEW,
    compare,
    diebold_mariano,
    paired_bootstrap,
)


def slow_diebold_mariano(a: list[float], b: list[float], steps: int) -> tuple[float, float]:
    """Harvey, Leybourne & Newbold 1997, eqs. 4, 5 and 9, term by term."""
    n = len(a)
    d = [x - y for x, y in zip(a, b, strict=True)]
    mean = sum(d) / n
    gamma = [sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, n)) / n for k in range(steps)]
    variance = (gamma[0] + 2 * sum(gamma[1:])) / n
    correction = math.sqrt((n + 1 - 2 * steps + steps * (steps - 1) / n) / n)
    statistic = correction * mean / math.sqrt(variance)
    return statistic, 2 * float(stats.t.cdf(-abs(statistic), df=n - 1))


@pytest.mark.parametrize("lags", [0, 1, 4])
def test_diebold_mariano_equals_the_published_formula(lags: int) -> None:
    random = np.random.default_rng(lags)
    a, b = random.gamma(2, size=40) + 0.3, random.gamma(2, size=40)
    found = diebold_mariano(a, b, lags)
    assert (found.statistic, found.p_value) == pytest.approx(slow_diebold_mariano(a.tolist(), b.tolist(), lags + 1))


def test_without_lags_it_is_a_paired_t_test() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=25), random.normal(size=25)
    found, outside = diebold_mariano(a, b, 0), stats.ttest_rel(a, b)
    assert (found.statistic, found.p_value) == pytest.approx((outside.statistic, outside.pvalue))


def test_swapping_the_forecasters_turns_the_sign_only() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(size=30), random.normal(size=30)
    one, other = diebold_mariano(a, b, 2), diebold_mariano(b, a, 2)
    assert one.statistic == pytest.approx(-other.statistic)
    assert one.p_value == pytest.approx(other.p_value)


def test_a_negative_variance_falls_back_to_falling_weights() -> None:
    a = np.tile([1.0, -1.0], 10) + 0.1  # neighbours cancel: g_0 + 2 g_1 is negative
    found = diebold_mariano(a, np.zeros(20), 1)
    gamma = [1.0, -0.95]
    variance = (gamma[0] + 2 * 0.5 * gamma[1]) / 20
    correction = math.sqrt((20 + 1 - 4 + 2 / 20) / 20)
    assert found.statistic == pytest.approx(0.1 / math.sqrt(variance) * correction)


def test_equal_losses_are_no_difference_and_a_constant_one_is_certain() -> None:
    loss = np.arange(10.0)
    assert diebold_mariano(loss, loss, 1).p_value == 1.0
    assert diebold_mariano(loss, loss + 1, 1).p_value == 0.0


def moving_average(seed: int, rows: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=rows + width - 1)
    return np.convolve(noise, np.ones(width), mode="valid")


def test_equally_good_forecasters_are_rarely_told_apart() -> None:
    rejected = [diebold_mariano(moving_average(seed, 120, 4), np.zeros(120), 3).p_value < 0.05 for seed in range(600)]
    assert 0.02 < np.mean(rejected) < 0.10
    ignoring = [diebold_mariano(moving_average(seed, 120, 4), np.zeros(120), 0).p_value < 0.05 for seed in range(600)]
    assert np.mean(ignoring) > 0.2  # the lags are what keeps the rate down


def test_bootstrap_rarely_cries_wolf_and_agrees_with_the_t_test() -> None:
    samples = [np.random.default_rng(seed).normal(size=30) for seed in range(300)]
    assert 0.02 < np.mean([paired_bootstrap(sample, rounds=400) < 0.05 for sample in samples]) < 0.10
    shifted = samples[0] + 0.4
    assert paired_bootstrap(shifted, rounds=20_000) == pytest.approx(stats.ttest_1samp(shifted, 0).pvalue, abs=0.02)


def test_bootstrap_is_reproducible_and_never_claims_certainty() -> None:
    sample = np.ones(20)
    assert paired_bootstrap(sample + np.arange(20) / 1e3, seed=3, rounds=99) == 0.01
    noisy = np.random.default_rng(0).normal(size=20)
    assert paired_bootstrap(noisy, seed=3) == paired_bootstrap(noisy, seed=3)
    assert paired_bootstrap(np.zeros(9)) == 1.0


def test_one_difference_everywhere_is_as_sure_as_the_rounds_allow() -> None:
    assert paired_bootstrap(np.full(12, 0.1), rounds=999) == 0.001


def windows(series: list[int], positions: list[int]) -> Origins:
    return Origins(np.array(series, dtype=np.int64), np.array(positions, dtype=np.int64))


def losses(origins: Origins, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.gamma(2, size=len(origins)), random.gamma(2, size=len(origins))


def dates(positions: np.ndarray) -> np.ndarray:
    return np.datetime64("2024-01-01", "us") + positions * np.timedelta64(3_600_000_000, "us")


def test_eight_dates_are_compared_over_time_on_the_mean_of_all_series() -> None:
    origins = windows([0] * 12 + [1] * 12, [*range(100, 148, 4)] * 2)
    a, b = losses(origins)
    found = compare(a, b, origins, dates(origins.position), 4)
    expected = diebold_mariano((a[:12] + a[12:]) / 2, (b[:12] + b[12:]) / 2, 2)
    assert found.test == DIEBOLD_MARIANO
    assert found.p_value == pytest.approx(expected.p_value)


def test_overlapping_windows_count_as_correlated() -> None:
    origins = windows([0] * 60, [*range(100, 160)])
    a, b = losses(origins)
    assert compare(a, b, origins, origins.position, 10).p_value == diebold_mariano(a, b, 9).p_value


def test_windows_that_all_overlap_tell_nothing() -> None:
    origins = windows([0] * 20, [*range(100, 120)])
    a, b = losses(origins)
    assert compare(a, b, origins, origins.position, 48).test == TOO_FEW


def test_one_date_and_many_series_are_compared_over_series() -> None:
    origins = windows([*range(9), *range(9)], [50] * 9 + [60] * 9)
    a, b = losses(origins)
    found = compare(a, b, origins, dates(origins.position), 10)
    assert found.test == BOOTSTRAP
    assert found.p_value == paired_bootstrap((a - b).reshape(2, 9).mean(axis=0))


def test_row_numbers_of_different_series_are_not_one_clock() -> None:
    origins = windows([*range(9)], [*range(50, 59)])
    a, b = losses(origins)
    assert compare(a, b, origins, origins.position, 10).test == BOOTSTRAP


def test_two_windows_tell_nothing() -> None:
    origins = windows([0, 0], [50, 60])
    found = compare(np.array([1.0, 1.0]), np.array([2.0, 4.0]), origins, origins.position, 10)
    assert (found.difference, found.p_value, found.test) == (-2.0, 1.0, TOO_FEW)
    assert not found.clear
