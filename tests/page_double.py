"""A live forecaster in memory for the tests of the page, and the smallest application that shows it to a browser.

Its forecast is naive: the newest value, with quantiles that widen with the root of the step.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gatecast.errors import GatecastError, InputError
from gatecast.server.live import Counts
from gatecast.server.page import page_routes
from gatecast.server.refusals import UnknownSeriesError
from gatecast.server.wire import (
    Event,
    ForecastRequest,
    HistoryAnswer,
    ModelCard,
    ModelsAnswer,
    Observation,
    ObserveAnswer,
    ObserveRequest,
    Problem,
    SeriesAnswer,
    SeriesForecast,
    SeriesSummary,
    Settled,
)

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "\"><img src=x onerror='window.hacked = 1'>",
    "../../v1/models?series=a#b&c=d",
    "line\u2028end $$x$$ \\(y\\)",
    "\u202eright to left",
    '" onmouseover="window.hacked=1" x="',
    "{{ 7 * 7 }} javascript:window.hacked=1",
    "100 % of a/b\\c",
    "x" * 512,
)
SPREADS = {"0.1": -1.28, "0.25": -0.67, "0.5": 0.0, "0.75": 0.67, "0.9": 1.28}
HORIZON = 24
CARD = ModelCard(
    name="gru", version="3f9a1c07", horizon=HORIZON, quantiles=[float(level) for level in SPREADS], targets=["y"],
    past=["temperature"], future=[], frequency="1h", frequency_name="hourly", trained_on="bikes.csv", trained_series=3,
    scores={"seasonal_naive": 1.0, "gru": 0.71, "theta": 0.93, "ets": 0.88},
    verdict="gru wins: its error is 19 % smaller than that of ets, the best of the simple methods.",
    facts={"Units": "64", "Course": "sequences"},
)  # fmt: skip
KEY = "a-secret-of-the-test"


class Track:
    """One series: its rows, and what had been forecast of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[tuple[str | int, float | None]] = []
        self.events: list[Event] = []

    @property
    def newest(self) -> float | None:
        return next((y for _, y in reversed(self.rows) if y is not None), None)

    def add(self, ds: str | int, y: float | None, *, alarm: bool = False) -> Event:
        before = self.newest
        low, high = (None, None) if before is None else (before - 1.28, before + 1.28)
        angle = len(self.rows) / 4
        gates = {"r": 0.5 + 0.1 * math.sin(angle), "z": 0.7 + 0.05 * math.cos(angle), "n": 0.1 * math.sin(2 * angle)}
        self.rows.append((ds, y))
        self.events.append(Event(self.name, ds, y, low, before, high, alarm, gates))
        return self.events[-1]

    def settled(self) -> list[Event]:
        return [event for event in self.events if event.median is not None and event.y is not None]

    def summary(self) -> SeriesSummary:
        settled = self.settled()
        errors = [abs((event.y or 0) - (event.median or 0)) for event in settled]
        held = [abs(error) <= 1.28 for error in errors]
        last = errors[-1] if errors else None
        means = (sum(errors) / len(errors), sum(held) / len(held)) if errors else (None, None)
        recent = [y for _, y in self.rows[-48:]]
        return SeriesSummary(
            self.name, len(self.rows), *self.rows[-1], recent, last, *means, alarm=self.events[-1].alarm
        )


