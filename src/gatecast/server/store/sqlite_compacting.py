"""What the log lets go: rows and receipts that are old enough, and never a row that no snapshot has seen."""

import time

from gatecast.server.store.policy import RECEIPTS_SECONDS, REMOVED_AT_ONCE
from gatecast.server.store.sqlite_database import Database

# Both tables hold what came first first, so that only what is old is looked at.
FIRST_TO_STAY = "SELECT position FROM observations WHERE received >= ? ORDER BY position LIMIT 1"
FORGET = """DELETE FROM requests WHERE rowid < coalesce(
    (SELECT rowid FROM requests WHERE received >= ? ORDER BY rowid LIMIT 1), 9223372036854775807)"""


def compact(database: Database, seen: int, before: float) -> None:
    """Remove the rows that came before a time, but none after the position `seen`."""
    with database.reading() as connection:
        stays: int | None = connection.execute(FIRST_TO_STAY, (before,)).get
        removed: int = connection.execute("SELECT position FROM compacted").get
    last = seen if stays is None else min(seen, stays - 1)
    while removed < last:
        removed = min(removed + REMOVED_AT_ONCE, last)
        with database.transaction() as connection:
            connection.execute("DELETE FROM observations WHERE position <= ?", (removed,))
            connection.execute("UPDATE compacted SET position = ?", (removed,))


def forget_receipts(database: Database) -> None:
    """Remove the receipts of requests that are long ago."""
    with database.transaction() as connection:
        connection.execute(FORGET, (time.time() - RECEIPTS_SECONDS,))
