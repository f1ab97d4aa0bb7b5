"""The timescales of units, counted on a logarithmic axis."""

import numpy as np
from jaxtyping import Float, Int64

from gatecast.inspection.results import Inspection

SHORTEST = 0.1  # updates: who forgets faster forgets everything at once
MOST_BINS = 24


def timescales(inside: Inspection, layer: str | None = None) -> Float[np.ndarray, " units"]:
    """The timescales, of one layer or all, in updates; without those of units that never forget."""
    scales = np.array([unit.timescale for unit in inside.timescales if layer in (None, unit.layer)], dtype=np.float64)
    return np.maximum(scales[np.isfinite(scales)], SHORTEST)


def bins(scales: Float[np.ndarray, " units"]) -> Float[np.ndarray, " edges"]:
    """The edges of the bars for these timescales, evenly spaced in their logarithm."""
    low, high = scales.min(), scales.max()
    count = int(np.clip(len(scales) // 4, 8, MOST_BINS))
    return np.geomspace(low / 1.05, max(high * 1.05, low * 1.5), count + 1)


def heights(scales: Float[np.ndarray, " units"], edges: Float[np.ndarray, " edges"]) -> Int64[np.ndarray, " bars"]:
    """How many units lie between the edges."""
    return np.histogram(scales, edges)[0].astype(np.int64)


def timed_layers(inside: Inspection) -> list[str]:
    """The layers with a timescale to draw, the top one first."""
    names = [layer.name for layer in reversed(inside.layers)]
    return [name for name in names if len(timescales(inside, name))]
