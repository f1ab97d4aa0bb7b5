"""Snapshots are files of their own, named by a row of the database once they are whole: states can be large."""

import hashlib
import re
from pathlib import Path
from typing import final

from gatecast.files import write_atomic
from gatecast.server.store.policy import MODEL, SNAPSHOTS
from gatecast.server.store.protocol import Snapshot
from gatecast.server.store.sqlite_database import Database
from gatecast.server.store.troubles import file_troubles

FILE = re.compile(rf"snapshot-{MODEL.pattern}-[0-9]+")
HALF = re.compile(r"\.[0-9a-f]{16}\.tmp")  # what write_atomic leaves when the process is killed

NEWEST = "SELECT position, sha256 FROM snapshots WHERE model = ? ORDER BY position DESC"
KEEP = "INSERT INTO snapshots VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET sha256 = excluded.sha256"
DROP = """DELETE FROM snapshots WHERE model = ?1 AND position NOT IN
    (SELECT position FROM snapshots WHERE model = ?1 ORDER BY position DESC LIMIT ?2)"""
OLDEST = "SELECT min(position) FROM snapshots WHERE model = ?"


@final
class Snapshots:
    """The snapshots in the folder of a database; their models are checked by whoever calls."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._folder = database.path.parent

    def save(self, snapshot: Snapshot) -> int:
        """Keep a snapshot and the one before it; up to which position both have seen the log.

        Raises:
            FullDiskError: it did not fit; those before are whole.
        """
        model, position, state = snapshot
        with file_troubles(self._folder):
            write_atomic(self._path(model, position), state)
        with self._database.transaction() as connection:
            connection.execute(KEEP, (model, position, hashlib.sha256(state).digest()))
            connection.execute(DROP, (model, SNAPSHOTS))
            seen: int = connection.execute(OLDEST, (model,)).get
        self._sweep()
        return seen

    def latest(self, model: str) -> Snapshot | None:
        """The newest snapshot of a model that is whole; None if there is none."""
        with self._database.reading() as connection:
            newest = list(connection.execute(NEWEST, (model,)))
        for position, digest in newest:
            state = _read(self._path(model, position))
            if state is not None and hashlib.sha256(state).digest() == digest:
                return Snapshot(model, position, state)
        return None

    def _path(self, model: str, position: int) -> Path:
        return self._folder / f"snapshot-{model}-{position}"

    def _sweep(self) -> None:
        """Remove the files that no row names: of older snapshots, and of writings that were cut off."""
        with self._database.reading() as connection:
            rows = list(connection.execute("SELECT model, position FROM snapshots"))
        named = {self._path(model, position).name for model, position in rows}
        with file_troubles(self._folder):
            for path in self._folder.iterdir():
                if HALF.fullmatch(path.name) or (FILE.fullmatch(path.name) and path.name not in named):
                    path.unlink(missing_ok=True)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:  # missing, or the disk cannot read it: an older one serves
        return None
