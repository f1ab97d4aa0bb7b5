"""What a store of observations must do, in five methods.

The log of observations is the truth; the states in memory are a cache that reading it again makes anew, and a snapshot
is such a cache with the place of the log that it stands at.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, runtime_checkable


class Row(NamedTuple):
    """One observation, as it is kept.

    Attributes:
        series: its name.
        time: microseconds since 1970-01-01, or the number of the row.
        y: the targets, in the model's order; None where missing.
        x: everything else by name.
    """

    series: str
    time: int
    y: tuple[float | None, ...]
    x: dict[str, float | str | None]


class Entry(NamedTuple):
    """The observations of one request, which are kept together or not at all.

    Attributes:
        rows: the observations.
        key: the Idempotency-Key of the request, if it had one.
        digest: of the request, by which another one with the same key is told apart.
    """

    rows: Sequence[Row]
    key: str | None = None
    digest: bytes = b""


class Receipt(NamedTuple):
    """What a request with an Idempotency-Key came to: the digest of it, and how many observations it brought."""

    digest: bytes
    accepted: int


class Snapshot(NamedTuple):
    """States of a model after the log up to `position`.

    Attributes:
        model: the fingerprint of the model.
        position: of the last observation that the states have seen; 0 for none.
        state: the states, in whatever form the model keeps them.
    """

    model: str
    position: int
    state: bytes


@runtime_checkable
class StateStore(AbstractContextManager["StateStore"], Protocol):
    """An append-only log of observations with snapshots; one writer.  Leaving the context closes it.

    `append` is called from one thread at a time; `receipt` and `latest` may be called from another.
    """

    def append(self, entries: Sequence[Entry]) -> int:
        """Put all entries on disk in one transaction; the position of the last row of the log.

        Rows have positions 1, 2, 3, ... in the order given.

        Raises:
            FullDiskError: they did not fit; nothing of them was kept, and a later append may succeed.
        """
        ...

    def receipt(self, key: str) -> Receipt | None:
        """What the request with this Idempotency-Key came to; None if there was none, or it is long ago."""
        ...

    def replay(self, after: int) -> Iterator[list[tuple[int, Row]]]:
        """All rows after a position, in their order, some thousands at a time, each with its position."""
        ...

    def save(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of the older ones of the same model; the log is compacted by the store's policy."""
        ...

    def latest(self, model: str) -> Snapshot | None:
        """The newest snapshot of a model; None if there is none that is whole."""
        ...
