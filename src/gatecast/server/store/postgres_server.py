"""A PostgreSQL server with two connections: one that writes and is the only one to, and one that reads meanwhile."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any, final

import psycopg

from gatecast.server.store.postgres_schema import prepare
from gatecast.server.store.postgres_troubles import one_line, server_troubles, shown
from gatecast.server.store.troubles import StoreError

LOCK = 0x67617465  # "gate", of this database
PATIENCE = 2.0  # seconds that the server is given to see that the last writer was killed
HOLDER = """SELECT max(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
# A commit returns once it is on disk, whatever the server's default, and a writer whose machine has died is noticed.
SETTINGS = """
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
"""

Connection = psycopg.Connection[Any]


@final
class Server:
    """The database at `url`; `place` says which it is, in messages.

    Raises:
        StoreError: it cannot be reached, another process writes there, or what is there is not ours.
    """

    def __init__(self, url: str) -> None:
        self._url, self.place = url, shown(url)
        self._writing = Lock()
        with ExitStack() as held:
            self._writer = _connect(url, self.place)
            held.callback(self._writer.close)
            with server_troubles(self.place):
                _take_lock(self._writer, self.place)
                prepare(self._writer, self.place)
            self._reader = _connect(url, self.place)
            held.callback(self._reader.close)
            self.close = held.pop_all().close

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """What is written within is on disk when this ends, or nothing of it is kept.

        Raises:
            FullDiskError: it did not fit.
            StoreError: it could not be written.
        """
        with self._writing, server_troubles(self.place), self._writer.transaction():
            yield self._writer

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """What is on disk, while others write."""
        with server_troubles(self.place):
            yield self._reader

    @contextmanager
    def another_reader(self) -> Iterator[Connection]:
        """A connection of one's own, for a long reading: all of it sees what was there when it began."""
        with _connect(self._url, self.place) as connection, server_troubles(self.place):
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with connection.transaction():
                yield connection


def _connect(url: str, place: str) -> Connection:
    """A connection of which each statement is a transaction, unless it stands in one."""
    try:
        connection = psycopg.connect(url, autocommit=True, client_encoding="utf8", application_name="gatecast")
        connection.execute(SETTINGS)
    except psycopg.Error as error:
        raise StoreError(
            f"{place} cannot be opened ({one_line(error)}): see to the host, the port, the user and the password"
        ) from error
    return connection


def _take_lock(connection: Connection, place: str) -> None:
    """Become the one writer until the connection ends."""
    deadline = time.monotonic() + PATIENCE
    while not _one(connection, "SELECT pg_try_advisory_lock(%s)"):
        if time.monotonic() >= deadline:
            raise StoreError(
                f"another process (pid {_one(connection, HOLDER)} on the server) already writes to {place}: "
                "stop it first, or give this one a database of its own"
            )
        time.sleep(0.05)


def _one(connection: Connection, query: str) -> object:
    ((found,),) = connection.execute(query, (LOCK,))
    return found
