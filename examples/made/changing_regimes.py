"""The series of changing_regimes.py: made so that its regime is known at every row."""

from typing import NamedTuple

import numpy as np

REGIMES = ("drift", "zigzag")
KEPT = (0.98, -0.90)  # of the last value, in each
NOISE = 0.3


class Series(NamedTuple):
    """A series, and what is known of it.

    Attributes:
        values: in units of the standard deviation of the first half.
        regime: of each row, 0 for drift and 1 for zigzag.
        since: rows since the last switch.
    """

    values: np.ndarray
    regime: np.ndarray
    since: np.ndarray

    def half(self, number: int) -> "Series":
        """The rows of the first half (0), or of the second (1)."""
        return Series(*(np.split(each, 2)[number] for each in self))


def made_series(rows: int, seed: int) -> Series:
    """Regimes that take turns, each 60 to 140 rows long."""
    random = np.random.default_rng(seed)
    lengths = random.integers(60, 141, rows // 60 + 1)
    regime = np.repeat(np.arange(len(lengths)) % 2, lengths)[:rows]
    since = np.concatenate([np.arange(length) for length in lengths])[:rows]
    values = random.normal(0, NOISE, rows)
    for row in range(1, rows):
        values[row] += KEPT[regime[row]] * values[row - 1]
    return Series(values / values[: rows // 2].std(), regime, since)
