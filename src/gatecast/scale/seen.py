"""Which series were seen in which partition: one that lies in two was never whole in either."""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import UInt64

from gatecast.data.categories import words_of
from gatecast.data.longtable import long_table
from gatecast.data.partitions import name_hashes
from gatecast.errors import TableError


class Seen:
    """The hashes of all names so far, sorted, in a few runs that double in size: eight bytes a name, and four more.

    Args:
        sources: the partitions.
        column: the column with the names.
    """

    def __init__(self, sources: tuple[Path, ...], column: str | None) -> None:
        self._sources, self._column = sources, column
        self._runs = list[tuple[UInt64[np.ndarray, " names"], np.ndarray]]()

    def add(self, number: int, names: UInt64[np.ndarray, " names"]) -> None:
        """Take in the names of a partition.

        Raises:
            TableError: one of them was in another partition.
        """
        names = np.sort(names)
        for known, where in self._runs:
            place = np.minimum(np.searchsorted(known, names), len(known) - 1)
            for again in np.flatnonzero(known[place] == names):
                self._refuse_same(int(names[again]), int(where[place[again]]), number)
        if len(names):
            self._keep(names, np.full(len(names), number, dtype=np.int32))

    def _keep(self, names: UInt64[np.ndarray, " names"], where: np.ndarray) -> None:
        """A run more; runs of like size become one, so that there are few."""
        while self._runs and len(self._runs[-1][0]) <= 2 * len(names):
            more, also = self._runs.pop()
            names, where = np.concatenate([more, names]), np.concatenate([also, where])
            order = np.argsort(names, kind="stable")
            names, where = names[order], where[order]
        self._runs.append((names, where))

    def _refuse_same(self, found: int, one: int, other: int) -> None:
        """Two names may share a hash; a name in two partitions is refused."""
        first, second = self._sources[one], self._sources[other]
        for name in sorted(self._names(first, found) & self._names(second, found)):
            raise TableError(
                f'series "{name}" lies in two partitions, {first.name} and {second.name}, and each must hold whole '
                f"series. `gatecast partition` cuts tables so; name a new folder with --out afterwards."
            )

    def _names(self, source: Path, found: int) -> set[str]:
        """The names in a partition that have this hash."""
        names = set[str]()
        for frame in long_table(source).stretches():
            words = frame[self._column] if self._column is not None else pl.Series([""])
            names.update(words_of(words.unique()).drop_nulls().to_list())
        wanted = np.uint64(found)
        return {name for name in names if name_hashes([name])[0] == wanted}
