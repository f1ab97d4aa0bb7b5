"""How workers that train one net together share a table: each takes its pieces of every step.

    all hold the table       a step's windows   |-- piece 0 --|-- piece 1 --|-- piece 2 --|-- piece 3 --|
    each holds own series    a step's windows   0 2 1 1 0 3 2 0 3 1             each in the piece of its series

What a step reads is a function of (seed, step) alone, and what a worker reads of it one of (rank, world) besides: so
the loss does not depend on the number of workers.  Of as many pieces as were asked for, whoever works on them, not one
bit of it does.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Int64

from gatecast.data.splits import evenly_numbered
from gatecast.errors import OptionError
from gatecast.training.group import ALONE, Group


@runtime_checkable
class Part(Protocol):
    """The part that a piece has of items, by their numbers through all workers."""

    def of(self, items: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, " mine"]:
        """Where among the items those of the piece stand."""
        ...

    def own(self, items: Int64[np.ndarray, " mine"]) -> Int64[np.ndarray, " mine"]:
        """The numbers that items of the piece have in what its worker holds."""
        ...


@final
@dataclass(frozen=True)
class Slice:
    """Every worker holds everything, and a piece is an equal slice: number `number` of `pieces`."""

    number: int
    pieces: int

    def of(self, items: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, " mine"]:
        """Where the slice lies."""
        count = len(items)
        return np.arange(self.number * count // self.pieces, (self.number + 1) * count // self.pieces)

    def own(self, items: Int64[np.ndarray, " mine"]) -> Int64[np.ndarray, " mine"]:
        """The same numbers."""
        return items


ALL = Slice(0, 1)
"""The only piece there is."""


@final
@dataclass(frozen=True)
class Held:
    """A piece is the items from number `first` to (not including) `last`; its worker holds those from `base` on."""

    first: int
    last: int
    base: int

    def of(self, items: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, " mine"]:
        """Where items of the piece stand."""
        return np.flatnonzero((items >= self.first) & (items < self.last))

    def own(self, items: Int64[np.ndarray, " mine"]) -> Int64[np.ndarray, " mine"]:
        """Their numbers, counted from the first that the worker holds."""
        return items - self.base


@final
@dataclass(frozen=True, eq=False)
class Workers:
    """Those who train one net together.

    Attributes:
        group: how they talk.
        pieces: in how many pieces a step is learnt from; 1 for one a worker.
        held: how many series this worker holds of each of its pieces, in their order; None where every worker holds the
            whole table.
    """

    group: Group = ALONE
    pieces: int = 1
    held: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.pieces > 1 and self.pieces % self.group.world:
            raise OptionError(
                f"training.pieces={self.pieces} cannot be shared out evenly among {self.group.world} workers: give a "
                f"multiple of {self.group.world}, or leave it out."
            )

    @property
    def apart(self) -> bool:
        """Whether each holds series of its own."""
        return self.held is not None

    @property
    def of_all(self) -> int:
        """How many pieces there are."""
        return self.pieces if self.pieces > 1 else self.group.world

    @property
    def numbers(self) -> range:
        """Which of the pieces are this worker's."""
        rank, world = self.group.rank, self.group.world
        return range(rank * self.of_all // world, (rank + 1) * self.of_all // world)

    def joined(self, own: np.ndarray) -> np.ndarray:
        """What each worker has of its series, as an array of all series; the first axis is theirs."""
        return np.concatenate(self.group.gather(own)) if self.apart else own

    def names(self, own: tuple[str, ...]) -> tuple[str, ...]:
        """The names of all series."""
        return tuple(name for names in self.group.gather(own) for name in names) if self.apart else own

    def count(self, own: int) -> int:
        """How many there are of what this worker holds so many of."""
        return sum(self.group.gather(own)) if self.apart else own

    def parts(self, series: Int64[np.ndarray, " items"]) -> tuple[Part, ...]:
        """The parts that its pieces have of items; `series` says of which of its own series each item is, ascending."""
        if self.held is None:
            return tuple(Slice(number, self.of_all) for number in self.numbers)
        base = sum(self.group.gather(len(series))[: self.group.rank])
        bounds = base + np.searchsorted(series, np.concatenate([[0], np.cumsum(self.held)]))
        return tuple(Held(first, last, base) for first, last in pairwise(bounds.tolist()))

    def some(self, series: Int64[np.ndarray, " items"], most: int) -> list[Int64[np.ndarray, " mine"]]:
        """For each of its pieces, which of its own items are among `most` of all, evenly spaced, and the piece's."""
        all_ = evenly_numbered(self.count(len(series)), most)
        return [part.own(all_[part.of(all_)]) for part in self.parts(series)]


BY_ITSELF = Workers()
"""One worker."""
