"""Time since the last observation, against the paper's recursion in a slow loop."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.missing import rows_since_seen


def slow(values: np.ndarray, offsets: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Che et al. 2018, arXiv 1606.01865: the time interval delta, one number at a time."""
    found = np.zeros(values.shape)
    for first, end in pairwise(offsets.tolist()):
        for channel in range(values.shape[1]):
            for row in range(first + 1, end):
                observed = np.isfinite(values[row - 1, channel])
                found[row, channel] = gaps[row] + (0 if observed else found[row - 1, channel])
    return found


tables = st.lists(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=8), min_size=1, max_size=4)


@given(series=tables, data=st.data())
def test_time_since_seen_equals_a_slow_loop(series: list[list[tuple[bool, bool]]], data: st.DataObject) -> None:
    seen = np.array([row for rows in series for row in rows], dtype=bool).reshape(-1, 2)
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in series])]).astype(np.int64)
    values = np.where(seen, 1.0, np.nan)
    gaps = np.array(data.draw(st.lists(st.integers(1, 50), min_size=len(seen), max_size=len(seen))), dtype=float)
    assert (rows_since_seen(values, offsets) == slow(values, offsets, np.ones(len(seen)))).all()
    assert (rows_since_seen(values, offsets, gaps) == slow(values, offsets, gaps)).all()


def test_an_example_by_hand() -> None:
    times = np.array([0, 0.1, 0.6, 1.6, 2.2, 2.5, 3.1])
    nan = np.nan
    values = np.array([[47, 49, nan, 40, nan, 43, 55], [nan, 15, 14, nan, nan, nan, 15]]).T
    expected = [[0, 0.1, 0.5, 1.5, 0.6, 0.9, 0.6], [0, 0.1, 0.5, 1.0, 1.6, 1.9, 2.5]]
    found = rows_since_seen(values, np.array([0, 7]), np.diff(times, prepend=0.0))
    assert pytest.approx(np.array(expected), abs=1e-6) == found.T


def test_the_gap_before_a_series_is_not_read() -> None:
    values, offsets = np.ones((4, 1)), np.array([0, 2, 4])
    assert rows_since_seen(values, offsets, np.array([np.nan, 2.0, np.nan, 3.0]))[:, 0].tolist() == [0, 2, 0, 3]


@pytest.mark.parametrize("poison", [np.nan, 1e9, np.inf])
def test_later_rows_change_nothing_earlier(poison: float) -> None:
    values = np.where(np.random.default_rng(0).random((50, 3)) < 0.5, 1.0, np.nan)
    changed = values.copy()
    changed[30:] = poison
    offsets = np.array([0, 50])
    assert (rows_since_seen(values, offsets)[:31] == rows_since_seen(changed, offsets)[:31]).all()
