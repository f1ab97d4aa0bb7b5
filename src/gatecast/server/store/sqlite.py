"""The store in a folder of its own: SQLite for the log, a file for each snapshot, a lock for the one writer."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import final

from gatecast.folders import make_folder
from gatecast.server.store.locking import FolderLock
from gatecast.server.store.policy import DAY, check_keep_days, check_model, check_snapshot
from gatecast.server.store.protocol import Entry, Receipt, Row, Snapshot, StateStore
from gatecast.server.store.sqlite_compacting import compact, forget_receipts
from gatecast.server.store.sqlite_database import Database
from gatecast.server.store.sqlite_log import Log
from gatecast.server.store.sqlite_snapshots import Snapshots
from gatecast.server.store.troubles import file_troubles


@final
class SqliteStore(StateStore):
    """A log of observations in the folder, which is made if it is missing.

    Args:
        folder: it belongs to this store alone, and lies on a local disk.
        keep_days: rows that are older are removed once two snapshots (or the only one) have seen them; None keeps all.

    Raises:
        OptionError: `keep_days` is no time.
        StoreError: another process writes there, or what is there cannot be read.
    """

    def __init__(self, folder: Path, *, keep_days: float | None = None) -> None:
        check_keep_days(keep_days)
        self._keep_days = keep_days
        self._saving = Lock()
        with file_troubles(folder):
            make_folder(folder, 0o700)
        with ExitStack() as held:
            held.callback(FolderLock(folder).release)
            self._database = Database(folder / "observations.db")
            held.callback(self._database.close)
            self._log = Log(self._database)
            self._snapshots = Snapshots(self._database)
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
            forget_receipts(self._database)
            if self._keep_days is not None:
                compact(self._database, seen, time.time() - self._keep_days * DAY)
            self._database.fold()

    def latest(self, model: str) -> Snapshot | None:
        """The newest snapshot of a model that is whole; None if there is none.

        Raises:
            OptionError: the model's fingerprint is no name.
        """
        check_model(model)
        return self._snapshots.latest(model)

    def __exit__(self, *_: object) -> None:
        self._held.close()
