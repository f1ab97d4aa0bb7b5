"""Which windows make up a training step: a pure function of (seed, step), so that training can resume anywhere."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int64


@dataclass(frozen=True)
class Sampler:
    """Goes through all windows in a new random order each epoch, `batch_size` a step; the last batch may be short."""

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
        epoch, place = divmod(step, self.steps_per_epoch)
        return self.order(epoch)[place * self.batch_size : (place + 1) * self.batch_size]


@lru_cache(maxsize=2)
def _order(windows: int, seed: int, epoch: int) -> Int64[np.ndarray, " windows"]:
    """Remembered for the steps of one epoch: shuffling a million windows at each step would cost more than the net."""
    return np.random.default_rng((seed, epoch)).permutation(windows)
