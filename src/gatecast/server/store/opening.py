"""Which store is meant: a PostgreSQL server by its URL, or a folder."""

from importlib.util import find_spec
from pathlib import Path

from gatecast.errors import MissingExtraError
from gatecast.server.store.protocol import StateStore

URLS = ("postgresql://", "postgres://")


def open_store(where: str | Path, keep_days: float | None = None) -> StateStore:
    """Open a store to append to and to read.

    Args:
        where: `postgresql://...`, or the path of a folder, which is made if it is missing.
        keep_days: how long rows are kept once snapshots have seen them; None for ever.

    Raises:
        MissingExtraError: a package that the store needs is not installed.
        OptionError: `keep_days` is no time.
        StoreError: another process writes there, or what is there cannot be read.
    """
    if isinstance(where, str) and where.startswith(URLS):
        _need("psycopg", "postgres", "a store on a PostgreSQL server")
        from gatecast.server.store.postgres import PostgresStore  # noqa: PLC0415 - an extra

        return PostgresStore(where, keep_days=keep_days)
    _need("apsw", "serve", "a store in a folder")
    from gatecast.server.store.sqlite import SqliteStore  # noqa: PLC0415 - an extra

    return SqliteStore(Path(where), keep_days=keep_days)


def _need(package: str, extra: str, purpose: str) -> None:
    if find_spec(package) is None:
        raise MissingExtraError(package, extra, purpose)
