"""The random numbers of sample paths: a pure function of (seed, series, position).

A path is the same whatever else is forecast with it, in any order, and however often it is asked for.  The first paths
of many are those of few, and the first steps of a long horizon those of a short one.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from jaxtyping import Float32, Int64

SOURCES = 2  # uniform numbers for each draw: enough for every density


def origin_draws(
    seed: int, names: Sequence[str], positions: Int64[np.ndarray, " origins"], shape: tuple[int, ...]
) -> Float32[np.ndarray, "origins paths horizon targets two"]:
    """Uniform numbers above 0 and below 1 for each origin.

    Args:
        seed: of the training.
        names: the series of each origin; its number in the table would depend on what else is there.
        positions: the row of each origin within its series.
        shape: paths, rows of the longest horizon, targets.
    """
    places = zip(names, positions.tolist(), strict=True)
    each = [
        np.random.default_rng((seed, crc32(name.encode()), position)).random((*shape, SOURCES), dtype=np.float32)
        for name, position in places
    ]
    # numpy gives multiples of 2^-24 from 0 up: the middle of each step is never 0 (nor 1, rounded down).
    return np.minimum(np.stack(each) + np.float32(2.0**-25), np.float32(1 - 2.0**-24))
