"""Snapshots on a PostgreSQL server: in parts, because one value of the server's may hold no more than 1 GB."""

import hashlib
from collections.abc import Iterator
from typing import final

from gatecast.server.store.policy import SNAPSHOTS
from gatecast.server.store.postgres_server import Server
from gatecast.server.store.protocol import Snapshot

PART = 8 * 2**20  # bytes

KEEP = "INSERT INTO gatecast.snapshots VALUES(%s, %s, %s)"
DROP_SAME = "DELETE FROM gatecast.snapshots WHERE model = %s AND position = %s"
DROP_OLD = """DELETE FROM gatecast.snapshots WHERE model = %(model)s AND position NOT IN
    (SELECT position FROM gatecast.snapshots WHERE model = %(model)s ORDER BY position DESC LIMIT %(kept)s)"""
NEWEST = "SELECT position, sha256 FROM gatecast.snapshots WHERE model = %s ORDER BY position DESC"
PARTS = "SELECT bytes FROM gatecast.parts WHERE model = %s AND position = %s ORDER BY part"


@final
class PostgresSnapshots:
    """The snapshots in a database; their models are checked by whoever calls."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def save(self, snapshot: Snapshot) -> int:
        """Keep a snapshot and the one before it; up to which position both have seen the log.

        Raises:
            FullDiskError: it did not fit; those before are whole.
        """
        model, position, state = snapshot
        with self._server.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(DROP_SAME, (model, position))
            cursor.execute(KEEP, (model, position, hashlib.sha256(state).digest()))
            with cursor.copy("COPY gatecast.parts FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(("text", "int8", "int4", "bytea"))
                for part, data in enumerate(_parts(state)):
                    copy.write_row((model, position, part, data))
            cursor.execute(DROP_OLD, {"model": model, "kept": SNAPSHOTS})
            cursor.execute("SELECT min(position) FROM gatecast.snapshots WHERE model = %s", (model,))
            ((seen,),) = cursor
        return seen

    def latest(self, model: str) -> Snapshot | None:
        """The newest snapshot of a model that is whole; None if there is none."""
        with self._server.another_reader() as connection:
            for position, digest in connection.execute(NEWEST, (model,)).fetchall():
                with connection.cursor("parts", binary=True) as cursor:
                    cursor.itersize = 1
                    state = b"".join(part for (part,) in cursor.execute(PARTS, (model, position)))
                if hashlib.sha256(state).digest() == digest:
                    return Snapshot(model, position, state)
        return None


def _parts(state: bytes) -> Iterator[memoryview]:
    whole = memoryview(state)
    return (whole[start : start + PART] for start in range(0, len(state), PART))
