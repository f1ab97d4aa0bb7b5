"""Quantiles at any level, from those that a net says."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from jaxtyping import Float64

SAME = 1e-9  # levels closer than this are one: sktime makes 0.04999999999999999 of a coverage of 0.9


def at_levels(
    said: Float64[np.ndarray, "rows targets levels"], levels: Sequence[float], wanted: Sequence[float]
) -> Float64[np.ndarray, "rows targets wanted"]:
    """The quantiles at the levels wanted: those said stand as they are, and the others lie on lines between them.

    Lines are drawn over the quantiles of a normal distribution, on which those of one are a straight line; beyond the
    outermost levels the last line goes on.
    """
    found = [_at(said, levels, level) for level in wanted]
    return np.stack(found, axis=-1)


def _at(said: Float64[np.ndarray, "rows targets levels"], levels: Sequence[float], level: float) -> np.ndarray:
    distance = np.abs(np.asarray(levels) - level)
    nearest = int(np.argmin(distance))
    if distance[nearest] < SAME or len(levels) == 1:
        return said[..., nearest]
    right = int(np.clip(np.searchsorted(levels, level), 1, len(levels) - 1))
    low, high, place = (_normal(each) for each in (levels[right - 1], levels[right], level))
    share = (place - low) / (high - low)
    return np.asarray(said[..., right - 1] + share * (said[..., right] - said[..., right - 1]))


def _normal(level: float) -> float:
    return NormalDist().inv_cdf(level)
