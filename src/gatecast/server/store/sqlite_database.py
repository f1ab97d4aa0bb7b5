"""One SQLite file with two connections: one that writes, and one that reads meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import final

import apsw

from gatecast.server.store.sqlite_schema import all_or_nothing, connect, open_writer
from gatecast.server.store.sqlite_troubles import sqlite_troubles


@final
class Database:
    """The file at `path`, made if missing; each connection serves one thread at a time.

    Raises:
        StoreError: the file cannot be opened, or is not a database of observations.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with sqlite_troubles(path):
            self._writer = open_writer(path)
            self._reader = connect(path, apsw.SQLITE_OPEN_READONLY)
        self._writing, self._reading = Lock(), Lock()

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """What is written within is on disk when this ends, or nothing of it is kept.

        Raises:
            FullDiskError: it did not fit.
            StoreError: it could not be written.
        """
        with self._writing, sqlite_troubles(self.path, self._writer), all_or_nothing(self._writer):
            yield self._writer

    @contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """What is on disk, while others write."""
        with self._reading, sqlite_troubles(self.path, self._reader):
            yield self._reader

    @contextmanager
    def another_reader(self) -> Iterator[apsw.Connection]:
        """A connection of one's own, for a long reading."""
        with sqlite_troubles(self.path):
            connection = connect(self.path, apsw.SQLITE_OPEN_READONLY)
            try:
                yield connection
            finally:
                connection.close()

    def fold(self) -> None:
        """Put the write-ahead log into the file and empty it, unless somebody reads it just now."""
        with self._writing, sqlite_troubles(self.path, self._writer):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").get  # noqa: B018 - it runs as its answer is read

    def close(self) -> None:
        """Close both connections; the last one folds the write-ahead log."""
        with self._reading, self._writing, sqlite_troubles(self.path):
            self._reader.close()
            self._writer.close()
