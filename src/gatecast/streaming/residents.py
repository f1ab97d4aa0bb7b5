"""What is kept of each series, as columns of arrays: a series is a place in all of them.

One array for each quantity, not one object for each series: a hundred thousand series are two dozen arrays, a batch of
rows is gathered by one index, and a snapshot is a copy.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

FIRST_ROOM = 16
MOST_ROWS = 2**40  # of one series
MOST_UNSEEN = 2**27  # rows since a value was seen: there is a table of their logarithms


class Kept(NamedTuple):
    """One quantity of each series.

    Attributes:
        shape: of what is kept of one series.
        dtype: its type.
        start: what it starts as.
        least: the least whole number that it can be.
        most: the most; None for times, which can be any.
    """

    shape: tuple[int, ...]
    dtype: type
    start: float | np.ndarray = 0.0
    least: int = 0
    most: int | None = None

    def can_be(self, array: np.ndarray) -> bool:
        """Whether a stream can come to such values: counts within their bounds, and no NaN where none begins."""
        if self.dtype is np.int64:
            return self.most is None or bool(((array >= self.least) & (array <= self.most)).all())
        return bool(np.isnan(self.start).any() or np.isfinite(array).all())


class Residents:
    """Arrays that grow together; row i of each belongs to series i.

    Args:
        kept: the quantities by name.
    """

    def __init__(self, kept: Mapping[str, Kept]) -> None:
        self.kept = dict(kept)
        self.size = 0
        self.grown = 0  # how often the arrays were moved: addresses of them last so long
        self.arrays = {name: _begun(each, FIRST_ROOM) for name, each in self.kept.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        """One quantity of all series, and of places that no series has yet."""
        return self.arrays[name]

    def add(self, count: int) -> None:
        """Room for so many series more, as they start."""
        room, self.size = len(next(iter(self.arrays.values()))), self.size + count
        if self.size <= room:
            return
        more = max(self.size, room + room // 4) - room
        self.arrays = {
            name: np.concatenate([self.arrays[name], _begun(each, more)]) for name, each in self.kept.items()
        }
        self.grown += 1

    def views(self) -> dict[str, np.ndarray]:
        """The quantities of all series, by name, as long as they stay where they are."""
        return {name: array[: self.size] for name, array in self.arrays.items()}

    def copied(self) -> dict[str, np.ndarray]:
        """The quantities of all series, by name."""
        return {name: array.copy() for name, array in self.views().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what `copied` gave."""
        self.arrays = {name: arrays[name].copy() for name in self.kept}
        self.size = len(next(iter(self.arrays.values())))
        self.grown += 1


def _begun(kept: Kept, count: int) -> np.ndarray:
    begun: np.ndarray = np.empty((count, *kept.shape), dtype=kept.dtype)
    begun[:] = kept.start
    return begun
