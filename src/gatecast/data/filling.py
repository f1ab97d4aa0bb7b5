"""Missing inputs: the last observation is carried forward, and a flag says that it was."""

import numpy as np
from jaxtyping import Float, Int64


def carry_forward(
    values: Float[np.ndarray, "rows channels"], offsets: Int64[np.ndarray, " series_plus_one"]
) -> Float[np.ndarray, "rows channels"]:
    """Replace each missing value by the last observed one of its series; zero before the first.

    Only the past of a row is used, so nothing leaks backwards.  The values are scaled, so zero is the centre of the
    training part.
    """
    observed = np.isfinite(values)
    if observed.all():
        return values
    rows = np.arange(len(values))[:, None]
    latest = np.maximum.accumulate(np.where(observed, rows, -1), axis=0)
    first = np.repeat(offsets[:-1], np.diff(offsets))[:, None]
    filled = np.take_along_axis(values, np.maximum(latest, 0), axis=0)
    return np.where(latest >= first, filled, np.zeros((), values.dtype))
