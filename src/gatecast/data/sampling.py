"""What makes up a training step: a pure function of (seed, step), so that training can resume anywhere."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

MOST_SHUFFLED = 1 << 24  # an order of more windows than these would take more memory than it is worth


@dataclass(frozen=True)
class Sampler:
    """Goes through all windows in a new random order each epoch, `batch_size` a step; the last batch may be short.

    Of more than `MOST_SHUFFLED` windows each step draws its own: training ends long before it has seen them all.
    """

    windows: int
    batch_size: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every window was seen once."""
        return -(-self.windows // self.batch_size)

    def order(self, epoch: int) -> Int64[np.ndarray, " windows"]:
        """The order of the windows in one epoch."""
        return _order(self.windows, self.seed, epoch)

    def batch(self, step: int) -> Int64[np.ndarray, " batch"]:
        """The windows of training step `step` (counted from 0)."""
        if self.windows > MOST_SHUFFLED:
            return np.random.default_rng((self.seed, step)).integers(0, self.windows, size=self.batch_size)
        epoch, place = divmod(step, self.steps_per_epoch)
        return self.order(epoch)[place * self.batch_size : (place + 1) * self.batch_size]


@lru_cache(maxsize=2)
def _order(windows: int, seed: int, epoch: int) -> Int64[np.ndarray, " windows"]:
    """Remembered for the steps of one epoch: shuffling a million windows at each step would cost more than the net."""
    return np.random.default_rng((seed, epoch)).permutation(windows)


class Chunk(NamedTuple):
    """Stretches read at one step; `fresh` where their states start from zero."""

    series: Int64[np.ndarray, " streams"]
    position: Int64[np.ndarray, " streams"]
    fresh: bool


@dataclass(frozen=True, eq=False)
class StreamSampler:
    """Reads pieces of the series chunk by chunk, `streams` of them side by side; each piece begins at a random row.

        piece    |--chunk--|--chunk--|--chunk--|--chunk--|      the state is carried from chunk to chunk,
        step     s         s+1       s+2       s+3              and gradients end at the borders

    Attributes:
        lengths: rows of each series that may be learnt from.
        streams: pieces side by side.
        time: rows of a chunk.
        chunks: chunks of a piece.
        seed: of the places where pieces begin.
    """

    lengths: Int64[np.ndarray, " series"]
    streams: int
    time: int
    chunks: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Steps until as many rows were read as there are."""
        return max(1, -(-int(self.lengths.sum()) // (self.streams * self.time)))

    def batch(self, step: int) -> Chunk:
        """The chunk of training step `step` (counted from 0); a long series is drawn more often than a short one."""
        piece, number = divmod(step, self.chunks)
        rng = np.random.default_rng((self.seed, piece))
        ends = np.cumsum(self.lengths)
        series = np.searchsorted(ends, rng.integers(0, ends[-1], size=self.streams), side="right")
        room = np.maximum(self.lengths[series] - self.chunks * self.time, 0)
        position = rng.integers(0, room + 1) + number * self.time
        return Chunk(series, position, fresh=number == 0)
