"""From the log of observations to states: replayed on start, seeded from a model's table, kept in snapshots."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from gatecast.data.panel import Panel
from gatecast.errors import ArtifactError, InputError
from gatecast.server.store import Entry, Row, Snapshot, StateStore
from gatecast.streaming import ForecastStream, StreamState
from gatecast.streaming.options import MOST_MISSED, StreamOptions

AT_ONCE = 10_000  # rows of one entry
AS_LOGGED = StreamOptions(most_missed=MOST_MISSED, duplicate="ignore", late="ignore")
"""What was taken once is taken again, whatever the policies are by now."""


def begin(stream: ForecastStream, store: StateStore, table: Panel | None) -> tuple[int, int]:
    """Bring a stream to where the log ends; an empty log begins with the rows of the model's own table.

    Returns:
        The position of the last row of the log, and that of the snapshot that reading began from.

    Raises:
        InputError: the log holds rows that this model cannot read.
    """
    position = kept = _restore(stream, store)
    if table is not None:
        stream.know(table)
    for rows in store.replay(position):
        _take(stream, [row for _, row in rows])
        position = rows[-1][0]
    if position == 0 and table is not None:
        for entry in entries_of(table, stream):
            position = store.append([entry])
            _take(stream, entry.rows)
    return position, kept


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


def _take(stream: ForecastStream, rows: Sequence[Row]) -> None:
    """Rows of the log, as they were taken before."""
    known = set(stream.reader.covariates)
    covariates = [{name: value for name, value in row.x.items() if name in known} for row in rows]
    single = len(stream.columns.target) == 1
    try:
        values = [row.y[0] if single else row.y for row in rows]
        arrivals = stream.read_counted(
            [row.series for row in rows], [row.time for row in rows], values, covariates if any(covariates) else None
        )
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
    known, targets = panel.known(), len(panel.columns.target)
    places = np.concatenate([np.arange(count) + first for count, first in zip(known, panel.offsets[:-1], strict=True)])
    series = np.repeat(np.arange(len(panel.ids)), known)
    times = (panel.times.astype("datetime64[us]") if panel.dated else panel.times).astype(np.int64)
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
