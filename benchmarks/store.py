"""How fast does a store in a folder take observations and give them back?

A transaction is one call of `append`, which returns once its rows are on disk; on a disk that means waiting for it to
flush, and in memory (`/dev/shm`) there is nothing to wait for, so that what is left is the store's own work.  Rows are
of a thousand series with one target each.  The log is then read from its start, as a server does when it begins: with
Python's garbage collector looking through everything that torch brought along every now and then, and again after
`gc.freeze()` has told it not to.  A state of 300 MB is saved and loaded, its checksum included.
"""

import gc
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from gatecast.server.store import Entry, Row, Snapshot
from gatecast.server.store.sqlite import SqliteStore
from report import environment, write_section

ROUNDS = 5
STATE = 300_000_000
# entries of a transaction, rows of an entry, transactions
TRANSACTIONS = ((1, 1, 2000), (32, 1, 1000), (1, 100, 1000), (32, 100, 300))
MEMORY = Path("/dev/shm")  # noqa: S108 - it is meant


def entries(count: int, rows: int) -> list[Entry]:
    """So many entries of so many rows."""
    values = np.random.default_rng(0).normal(size=count * rows).tolist()
    made = [Row(f"series_{n % 1000}", 1_700_000_000_000_000 + n, (value,), {}) for n, value in enumerate(values)]
    return [Entry(made[start : start + rows]) for start in range(0, len(made), rows)]


def append(store: SqliteStore, count: int, rows: int, transactions: int) -> list[float]:
    """Seconds of each transaction."""
    batch, found = entries(count, rows), []
    for _ in range(transactions):
        started = time.perf_counter()
        store.append(batch)
        found.append(time.perf_counter() - started)
    return found


def replay(store: SqliteStore) -> str:
    """Rows a second, all of the log, as median and range."""
    speeds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        rows = sum(len(piece) for piece in store.replay(0))
        speeds.append(rows / (time.perf_counter() - started))
    return f"**{statistics.median(speeds):,.0f}** ({min(speeds):,.0f} - {max(speeds):,.0f})"


def snapshot(store: SqliteStore) -> tuple[float, float]:
    """Seconds to save and to load a large state."""
    state = np.random.default_rng(0).bytes(STATE)
    started = time.perf_counter()
    store.save(Snapshot("model", store.append([]), state))
    saved = time.perf_counter()
    store.latest("model")
    return saved - started, time.perf_counter() - saved


def measured(place: str, folder: Path) -> tuple[list[str], str]:
    """The lines of a folder in the table about appending, and its line in the one about reading."""
    lines = []
    with SqliteStore(folder) as store:
        for count, rows, transactions in TRANSACTIONS:
            seconds = append(store, count, rows, transactions)
            median, slow = statistics.median(seconds), float(np.quantile(seconds, 0.99))
            lines.append(
                f"| {place} | {count} | {rows} | {1e6 * median:,.0f} | {1e6 * slow:,.0f} "
                f"| **{count * rows / median:,.0f}** | {count * rows * transactions / sum(seconds):,.0f} |"
            )
        size = (folder / "observations.db").stat().st_size / store.append([])
        plain = replay(store)
        gc.freeze()
        frozen = replay(store)
        gc.unfreeze()
        saving, loading = snapshot(store)
    told = f"| {place} | {plain} | {frozen} | {size:.0f} | {saving:.1f} | {loading:.1f} |"
    return lines, told


def main() -> None:
    """Print the table and put it into RESULTS.md."""
    head = ["| folder on | entries | rows each | median us | 99% us | rows/s at the median | rows/s in all |"]
    lines = [*head, "|---|---|---|---|---|---|---|"]
    told = ["| folder on | replay rows/s | after gc.freeze() | bytes a row | 300 MB saved, s | loaded, s |"]
    told += ["|---|---|---|---|---|---|"]
    for place, parent in (("disk", None), ("memory", MEMORY if MEMORY.is_dir() else None)):
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            more, line = measured(place, Path(folder))
            lines, told = [*lines, *more], [*told, line]
    write_section("store", "The store of observations", __doc__, [environment(threads=1), "", *lines, "", *told])


if __name__ == "__main__":
    main()
