"""One window too few, as in `range(len(series) - lookback - 1)`: the newest row is never a target."""

from collections.abc import Callable

import numpy as np

Windows = list[tuple[np.ndarray, float]]


def mistaken(series: np.ndarray, lookback: int) -> Windows:
    starts = range(len(series) - lookback - 1)
    return [(series[start : start + lookback], series[start + lookback]) for start in starts]


def correct(series: np.ndarray, lookback: int) -> Windows:
    starts = range(len(series) - lookback)
    return [(series[start : start + lookback], series[start + lookback]) for start in starts]


def check(make_windows: Callable[[np.ndarray, int], Windows]) -> None:
    windows = make_windows(np.arange(100.0), 12)  # a row's value is its number
    assert [target for _, target in windows] == list(range(12, 100)), "a row with 12 before it is no target"
    assert {len(window) for window, _ in windows} == {12}, "a window is shorter than the others"


wrong, right = (int(make_windows(np.arange(100.0), 12)[-1][1]) for make_windows in (mistaken, correct))
print(f"wrong: of rows 0 to 99, the last target is row {wrong}")
print(f"right: the last target is row {right}")
