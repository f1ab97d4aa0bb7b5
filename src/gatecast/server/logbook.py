"""From the log of observations to states: replayed on start, seeded from a model's table, kept in snapshots."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import ArtifactError, InputError
from gatecast.server.store import Entry, Row, Snapshot, StateStore
from gatecast.streaming import ForecastStream, StreamState
from gatecast.streaming.options import MOST_MISSED, StreamOptions
from gatecast.streaming.tables import counted_times, known_rows

AT_ONCE = 10_000  # rows of one entry
SEEDING = "table "  # begins the keys of these entries; no key that comes over HTTP has a space
AS_LOGGED = StreamOptions(most_missed=MOST_MISSED, duplicate="ignore", late="ignore")
"""What was taken once is taken again, whatever the policies are by now."""


def begin(stream: ForecastStream, store: StateStore, table: Panel | None) -> tuple[int, int]:
    """Bring a stream to where the log ends; an empty log begins with the rows of the model's own table.

    Returns:
        The positions of the last row of the log, and of the snapshot that was gone on from (0 for none).

    Raises:
        InputError: the log holds rows that this model cannot read.
    """
    kept = _restore(stream, store)
    if table is not None:
        stream.know(table)
    for rows in store.replay(kept):
        _take(stream, [row for _, row in rows])
    last = store.append([])  # old rows may be gone, and their positions are not taken again
    if table is not None:
        last = _seed(stream, store, table, last)
    return last, kept


def snapshot(stream: ForecastStream, position: int) -> Snapshot:
    """The states as they are, with the place of the log."""
    return Snapshot(stream.fingerprint, position, stream.packed())


def _restore(stream: ForecastStream, store: StateStore) -> int:
    """Go on from the newest snapshot of this model; from nothing if there is none that fits."""
    found = store.latest(stream.fingerprint)
    if found is None:
        return 0
    try:
        stream.restore(StreamState.from_bytes(found.state))
    except ArtifactError:  # a snapshot is a cache: the log has it all
        return 0
    return found.position


def _seed(stream: ForecastStream, store: StateStore, table: Panel, position: int) -> int:
    """Put the rows of a table into an empty log, and go on where that was cut off; by its receipts it is known."""
    done = 0
    for number, entry in enumerate(entries_of(table, stream) if position < table.known().sum() else ()):
        key, digest = f"{SEEDING}{number}", hashlib.sha256(msgspec.json.encode(entry.rows)).digest()
        receipt = store.receipt(key)
        if done == position and receipt is None:
            position = store.append([Entry(entry.rows, key, digest)])
            _take(stream, entry.rows)
        elif receipt is None or receipt.digest != digest:
            break  # the log began with something else
        done += len(entry.rows)
    return position


def _take(stream: ForecastStream, rows: Sequence[Row]) -> None:
    """Rows of the log, as they were taken before."""
    known = set(stream.reader.covariates)
    covariates = [{name: value for name, value in row.x.items() if name in known} for row in rows]
    names, times, targets, _ = zip(*rows, strict=True)
    single = set(map(len, targets)) == {1} and len(stream.columns.target) == 1
    values = [y for (y,) in targets] if single else targets
    try:
        arrivals = stream.read_counted(names, times, values, covariates if any(covariates) else None)
        intake = stream.intake(AS_LOGGED)
        intake.add(arrivals)
    except InputError as error:
        raise InputError(
            f"the log of observations does not fit this model: {error}  Serve a model of the same columns and "
            f"frequency, or begin another folder with --data."
        ) from error
    stream.take(intake)


def entries_of(panel: Panel, stream: ForecastStream) -> Iterator[Entry]:
    """The known rows of a table as entries of the log, in the order of time."""
    series, places = known_rows(panel)
    times, targets = counted_times(panel), len(panel.columns.target)
    order = np.argsort(times[places], kind="stable")
    covariates = [(panel.columns.channels.index(name), name) for name in stream.reader.covariates]
    for first, last in pairwise([*range(0, len(order), AT_ONCE), len(order)]):
        rows = []
        for place in order[first:last].tolist():
            values = [None if value != value else value for value in panel.values[places[place]].tolist()]  # noqa: PLR0124
            x = {name: _word(panel, name, values[channel]) for channel, name in covariates}
            rows.append(Row(panel.ids[series[place]], int(times[places[place]]), tuple(values[:targets]), x))
        yield Entry(rows)


def _word(panel: Panel, name: str, value: float | None) -> float | str | None:
    """The value of a covariate as it was written: codes stand for words."""
    words = panel.columns.categories.get(name)
    if words is None or value is None:
        return value
    return words[int(value) - 1] if value >= 1 else ""
