"""Rows in rounds: each round holds one row of each of some series, and a series' rows come in their order."""

from collections.abc import Iterator

import numpy as np

from gatecast.streaming.intake import Rows


def rounds(rows: Rows) -> Iterator[Rows]:
    """The rows, as few rounds as there can be: the first row of every series, then the second, and so on."""
    count = len(rows.slots)
    if count == 1 or (count and len(np.unique(rows.slots)) == count):
        yield rows
        return
    order = np.argsort(rows.slots, kind="stable")
    own = rows.slots[order]
    begins = np.flatnonzero(np.diff(own, prepend=-1))
    turn = np.arange(count) - np.repeat(begins, np.diff(begins, append=count))
    order = order[np.argsort(turn, kind="stable")]
    rows, first = Rows(*(part[order] for part in rows)), 0
    for size in np.bincount(turn).tolist():
        yield Rows(*(part[first : first + size] for part in rows))
        first += size
