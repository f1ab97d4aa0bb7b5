"""What a PostgreSQL server says no with, in words, and never with the password."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gatecast.errors import GatecastError, InputError
from gatecast.server.store.troubles import StoreError, full_disk


def shown(url: str) -> str:
    """Which database a URL means, for messages.

    Raises:
        StoreError: it is no such URL.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:  # its text may hold the password
        raise StoreError(
            "expected a URL such as postgresql://user:password@host:5432/database, got one that cannot be read: "
            "write signs in the password as %-codes"
        ) from None
    return f"the database {parts.get('dbname', '')!a} at {parts.get('host', 'this machine')}"


@contextmanager
def server_troubles(place: str) -> Iterator[None]:
    """Turn the server's errors into ours.

    Raises:
        FullDiskError: the server's disk, or another thing that it has so much of, is full.
        InputError: a value that the server cannot keep.
        StoreError: anything else.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _told(error, place) from error


def _told(error: psycopg.Error, place: str) -> GatecastError:
    if (error.sqlstate or "").startswith("53"):
        return full_disk(place)
    if isinstance(error, psycopg.DataError):
        return InputError(f"{place} cannot keep a value ({one_line(error)}): expected text without zero bytes")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreError(f"the connection to {place} is closed: open it again ({one_line(error)})")
    return StoreError(f"{place} cannot be read or written ({one_line(error)}): see to the server and the user's rights")


def one_line(error: psycopg.Error) -> str:
    """The text of an error, without its line breaks."""
    return " ".join(str(error).split())
