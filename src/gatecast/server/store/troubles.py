"""Why a store says no, in words that say what to do: SQLite's and the system's errors are told apart here."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from gatecast.server.refusals import FullDiskError, RefusedError

FULL = (errno.ENOSPC, errno.EDQUOT)


class StoreError(RefusedError):
    """A store that cannot be opened, read or written."""


def full_disk(place: object) -> FullDiskError:
    """What is said when something did not fit."""
    return FullDiskError(
        f"the disk that holds {place} is full; nothing of this was kept, and what was kept before is safe: "
        "make room, and send it again"
    )


@contextmanager
def file_troubles(path: Path) -> Iterator[None]:
    """Turn the system's errors about a file into ours.

    Raises:
        FullDiskError: the disk is full, or the quota is spent.
        StoreError: anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full_disk(path) from error
        raise StoreError(f"{path} cannot be read or written ({error}): see to its folder's rights and disk") from error


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
            return StoreError(
                f"{path} cannot be read or written ({error}): see to its rights and its disk, and start again"
            )


def damaged(path: Path, found: str) -> StoreError:
    """What is said of a file that is not the database it should be."""
    return StoreError(
        f"{path} is not a whole database of observations ({found}). Stop the server, copy the folder away, and save "
        f"what can be read: sqlite3 {path.name} .recover | sqlite3 recovered.db; then put recovered.db in its place, "
        f"without {path.name}-wal and {path.name}-shm. With the file moved away, a new log begins"
    )
