"""Engines over real streams and real stores, and small ways to ask them, for the tests of the engine."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from builders import small_config, waves
from gatecast.data.panel import Panel
from gatecast.data.splits import Split
from gatecast.forecaster import RecurrentForecaster
from gatecast.server.engine import Engine
from gatecast.server.store import Row, StateStore
from gatecast.server.store.sqlite import SqliteStore
from gatecast.server.wire import Number, Observation, ObserveAnswer, ObserveRequest
from gatecast.streaming import AS_USUAL, ForecastStream, StreamOptions
from gatecast.workflow import Model, fit
from live_double import CARD
from small_tables import SMALL
from store_rows import everything

START = datetime(2030, 1, 1)  # noqa: DTZ001 - times carry no zone
T = TypeVar("T")


def hour(number: int) -> str:
    return (START + timedelta(hours=number)).isoformat()


def obs(series: str, number: int, y: Number = 1.5) -> Observation:
    return Observation(series, hour(number), y)


def request(*observations: Observation) -> ObserveRequest:
    return ObserveRequest(list(observations))


def hours(series: str, *numbers: int) -> ObserveRequest:
    """Rows whose values tell their hours apart."""
    return request(*(obs(series, number, 10 + math.sin(number / 2)) for number in numbers))


@cache
def net(seed: int = 0) -> RecurrentForecaster:
    """A net of one target and no covariates; of another seed it has other weights."""
    panel = waves(2, 240, seed=seed)
    split = Split(*(np.full(2, end) for end in (150, 200, 240)))
    return RecurrentForecaster(small_config(mode="sequences")).fit(panel, split)


def table() -> Panel:
    return waves(2, 240)


@contextmanager
def engine(
    folder: Path,
    options: StreamOptions = AS_USUAL,
    forecaster: RecurrentForecaster | None = None,
    panel: Panel | None = None,
    **settings: int,
) -> Iterator[Engine]:
    """One that has begun; leaving closes the store, and writes no snapshot: so ends a process that is killed."""
    with SqliteStore(folder) as store:
        made = over(store, ForecastStream(forecaster or net(), options=options), **settings)
        made.begin(panel)
        yield made


def over(store: StateStore, stream: ForecastStream, **settings: int) -> Engine:
    return Engine(stream, store, CARD, **settings)


def log(made: Engine) -> list[Row]:
    return [row for _, row in everything(made.store)]


def kept_hours(made: Engine, series: str) -> list[int]:
    """The hours of the rows of a series in the log."""
    start = np.datetime64(START, "us").astype(int)
    return [int((row.time - start) / 3.6e9) for row in log(made) if row.series == series]


async def told(*asked: Awaitable[T]) -> list[T | BaseException]:
    """What each was told: an answer or a refusal; all are asked in one tick."""
    return await asyncio.gather(*asked, return_exceptions=True)


def run(asked: Callable[[], Awaitable[T]]) -> T:
    return asyncio.run(_awaited(asked))


async def _awaited(asked: Callable[[], Awaitable[T]]) -> T:
    return await asked()


def observe(made: Engine, *requests: ObserveRequest, key: str | None = None) -> list[ObserveAnswer]:
    """Requests one after another."""

    async def each() -> list[ObserveAnswer]:
        return [await made.observe(one, key) for one in requests]

    return run(each)


def same_states(one: ForecastStream, other: ForecastStream) -> None:
    """Every array agrees in every bit."""
    first, second = one.snapshot(), other.snapshot()
    assert first.series == second.series
    for name, array in first.arrays.items():
        assert np.array_equal(array, second.arrays[name], equal_nan=True), name


def twin(made: Engine, forecaster: RecurrentForecaster | None = None, panel: Panel | None = None) -> ForecastStream:
    """An undisturbed stream that observes the rows of an engine's log, one after another."""
    stream = ForecastStream(forecaster or net(), options=made.stream.options)
    if panel is not None:
        stream.know(panel)
    single = len(stream.columns.target) == 1
    for row in log(made):
        stream.observe(row.series, stream.clock.written(row.time), row.y[0] if single else row.y, row.x or None)
    return stream


@cache
def model(**columns: object) -> Model:
    """A model of a table with shops, words, a plan known in advance, a size of each shop, all if asked for."""
    rng, rows = np.random.default_rng(0), 160
    parts = []
    for level, shop in enumerate(("north", "south")):
        wave = 10 * (level + 1) + np.sin(np.arange(rows) / 2) + 0.1 * rng.normal(size=rows)
        ds = {"ds": pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 7, 15), "1h", eager=True)}  # noqa: DTZ001
        dated = {} if columns.get("numbered") else ds
        words = [("sun", "rain")[number] for number in rng.integers(2, size=rows)]
        extra = {"x": np.roll(wave, -1), "sky": words, "size": float(level + 3), "y": wave, "z": -wave}
        parts.append(pl.DataFrame({"shop": [shop] * rows} | dated | extra))
    roles = {name: value for name, value in columns.items() if name != "numbered"}
    roles = {"past": "none"} | {name: list(v) if isinstance(v, tuple) else v for name, v in roles.items()}
    frame = pl.concat(parts)
    used = {"shop", "ds", "y"} | {name for v in roles.values() for name in ([v] if isinstance(v, str) else v)}
    return fit(frame.select(name for name in frame.columns if name in used), **({"target": "y"} | roles), **SMALL)
