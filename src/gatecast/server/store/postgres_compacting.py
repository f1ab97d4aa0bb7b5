"""What the log on a server lets go: what is old enough, and never a row that no snapshot has seen."""

import time

from gatecast.server.store.policy import RECEIPTS_SECONDS, REMOVED_AT_ONCE
from gatecast.server.store.postgres_server import Server

# Rows come in the order of time, so the old ones are the first ones; only these are looked at.
FIRST_TO_STAY = "SELECT position FROM gatecast.observations WHERE received >= %s ORDER BY position LIMIT 1"


def compact(server: Server, seen: int, before: float) -> None:
    """Remove the rows that came before a time, but none after the position `seen`."""
    with server.reading() as connection:
        stays = connection.execute(FIRST_TO_STAY, (before,)).fetchone()
        ((removed,),) = connection.execute("SELECT compacted FROM gatecast.about")
    last = seen if stays is None else min(seen, stays[0] - 1)
    while removed < last:
        removed = min(removed + REMOVED_AT_ONCE, last)
        with server.transaction() as connection:
            connection.execute("DELETE FROM gatecast.observations WHERE position <= %s", (removed,))
            connection.execute("UPDATE gatecast.about SET compacted = %s", (removed,))


def forget_receipts(server: Server) -> None:
    """Remove the receipts of requests that are long ago."""
    with server.transaction() as connection:
        query = "DELETE FROM gatecast.requests WHERE received < %s"
        connection.execute(query, (time.time() - RECEIPTS_SECONDS,))
