"""The tables of the database, and whether a file holds them: another program's file is left as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from gatecast.server.store.sqlite_troubles import damaged, sqlite_troubles
from gatecast.server.store.troubles import StoreError

APPLICATION = 0x67617465  # "gate"
VERSION = 1

# `y` has no one type: a number of one target, bytes of several.  It is not REAL, which would lose the sign of -0.0.
# `received` is in seconds since 1970.  Of a log that was compacted, `compacted` says up to where.
TABLES = """
CREATE TABLE series(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE observations(position INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series,
    time INTEGER NOT NULL, y ANY, x BLOB, received INTEGER NOT NULL) STRICT;
CREATE TABLE requests(key TEXT PRIMARY KEY NOT NULL, digest BLOB NOT NULL, accepted INTEGER NOT NULL,
    received INTEGER NOT NULL) STRICT;
CREATE TABLE snapshots(model TEXT NOT NULL, position INTEGER NOT NULL, sha256 BLOB NOT NULL,
    PRIMARY KEY(model, position)) STRICT;
CREATE TABLE compacted(only INTEGER PRIMARY KEY CHECK(only = 1), position INTEGER NOT NULL) STRICT;
INSERT INTO compacted VALUES(1, 0);
"""


@contextmanager
def all_or_nothing(connection: apsw.Connection) -> Iterator[None]:
    """A transaction; apsw's own would say that it cannot roll back where a full disk has ended it, and not why."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def connect(path: Path, flags: int) -> apsw.Connection:
    """A connection that waits a little for others, and trusts nothing that a schema may say."""
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(5_000)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    return connection


def open_writer(path: Path) -> apsw.Connection:
    """The database at `path` to write, made if missing; what is committed is on disk.

    Raises:
        FullDiskError: it cannot be opened for want of room.
        StoreError: the file is another program's, of a newer gatecast, or damaged, or cannot have a write-ahead log.
    """
    connection = connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    with sqlite_troubles(path, connection):  # SQLite opens files as they are wanted
        _settle(connection, path)
    return connection


def _settle(connection: apsw.Connection, path: Path) -> None:
    new = _is_new(connection)
    if not new:
        _check(connection, path)
    if connection.pragma("journal_mode", "wal") != "wal":
        raise StoreError(f"{path} cannot have a write-ahead log here: use a folder on a local disk")
    connection.pragma("synchronous", "FULL")
    connection.pragma("fullfsync", "ON")  # on macOS nothing else reaches the disk
    connection.pragma("foreign_keys", "ON")
    if new:
        _make(connection)


def _make(connection: apsw.Connection) -> None:
    with all_or_nothing(connection):
        connection.execute(f"{TABLES} PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION}")


def _marks(connection: apsw.Connection) -> tuple[int, int]:
    return connection.pragma("application_id"), connection.pragma("user_version")


def _is_new(connection: apsw.Connection) -> bool:
    return _marks(connection) == (0, 0) and not connection.execute("SELECT 1 FROM sqlite_schema").get


def _check(connection: apsw.Connection, path: Path) -> None:
    application, version = _marks(connection)
    if application != APPLICATION:
        raise StoreError(f"{path} is a database of another program: give gatecast a folder of its own")
    if version > VERSION:
        raise StoreError(
            f"{path} was written by a newer gatecast (version {version} of the tables, this one knows {VERSION}): "
            "run: pip install --upgrade gatecast"
        )
    if version != VERSION or not _is_whole(connection):
        raise damaged(path, "its tables are not those of gatecast")


def _is_whole(connection: apsw.Connection) -> bool:
    """Whether our tables are there as we made them, and nothing that would act when they are written."""
    fresh = apsw.Connection(":memory:")
    _make(fresh)
    found = set(connection.execute("SELECT type, name, sql FROM sqlite_schema"))
    return set(fresh.execute("SELECT type, name, sql FROM sqlite_schema")) <= found and all(
        kind != "trigger" for kind, _, _ in found
    )
