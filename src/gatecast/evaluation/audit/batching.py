"""A window's forecast must not depend on the windows beside it.

A float32 sum of n products may come out differently when a library takes them in another order for another batch, by
at most 2 n u times the sum of their sizes, u = 2^-24 (Higham 2002, "Accuracy and Stability of Numerical Algorithms",
eq. 3.5).  With n = 1024, more units than usual, and sizes that sum to one spread, that is 1.2e-4 spreads; writing the
forecast down as float32 adds two roundings of its level.  More than this is not taken for rounding.
"""

import numpy as np
from jaxtyping import Float64

from gatecast.data.splits import Origins
from gatecast.evaluation.audit.results import Check, failed, numbers, passed
from gatecast.evaluation.audit.subject import Answer, Subject, Values

ROUNDOFF = 2.0**-24
TERMS = 1024


def batch_changes_nothing(subject: Subject) -> Check:
    """Windows are forecast together, in reverse order, and a few of them alone."""
    parts = [moment.origins for moment in subject.moments]
    origins = Origins(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("series", "position")))
    together, backwards = subject.ask(subject.panel, origins), np.arange(len(origins))[::-1]
    orders = [backwards, *(np.array([window]) for window in _few(len(origins), subject.options.cutoffs))]
    windows = differing = 0
    apart, rounding = 0.0, True
    for order in orders:
        mine = Origins(origins.series[order], origins.position[order])
        other = subject.ask(subject.panel, mine)
        if other.error or together.error:
            return failed("batch", {}, f"In another batch it raised {other.error or together.error}")
        here = Answer(together.values[order])
        gap = subject.apart(mine, here, other)
        windows, differing = windows + len(mine), differing + int((gap > 0).sum())
        apart = max(apart, float(gap.max()))
        rounding &= is_rounding(here.values, other.values, subject.spread[mine.series])
    measured = numbers(windows=windows, differing=differing, largest=apart)
    if not differing:
        return passed("batch", measured, "Every bit is the same alone, together, and in another order.")
    if rounding:
        meaning = f"Differences of up to {apart:.2g} spreads are rounding: float32 sums taken in another order."
        return passed("batch", measured, meaning)
    meaning = (
        f"The same window comes out differently beside other windows, by up to {apart:.3g} spreads: more than "
        f"rounding. Look for batch normalisation or dropout left on, for scaling over the batch, and for a state that "
        f"is kept from call to call."
    )
    return failed("batch", measured, meaning)


def is_rounding(left: Values, right: Values, spread: Float64[np.ndarray, "windows targets"]) -> bool:
    """Whether two answers differ by no more than float32 sums in another order may."""
    level = np.maximum(np.abs(left), np.abs(right))
    return bool((np.abs(left - right) <= 2 * ROUNDOFF * (TERMS * spread[:, None, :, None] + level)).all())


def _few(count: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64)).tolist()
