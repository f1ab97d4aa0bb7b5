"""Random numbers of sample paths: a function of (seed, series, position) alone."""

import numpy as np

from gatecast.models.draws import origin_draws

SHAPE = (50, 12, 2)
PLACES = np.array([10, 11, 10])
NAMES = ("a", "a", "b")


def test_each_origin_has_numbers_of_its_own_wherever_it_stands() -> None:
    found = origin_draws(0, NAMES, PLACES, SHAPE)
    backwards = origin_draws(0, NAMES[::-1], PLACES[::-1].copy(), SHAPE)
    assert np.array_equal(found, backwards[::-1])
    flat = found.reshape(3, -1)
    assert all(abs(np.corrcoef(flat)[i, j]) < 4 / np.sqrt(flat.shape[1]) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert not np.array_equal(found, origin_draws(1, NAMES, PLACES, SHAPE))


def test_the_first_of_many_paths_are_the_few() -> None:
    few, many = (origin_draws(0, NAMES, PLACES, (paths, 12, 2)) for paths in (7, 50))
    assert np.array_equal(few, many[:, :7])


def test_numbers_are_uniform_and_never_zero_or_one() -> None:
    found = np.sort(origin_draws(0, NAMES, PLACES, (20_000, 3, 1)).reshape(-1).astype(np.float64))
    assert found[0] > 0
    assert found[-1] < 1
    steps = (np.arange(len(found)) + 0.5) / len(found)
    assert np.abs(found - steps).max() < 1.63 / np.sqrt(len(found)), "Kolmogorov-Smirnov at one in a hundred"
