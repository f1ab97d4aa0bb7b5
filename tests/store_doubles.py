"""A store that fails when it is told to, around a real one."""

from collections.abc import Iterator, Sequence

from gatecast.errors import InputError
from gatecast.server.store import Entry, Receipt, Row, Snapshot, StateStore


class Failing(StateStore):
    """Attributes `error` and `saving` are raised by appends and saves, `unfit` is a series that cannot be kept, and
    after `left` appends the process is gone.
    """

    def __init__(self, store: StateStore) -> None:
        self.store = store
        self.error: Exception | None = None
        self.saving: Exception | None = None
        self.unfit = ""
        self.left: int | None = None

    def append(self, entries: Sequence[Entry]) -> int:
        if self.error is not None and entries:
            raise self.error
        if any(row.series == self.unfit for entry in entries for row in entry.rows):
            raise InputError("a row cannot be kept")
        if self.left is not None and entries:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
        return self.store.append(entries)

    def receipt(self, key: str) -> Receipt | None:
        return self.store.receipt(key)

    def replay(self, after: int) -> Iterator[list[tuple[int, Row]]]:
        return self.store.replay(after)

    def save(self, snapshot: Snapshot) -> None:
        if self.saving is not None:
            raise self.saving
        self.store.save(snapshot)

    def latest(self, model: str) -> Snapshot | None:
        return self.store.latest(model)

    def __exit__(self, *_: object) -> None:
        self.store.__exit__(None, None, None)
