"""How workers that train one net together share a table: each takes its part of every step.

    all hold the table       a step's windows   |--- rank 0 ---|--- rank 1 ---|
    each holds own series    a step's windows   0 1 1 0 0 1 0 1                  each goes to whoever holds its series

What a step reads is a function of (seed, step) alone, and what a worker reads of it one of (rank, world) besides: so
the loss does not depend on the number of workers.
"""

from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Int64

from gatecast.data.splits import evenly_numbered
from gatecast.training.group import ALONE, Group


@runtime_checkable
class Part(Protocol):
    """The part that one worker reads of items, by their numbers through all workers."""

    def of(self, items: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, " mine"]:
        """Where among the items those of this worker stand."""
        ...

    def own(self, items: Int64[np.ndarray, " mine"]) -> Int64[np.ndarray, " mine"]:
        """The numbers that items of this worker have in what it holds."""
        ...


@final
@dataclass(frozen=True)
class Slice:
    """Every worker holds everything, and takes an equal slice."""

    rank: int
    world: int

    def of(self, items: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, " mine"]:
        """Where the slice lies."""
        count = len(items)
        return np.arange(self.rank * count // self.world, (self.rank + 1) * count // self.world)

    def own(self, items: Int64[np.ndarray, " mine"]) -> Int64[np.ndarray, " mine"]:
        """The same numbers."""
        return items


ALL = Slice(0, 1)
"""The part of one worker who is alone."""


@final
@dataclass(frozen=True)
class Held:
    """This worker holds the items from number `first` to (not including) `last`."""

    first: int
    last: int

    def of(self, items: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, " mine"]:
        """Where items that it holds stand."""
        return np.flatnonzero((items >= self.first) & (items < self.last))

    def own(self, items: Int64[np.ndarray, " mine"]) -> Int64[np.ndarray, " mine"]:
        """Their numbers, counted from its first."""
        return items - self.first


@final
@dataclass(frozen=True, eq=False)
class Workers:
    """Those who train one net together.

    Attributes:
        group: how they talk.
        apart: whether each holds series of its own, in the order of their ranks; else each holds the whole table.
    """

    group: Group = ALONE
    apart: bool = False

    def joined(self, own: np.ndarray) -> np.ndarray:
        """What each worker has of its series, as an array of all series; the first axis is theirs."""
        return np.concatenate(self.group.gather(own)) if self.apart else own

    def names(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """The names of all series."""
        return tuple(name for names in self.group.gather(own) for name in names) if self.apart else own

    def count(self, own: int) -> int:
        """How many there are of what this worker holds so many of."""
        return sum(self.group.gather(own)) if self.apart else own

    def part(self, own: int) -> Part:
        """Its part of items, of which it holds so many."""
        if not self.apart:
            return Slice(self.group.rank, self.group.world)
        first = sum(self.group.gather(own)[: self.group.rank])
        return Held(first, first + own)

    def some(self, own: int, most: int) -> Int64[np.ndarray, " mine"]:
        """Which of its `own` items are among `most` of all, evenly spaced, and are its to look at."""
        part, all_ = self.part(own), evenly_numbered(self.count(own), most)
        return part.own(all_[part.of(all_)])


BY_ITSELF = Workers()
"""One worker."""
