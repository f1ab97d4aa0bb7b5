"""A curve so small that it stands in a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import final

MOST_POINTS = 96


@final
@dataclass(frozen=True)
class Curve:
    """A small curve without axes; NaN is a gap.

    Attributes:
        values: what was seen.
        ahead: what is forecast after it.
        low: the lower end of the forecast's interval, as long as `ahead`; empty where there is none.
        high: the upper end, likewise.
        zero: whether 0 is its lowest line, so that heights compare.
    """

    values: tuple[float, ...]
    ahead: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    zero: bool = False

    def range(self) -> tuple[float, float]:
        """From the lowest value to the highest."""
        known = [each for part in (self.values, self.ahead, self.low, self.high) for each in part if isfinite(each)]
        known += [0.0] if self.zero else []
        return min(known, default=0.0), max(known, default=0.0)


def thinned(values: Iterable[float], most: int = MOST_POINTS) -> tuple[float, ...]:
    """At most so many points: means of neighbours, without those that are missing."""
    every = tuple(values)
    if len(every) <= most:
        return every
    ends = [place * len(every) // most for place in range(most + 1)]
    return tuple(_mean(every[first:end]) for first, end in pairwise(ends))


def _mean(values: tuple[float, ...]) -> float:
    known = [value for value in values if isfinite(value)]
    return sum(known) / len(known) if known else float("nan")
