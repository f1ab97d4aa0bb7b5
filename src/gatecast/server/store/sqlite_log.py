"""The log of observations in SQLite: rows in the order they came, and receipts of the requests that brought them."""

import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import NoneType
from typing import Any, final

import apsw
from msgspec import MsgspecError

from gatecast.server.store.names import Names
from gatecast.server.store.packing import (
    first_unfit,
    pack_covariates,
    pack_targets,
    unpack_covariates,
    unpack_targets,
)
from gatecast.server.store.protocol import Entry, Receipt, Row
from gatecast.server.store.sqlite_database import Database
from gatecast.server.store.sqlite_troubles import damaged
from gatecast.server.store.troubles import repeated_key, unfit_row

AT_ONCE = 4096  # rows of one piece of a replay

INSERT = "INSERT INTO observations VALUES(?, ?, ?, ?, ?, ?)"
READ = """SELECT position, series, time, y, x FROM observations WHERE position > ? AND position <= ?
    ORDER BY position LIMIT ?"""
LAST = "SELECT max(coalesce((SELECT max(position) FROM observations), 0), position) FROM compacted"

NUMBERS = (float, int, NoneType)
as_row = partial(tuple.__new__, Row)  # Row(...) takes a third longer, and there are millions of them


@final
class Log:
    """The log in a database; `last` is the position of its last row, which may be compacted away.

    Raises:
        StoreError: the names of the series are damaged.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as connection:
            self.last: int = connection.execute(LAST).get
            names = list(connection.execute("SELECT id, name FROM series ORDER BY id"))
        if any(number != place for place, (number, _) in enumerate(names, 1)):
            raise damaged(database.path, "series are missing")
        self._known = Names(name for _, name in names)

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
            with self._database.transaction() as connection:
                self._write(connection, rows, entries, new)
        except BaseException as error:
            self._known.forget(new)
            if isinstance(error, (TypeError, ValueError, OverflowError)):
                raise unfit_row(first_unfit(rows)) from error
            raise
        self.last += len(rows)
        return self.last

    def _write(
        self, connection: apsw.Connection, rows: list[Row], entries: Sequence[Entry], new: list[tuple[int, str]]
    ) -> None:
        now = int(time.time())
        receipts = [(entry.key, entry.digest, len(entry.rows), now) for entry in entries if entry.key is not None]
        try:
            connection.executemany("INSERT INTO requests VALUES(?, ?, ?, ?)", receipts)
        except apsw.ConstraintError as error:
            raise repeated_key() from error
        connection.executemany("INSERT INTO series VALUES(?, ?)", new)
        connection.executemany(INSERT, self._packed(rows, now))

    def _packed(self, rows: list[Row], now: int) -> Iterator[tuple[int, int, int, object, bytes | None, int]]:
        ids = self._known.ids
        for position, (series, when, y, x) in enumerate(rows, self.last + 1):
            packed = y[0] if len(y) == 1 else pack_targets(y)  # SQLite itself takes NaN for NULL
            yield position, ids[series], when, packed, pack_covariates(x) if x else None, now

    def receipt(self, key: str) -> Receipt | None:
        """What the request with this Idempotency-Key came to."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT digest, accepted FROM requests WHERE key = ?", (key,)).get
        return found and Receipt(*found)

    def replay(self, after: int) -> Iterator[list[tuple[int, Row]]]:
        """The rows after a position that are there now, in pieces; appends may go on meanwhile."""
        return self._pieces(after, self.last)

    def _pieces(self, after: int, last: int) -> Iterator[list[tuple[int, Row]]]:
        with self._database.another_reader() as connection:
            # A query for each piece: one long query would keep the write-ahead log from being folded.
            while piece := self._unpacked(connection.execute(READ, (after, last, AT_ONCE))):
                yield piece
                after = piece[-1][0]

    def _unpacked(self, found: Iterable[Any]) -> list[tuple[int, Row]]:
        """The rows of a piece.

        Raises:
            StoreError: one of them is none that was ever appended.
        """
        try:
            return self._rows(found)
        except (MsgspecError, IndexError, TypeError, ValueError, struct.error) as error:
            raise damaged(self._database.path, f"a row that no server wrote: {error}") from error

    def _rows(self, found: Iterable[Any]) -> list[tuple[int, Row]]:
        names = self._known.names
        return [
            (
                position,
                as_row(
                    (
                        names[series],
                        when,
                        unpack_targets(y) if type(y) is bytes else (_number(y),),
                        {} if x is None else unpack_covariates(x),
                    )
                ),
            )
            for position, series, when, y, x in found
        ]


def _number(y: Any) -> float | None:  # noqa: ANN401 - whatever SQLite holds
    """A target as it was kept: SQLite would hold words in the same column."""
    if not isinstance(y, NUMBERS):
        raise TypeError(f"{y!r:.40} is no number")
    return y
