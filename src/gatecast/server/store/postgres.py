"""The store on a PostgreSQL server, for who has one: its tables lie in the schema `gatecast` of a database."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from threading import Lock
from typing import final

from gatecast.server.store.policy import DAY, check_keep_days, check_model, check_snapshot
from gatecast.server.store.postgres_compacting import compact, forget_receipts
from gatecast.server.store.postgres_log import PostgresLog
from gatecast.server.store.postgres_server import Server
from gatecast.server.store.postgres_snapshots import PostgresSnapshots
from gatecast.server.store.protocol import Entry, Receipt, Row, Snapshot, StateStore


@final
class PostgresStore(StateStore):
    """A log of observations in a database; the schema `gatecast` is made there if it is missing.

    A connection that is lost is not taken up again, because another writer may have come in between.

    Args:
        url: `postgresql://user:password@host:port/database`.
        keep_days: rows that are older are removed once two snapshots (or the only one) have seen them; None keeps all.

    Raises:
        OptionError: `keep_days` is no time.
        StoreError: the server cannot be reached, another process writes there, or what is there is not ours.
    """

    def __init__(self, url: str, *, keep_days: float | None = None) -> None:
        check_keep_days(keep_days)
        self._keep_days = keep_days
        self._saving = Lock()
        with ExitStack() as held:
            self._server = Server(url)
            held.callback(self._server.close)
            self._log = PostgresLog(self._server)
            self._snapshots = PostgresSnapshots(self._server)
            self._held = held.pop_all()

    def append(self, entries: Sequence[Entry]) -> int:
        """Put all entries on disk in one transaction; the position of the last row of the log.

        Raises:
            FullDiskError: they did not fit; nothing of them was kept, and a later append may succeed.
            InputError: a row has a value that cannot be kept; nothing of the entries was.
            ConflictError: an Idempotency-Key has a receipt already; nothing of the entries was kept.
        """
        return self._log.append(entries)

    def receipt(self, key: str) -> Receipt | None:
        """What the request with this Idempotency-Key came to; None if there was none, or it is a week ago."""
        return self._log.receipt(key)

    def replay(self, after: int) -> Iterator[list[tuple[int, Row]]]:
        """The rows after a position that are there now, some thousands at a time; appends may go on meanwhile."""
        return self._log.replay(after)

    def save(self, snapshot: Snapshot) -> None:
        """Keep a snapshot and the one before it of the same model; remove old rows and old receipts.

        Raises:
            OptionError: the model's fingerprint is no name, or the snapshot stands beyond the log.
            FullDiskError: it did not fit; the snapshots before it are whole.
        """
        check_snapshot(snapshot, self._log.last)
        with self._saving:
            seen = self._snapshots.save(snapshot)
            forget_receipts(self._server)
            if self._keep_days is not None:
                compact(self._server, seen, time.time() - self._keep_days * DAY)

    def latest(self, model: str) -> Snapshot | None:
        """The newest snapshot of a model that is whole; None if there is none.

        Raises:
            OptionError: the model's fingerprint is no name.
        """
        check_model(model)
        return self._snapshots.latest(model)

    def __exit__(self, *_: object) -> None:
        self._held.close()
