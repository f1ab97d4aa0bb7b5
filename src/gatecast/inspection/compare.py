"""Two inspections side by side, number by number."""

from typing import NamedTuple

import numpy as np

from gatecast.inspection.gates import dead_units
from gatecast.inspection.results import Inspection


class Compared(NamedTuple):
    """One number of both; NaN where one of them has none."""

    what: str
    one: float
    other: float


def compare(one: Inspection, other: Inspection) -> tuple[Compared, ...]:
    """What tells the memory of two nets apart, in rows of the table where it is a time."""
    mine, others = _numbers(one), _numbers(other)
    names = dict.fromkeys([*mine, *others])
    return tuple(Compared(name, mine.get(name, np.nan), others.get(name, np.nan)) for name in names)


def _numbers(found: Inspection) -> dict[str, float]:
    """The numbers of one inspection by their names."""
    times = np.array([each.timescale for each in found.timescales]) * found.rows
    norms = found.gradients.norms
    far = norms[-1] / norms[1] if len(norms) > 2 and norms[1] > 0 else np.nan
    numbers = {
        "heaviest lag, rows": float(found.memory.weights.argmax()),
        "90 % of the memory within, rows": float(found.memory.lag_90),
        "timescale of the median unit, rows": float(np.median(times)),
        "timescale of the longest unit, rows": float(times.max()),
        f"gradient at lag {len(norms) - 1} / lag 1": float(far),
        "spectral radius, mean": float(found.gradients.spectral_radius.mean()),
        "units that never move": float(sum(len(dead_units(layer)) for layer in found.layers)),
    }
    return numbers | {f"shuffled {each.covariate}: error": each.increase for each in found.importance}
