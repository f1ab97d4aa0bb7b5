"""The log of observations on a PostgreSQL server: rows go there by COPY, and come back by a cursor of the server's."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import final

import psycopg

from gatecast.server.store.names import Names
from gatecast.server.store.packing import Targets, first_unfit, pack_covariates, unpack_covariates
from gatecast.server.store.postgres_server import Connection, Server
from gatecast.server.store.protocol import Entry, Receipt, Row
from gatecast.server.store.troubles import repeated_key, unfit_row

AT_ONCE = 4096  # rows of one piece of a replay
COPY = "COPY gatecast.observations FROM STDIN (FORMAT BINARY)"
TYPES = ("int8", "int8", "int8", "float8[]", "bytea", "int8")
READ = """SELECT position, series, time, y, x FROM gatecast.observations WHERE position > %s AND position <= %s
    ORDER BY position"""
LAST = "SELECT greatest((SELECT max(position) FROM gatecast.observations), compacted) FROM gatecast.about"


@final
class PostgresLog:
    """The log in a database; `last` is the position of its last row, which may be compacted away."""

    def __init__(self, server: Server) -> None:
        self._server = server
        with server.reading() as connection:
            ((last,),) = connection.execute(LAST)
            names = connection.execute("SELECT name FROM gatecast.series ORDER BY id").fetchall()
        self.last: int = last
        self._known = Names(name for (name,) in names)

    def append(self, entries: Sequence[Entry]) -> int:
        """Put all entries on disk in one transaction; the position of the last row of the log.

        Raises:
            FullDiskError: they did not fit.
            InputError: a row has a value that cannot be kept.
            ConflictError: an Idempotency-Key came before.
        """
        rows = [row for entry in entries for row in entry.rows]
        new = self._known.learn(rows)
        try:
            with self._server.transaction() as connection:
                self._write(connection, rows, entries, new)
        except BaseException as error:
            self._known.forget(new)
            if isinstance(error, (TypeError, ValueError, OverflowError)):
                raise unfit_row(first_unfit(rows, _text)) from error
            raise
        self.last += len(rows)
        return self.last

    def _write(
        self, connection: Connection, rows: list[Row], entries: Sequence[Entry], new: list[tuple[int, str]]
    ) -> None:
        now = int(time.time())
        receipts = [(entry.key, entry.digest, len(entry.rows), now) for entry in entries if entry.key is not None]
        for _, name in new:
            _text(name)
        with connection.cursor() as cursor:
            try:
                cursor.executemany("INSERT INTO gatecast.requests VALUES(%s, %b, %s, %s)", receipts)
            except psycopg.errors.UniqueViolation as error:
                raise repeated_key() from error
            cursor.executemany("INSERT INTO gatecast.series VALUES(%s, %s)", new)
            with cursor.copy(COPY) as copy:
                copy.set_types(TYPES)
                for values in self._packed(rows, now):
                    copy.write_row(values)

    def _packed(self, rows: list[Row], now: int) -> Iterator[tuple[object, ...]]:
        ids = self._known.ids
        for position, (series, when, y, x) in enumerate(rows, self.last + 1):
            yield position, ids[series], when, _numbers(y), pack_covariates(x) if x else None, now

    def receipt(self, key: str) -> Receipt | None:
        """What the request with this Idempotency-Key came to."""
        with self._server.reading() as connection:
            query = "SELECT digest, accepted FROM gatecast.requests WHERE key = %s"
            found = connection.execute(query, (key,)).fetchone()
        return Receipt(*found) if found else None

    def replay(self, after: int) -> Iterator[list[tuple[int, Row]]]:
        """The rows after a position that are there now, in pieces; appends may go on meanwhile."""
        return self._pieces(after, self.last)

    def _pieces(self, after: int, last: int) -> Iterator[list[tuple[int, Row]]]:
        names = self._known.names
        with self._server.another_reader() as connection, connection.cursor("replay", binary=True) as cursor:
            cursor.execute(READ, (after, last))
            while found := cursor.fetchmany(AT_ONCE):
                yield [
                    (position, Row(names[series], when, tuple(y), {} if x is None else unpack_covariates(x)))
                    for position, series, when, y, x in found
                ]


def _numbers(y: Targets) -> list[float | None]:
    return [None if value is None or math.isnan(value) else float(value) for value in y]


def _text(name: str) -> None:
    name.encode()
    if "\0" in name:
        raise ValueError("PostgreSQL keeps no zero bytes in text")