class LiveDouble:
    """Takes observations and says what comes next, as `Live` does, of series that are made up."""

    ready = True

    def __init__(self, card: ModelCard = CARD) -> None:
        self.card = card
        self.tracks: dict[str, Track] = {}
        self.keys: dict[str, bytes] = {}
        self.queues: list[tuple[frozenset[str], asyncio.Queue[Event | None]]] = []
        self.forecasts = 0  # asked for
        self.reason = ""  # why there is no forecast

    def push(self, series: str, ds: str | int, y: float | None, *, alarm: bool = False) -> None:
        """One observation, told to all who listen; in the loop's own thread."""
        event = self.tracks.setdefault(series, Track(series)).add(ds, y, alarm=alarm)
        for names, queue in self.queues:
            if not names or series in names:
                queue.put_nowait(event)

    def hang_up(self) -> None:
        """End every stream of events, as a proxy does that has lost its patience."""
        for _, queue in self.queues:
            queue.put_nowait(None)

    async def observe(self, request: ObserveRequest, key: str | None) -> ObserveAnswer:
        body = msgspec.json.encode(request)
        repeated = key is not None and self.keys.get(key) == body
        if not repeated:
            for place, row in enumerate(request.observations):
                self._check(place, row)
            for row in request.observations:
                self.push(row.series, row.ds, row.y if not isinstance(row.y, dict) else None)
            if key is not None:
                self.keys[key] = body
        return ObserveAnswer(len(request.observations), repeated)

    def _check(self, place: int, row: Observation) -> None:
        if isinstance(row.y, float) and row.y < 0:
            raise InputError(f"observations[{place}] of {row.series}: y is {row.y}, and this test takes none below 0.")

    async def forecast(self, request: ForecastRequest) -> list[SeriesForecast]:
        self.forecasts += 1
        if self.reason:
            raise InputError(self.reason)
        return [self._forecast(name) for name in request.series]

    def _forecast(self, name: str) -> SeriesForecast:
        track = self._track(name)
        cutoff, start = track.rows[-1][0], track.newest or 0.0
        ds = [later(cutoff, step) for step in range(1, HORIZON + 1)]
        roots = [math.sqrt(step) for step in range(1, HORIZON + 1)]
        spreads = SPREADS if self.card.quantiles else {}
        quantiles = {level: [start + 0.6 * spread * root for root in roots] for level, spread in spreads.items()}
        return SeriesForecast(name, cutoff, ds, [start] * HORIZON, quantiles)

    def series(self, after: str | None, limit: int, match: str) -> SeriesAnswer:
        names = sorted(name for name in self.tracks if match.lower() in name.lower())
        rest = [name for name in names if after is None or name > after]
        following = rest[limit - 1] if len(rest) > limit else None
        return SeriesAnswer([self.tracks[name].summary() for name in rest[:limit]], len(names), following)

    def history(self, series: str, rows: int) -> HistoryAnswer:
        track = self._track(series)
        settled = track.settled()[-rows:]
        columns = [[getattr(event, name) for event in settled] for name in ("ds", "y", "low", "median", "high")]
        ds, y = zip(*track.rows[-rows:], strict=True)
        return HistoryAnswer(
            track.summary(),
            [*ds],
            [*y],
            Settled(*columns),
            0.8 if self.card.quantiles else None,
            track.events[-1].gates,
        )

    def _track(self, name: str) -> Track:
        if name not in self.tracks:
            raise UnknownSeriesError(f"nobody has observed the series {name}. Send its first observation.")
        return self.tracks[name]

    def model(self) -> ModelCard:
        return self.card

    async def events(self, series: frozenset[str]) -> AsyncIterator[Event]:
        entry = (series, asyncio.Queue[Event | None]())
        self.queues.append(entry)
        try:
            while (event := await entry[1].get()) is not None:
                yield event
        finally:
            self.queues.remove(entry)

    def counts(self) -> Counts:
        return Counts(len(self.tracks), 0, 0, 0, 0, 0.0, 0, len(self.queues))

    async def stop(self) -> None:
        return None


def later(ds: str | int, step: int) -> str | int:
    """The time so many hours after `ds`, which lies in January 2024."""
    if isinstance(ds, int):
        return ds + step
    hours = (int(ds[8:10]) - 1) * 24 + int(ds[11:13]) + step
    return hour(hours)


def hour(number: int) -> str:
    """The hour of this number, as ISO 8601 text, counted from the first of January 2024 through months of 31 days."""
    month, hours = divmod(number, 31 * 24)
    return f"2024-{month + 1:02}-{hours // 24 + 1:02}T{hours % 24:02}:00:00"


def filled(live: LiveDouble, series: str, rows: int) -> LiveDouble:
    """So many rows of a smooth wave."""
    for row in range(rows):
        live.push(series, hour(row), 20 + 5 * math.sin(row / 4) + 0.3 * math.sin(7 * row))
    return live


def application(live: LiveDouble, *, key: str | None = None) -> Starlette:
    """The page and the endpoints that it asks, without anything that keeps a real server safe."""
    rooms = {
        "/v1/models": lambda _: answered(ModelsAnswer([live.model()])),
        "/v1/series": lambda request: answered(listed(live, request)),
        "/v1/series/{name:path}": lambda request: answered(
            live.history(unquote(request.scope["raw_path"].decode())[11:], int(request.query_params.get("rows", 100)))
        ),
        "/v1/forecast": lambda request: forecast(live, request),
        "/v1/observe": lambda request: observe(live, request),
        "/v1/stream": lambda request: stream(live, request),
    }
    methods = {"/v1/observe": ["POST"]}
    routes = [Route(path, guarded(room, key), methods=methods.get(path)) for path, room in rooms.items()]
    return Starlette(routes=[*page_routes(live), *routes])


def guarded(room: Callable[[Request], Any], key: str | None) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if key is not None and request.headers.get("authorization") != f"Bearer {key}":
            return problem(401, "This server wants an API key as Authorization: Bearer KEY.")
        try:
            found = room(request)
            return await found if asyncio.iscoroutine(found) else found
        except GatecastError as error:
            return problem(getattr(error, "status", 422), str(error))

    return endpoint


def answered(value: msgspec.Struct, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def problem(status: int, detail: str) -> Response:
    return answered(Problem("about:blank", "Refused", status, detail, "test"), status)


def listed(live: LiveDouble, request: Request) -> SeriesAnswer:
    asked = request.query_params
    return live.series(asked.get("after"), int(asked.get("limit", 100)), asked.get("match", ""))


async def forecast(live: LiveDouble, request: Request) -> Response:
    found = await live.forecast(ForecastRequest(request.query_params.getlist("series")))
    return Response(msgspec.json.encode({"forecasts": found}), media_type="application/json")


async def observe(live: LiveDouble, request: Request) -> Response:
    body = msgspec.json.decode(await request.body(), type=ObserveRequest)
    return answered(await live.observe(body, request.headers.get("idempotency-key")))


async def stream(live: LiveDouble, request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"retry: 200\n\n"
        async for event in live.events(frozenset(request.query_params.getlist("series"))):
            yield b"data: " + msgspec.json.encode(event) + b"\n\n"

    return StreamingResponse(parts(), media_type="text/event-stream")
