"""What SQLite says no with, in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from gatecast.server.refusals import RefusedError
from gatecast.server.store.troubles import FULL, StoreError, full_disk


@contextmanager
def sqlite_troubles(path: Path, connection: apsw.Connection | None = None) -> Iterator[None]:
    """Turn SQLite's errors about the database at `path` into ours.

    Raises:
        FullDiskError: the disk is full, or the quota is spent.
        StoreError: anything else, such as a damaged file.
    """
    try:
        yield
    except apsw.Error as error:
        raise _told(error, path, connection) from error


def _told(error: apsw.Error, path: Path, connection: apsw.Connection | None) -> RefusedError:
    match error:
        case apsw.FullError():
            return full_disk(path)
        case apsw.IOError() if connection is not None and connection.system_errno in FULL:
            return full_disk(path)
        case apsw.CorruptError() | apsw.NotADBError():
            return damaged(path, str(error))
        case apsw.BusyError() | apsw.LockedError():
            return StoreError(f"another program holds {path}: close it there, and try again")
        case apsw.ConnectionClosedError():
            return StoreError(f"the store of {path} is closed: open it again")
        case _:
            return _unusable(error, path)


def _unusable(error: apsw.Error, path: Path) -> StoreError:
    remedy = "see to its rights and its disk"
    if isinstance(error, apsw.CantOpenError):  # SQLite tries again to read it alone, and forgets that there was no room
        remedy = "see to its rights, make room if its disk is full"
    return StoreError(f"{path} cannot be read or written ({error}): {remedy}, and start again")


def damaged(path: Path, found: str) -> StoreError:
    """What is said of a file that is not the database it should be."""
    return StoreError(
        f"{path} is not a whole database of observations ({found}). Stop the server, copy the folder away, and save "
        f"what can be read: sqlite3 {path.name} .recover | sqlite3 recovered.db (the sqlite3 of sqlite.org can, those "
        f"of some systems cannot); then put recovered.db in its place, without {path.name}-wal and {path.name}-shm. "
        "Or leave the copy where it is, empty the folder, and begin a new log"
    )
