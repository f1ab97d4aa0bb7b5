"""gatecast at work, in a second: a small net is fitted, saved, loaded, and fed an observation at a time."""

import math
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from gatecast.data.columns import ONLY_SERIES
from gatecast.doctor.results import Finding
from gatecast.streaming import StreamOptions
from gatecast.workflow import Model, fit, load, save

ROWS, OBSERVED, AGAIN = 200, 500, "Install gatecast anew: pip install --force-reinstall gatecast"


def round_trip() -> Iterator[Finding]:
    """A wave is learnt, and the net forecasts the same once it was saved and loaded."""
    table = pl.DataFrame({"y": [math.sin(row / 2) + row % 7 for row in range(ROWS)]})
    began = time.perf_counter()
    model = fit(table, horizon=8, season=7, lookback="all", hidden_size=32, steps=3)
    yield Finding("trial", "fit", f"a small net, {time.perf_counter() - began:.2f} s")
    with TemporaryDirectory(prefix="gatecast-doctor-") as folder:
        save(model, Path(folder, "model"))
        again = load(Path(folder, "model")).predict(table).to_frame()
    if not again.equals(model.predict().to_frame()):
        yield Finding("trial", "save and load", "the loaded net forecasts something else", "broken", AGAIN)
        return
    yield Finding("trial", "save and load", "the same forecast, to the bit")
    yield _step(model)


def _step(model: Model) -> Finding:
    """What an observation costs, once it is under way."""
    stream = model.stream(options=StreamOptions(every=10 * OBSERVED))  # no forecast of its own in between
    for place in range(ROWS, ROWS + OBSERVED):
        stream.observe(ONLY_SERIES, place, 1.0)
    began = time.perf_counter()
    for place in range(ROWS + OBSERVED, ROWS + 2 * OBSERVED):
        stream.observe(ONLY_SERIES, place, 1.0)
    each = (time.perf_counter() - began) / OBSERVED
    return Finding("trial", "an observation", f"{1e6 * each:.1f} us, with 32 units")


def data_base() -> Iterator[Finding]:
    """The durable log of `gatecast serve`, where its extra is installed."""
    if find_spec("apsw") is None:
        return
    import apsw  # noqa: PLC0415 - of an extra

    with TemporaryDirectory(prefix="gatecast-doctor-") as folder:
        connection = apsw.Connection(str(Path(folder, "log.db")))
        settings = "PRAGMA journal_mode=wal; PRAGMA synchronous=full; CREATE TABLE log (y REAL)"
        connection.execute(settings).fetchall()
        connection.execute("INSERT INTO log VALUES (1.5)")
        kept = connection.execute("SELECT y FROM log").fetchall()
        connection.close()
    told = f"{apsw.sqlite_lib_version()}, apsw {apsw.apsw_version()}"
    if kept != [(1.5,)]:
        yield Finding("trial", "SQLite", f"{told}: a row was lost", "broken", "pip install --force-reinstall apsw")
        return
    yield Finding("trial", "SQLite", told)
