"""The path of the states, in the plane in which they move most."""

import numpy as np
from jaxtyping import Float

from gatecast.inspection.results import StatePath


def principal_path(output: Float[np.ndarray, "updates units"]) -> StatePath:
    """The states along their first two principal components (K. Pearson 1901).

    Each component points to where its largest weight is positive, so that the same states always give the same path.
    """
    centred = output.astype(np.float64) - output.mean(axis=0, dtype=np.float64)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((2, output.shape[1]))
    plane[: len(directions[:2])] = directions[:2]
    largest = np.abs(plane).argmax(axis=1)
    plane *= np.where(plane[np.arange(2), largest] < 0, -1, 1)[:, None]
    shares = np.zeros(2)
    shares[: len(singular[:2])] = singular[:2] ** 2 / max(float((singular**2).sum()), np.finfo(float).tiny)
    return StatePath(centred @ plane.T, (float(shares[0]), float(shares[1])))
