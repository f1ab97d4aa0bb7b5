"""A tiny double of the live server, in memory, with a switch for every trouble that a client has to bear."""

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gatecast.server.wire import (
    Event,
    ForecastAnswer,
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

CARD = ModelCard(
    name="gru",
    version="0123abcd",
    horizon=2,
    quantiles=[0.1, 0.5, 0.9],
    targets=["y"],
    past=["x"],
    future=[],
    frequency="1h",
    frequency_name="hourly",
    trained_on="waves.csv",
    trained_series=1,
    scores={"gru": 0.8},
    verdict="better than the naive forecast",
    facts={},
)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


@dataclass
class Double:
    """What the server knows, what it was asked, and what is to go wrong.

    `troubles` holds one word for each request to come that shall fail: a status such as `503`, `cut` (the connection
    goes before anything is taken), `lose` (the connection goes after the observations are taken), `half` (so it does in
    the middle of the answer), `mute` (it takes them, and answers too late), `odd` (an answer that is none), or `fine`.
    """

    rows: dict[str, list[Observation]] = field(default_factory=dict)
    receipts: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    troubles: deque[str] = field(default_factory=deque)
    token: str = ""
    card: ModelCard = CARD
    retry_after: str = "0"
    page: int = 1000
    events: deque[bytes] = field(default_factory=deque)
    live: bool = False  # whether the stream stays open, and tells what is observed
    url: str = ""
    server: uvicorn.Server | None = None

    def count(self) -> int:
        return sum(map(len, self.rows.values()))

    # HTTP

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        asked = Asked(request.method, request.scope["path"], dict(request.headers), body)
        self.asked.append(asked)
        trouble = self.troubles.popleft() if self.troubles else "fine"
        if trouble == "cut":
            self.cut()
            return
        answer = self.refused(trouble, asked) or self.answered(request, body)
        if trouble == "lose":
            self.cut()
        elif trouble == "half":
            headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            self.cut()
        else:
            await asyncio.sleep(2.0 if trouble == "mute" else 0.0)
            await answer(scope, receive, send)

    def cut(self) -> None:
        """Every connection goes, as it does when a server is killed."""
        assert self.server is not None
        for connection in list(self.server.server_state.connections):
            assert connection.transport is not None
            connection.transport.abort()

    def refused(self, trouble: str, asked: Asked) -> Response | None:
        if trouble.isdecimal():
            return problem(int(trouble), f"the double was told to answer {trouble}.", {"Retry-After": self.retry_after})
        if trouble == "odd":
            return Response("<html>hello</html>", 200, media_type="text/html")
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            return problem(401, "a key is wanted: send Authorization: Bearer KEY.")
        return None

    def answered(self, request: Request, body: bytes) -> Response:
        path, query = request.scope["path"], request.query_params
        if path.startswith("/v1/series/"):
            return self.history(path.removeprefix("/v1/series/"), int(query.get("rows", "100")))
        routes: dict[str, Callable[[], Response]] = {
            "/v1/observe": lambda: self.observe(request.headers.get("idempotency-key", ""), body),
            "/v1/forecast": lambda: self.forecast(body),
            "/v1/series": lambda: self.series(query.get("after"), int(query["limit"]), query.get("match", "")),
            "/v1/models": lambda: answer(ModelsAnswer([self.card])),
            "/v1/stream": lambda: StreamingResponse(self.stream(), media_type="text/event-stream"),
            "/v2/health/ready": lambda: Response(status_code=200),
            "/v2/health/live": lambda: Response(status_code=200),
        }
        return routes.get(path, lambda: problem(404, f"there is nothing at {path}."))()

    # What it does

    def observe(self, key: str, body: bytes) -> Response:
        digest = hashlib.sha256(body).digest()
        if key in self.receipts:
            same, accepted = self.receipts[key]
            if same != digest:
                return problem(409, "this Idempotency-Key came before with another request. Make a new one.")
            return answer(ObserveAnswer(accepted, repeated=True))
        rows = msgspec.json.decode(body, type=ObserveRequest).observations
        for row in rows:
            known = self.rows.get(row.series, [])
            if known and row.ds <= known[-1].ds:  # type: ignore[operator] # of one series all are of one kind
                return problem(422, f'series "{row.series}" stands at {known[-1].ds}, and {row.ds} is not after it.')
        for row in rows:
            self.rows.setdefault(row.series, []).append(row)
            if self.live:
                self.events.append(event(len(self.events), row.series))
        if key:
            self.receipts[key] = (digest, len(rows))
        return answer(ObserveAnswer(len(rows)))

    def forecast(self, body: bytes) -> Response:
        request = msgspec.json.decode(body, type=ForecastRequest)
        absent = [name for name in request.series if name not in self.rows]
        if absent:
            return problem(404, f'nobody has observed "{absent[0]}". Send its rows to /v1/observe first.')
        return answer(ForecastAnswer([self.naive(name, request) for name in request.series]))

    def naive(self, name: str, request: ForecastRequest) -> SeriesForecast:
        last = self.rows[name][-1]
        value = last.y if isinstance(last.y, float) else 0.0
        steps = request.horizon or self.card.horizon
        levels = request.quantiles or self.card.quantiles
        quantiles = {f"{level:g}": [value + level - 0.5] * steps for level in levels}
        return SeriesForecast(name, last.ds, [f"{last.ds}+{step}" for step in range(steps)], [value] * steps, quantiles)

    def series(self, after: str | None, limit: int, match: str) -> Response:
        names = sorted(name for name in self.rows if match in name and (after is None or name > after))
        some = names[: min(limit, self.page)]
        return answer(
            SeriesAnswer(
                [self.summary(name) for name in some], len(names), some[-1] if len(names) > len(some) else None
            )
        )

    def summary(self, name: str) -> SeriesSummary:
        rows = self.rows[name]
        values = [row.y if isinstance(row.y, float) else None for row in rows]
        return SeriesSummary(name, len(rows), rows[-1].ds, values[-1], values[-20:], None, None, None, alarm=False)

    def history(self, name: str, rows: int) -> Response:
        if name not in self.rows:
            return problem(404, f'nobody has observed "{name}".')
        some = self.rows[name][-rows:]
        values = [row.y if isinstance(row.y, float) else None for row in some]
        nothing = Settled([], [], [], [], [])
        return answer(HistoryAnswer(self.summary(name), [row.ds for row in some], values, nothing, 0.8, {}))

    async def stream(self) -> AsyncIterator[bytes]:
        yield b": hello\nretry: 10\n\n"
        while self.events or self.live:
            if self.events:
                yield self.events.popleft()
            else:
                await asyncio.sleep(0.01)


def answer(value: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    said = msgspec.json.encode(Problem("about:blank", "No", status, detail, "request-7"))
    return Response(said, status, headers, media_type="application/problem+json")


def event(number: int, series: str = "a", value: float = 1.0) -> bytes:
    """One event as it stands in the stream."""
    said = Event(series, f"2024-01-01T{number:02}:00:00", value, None, None, None, alarm=False, gates={"z": 0.5})
    return b"id: %d\ndata: " % number + msgspec.json.encode(said) + b"\n\n"


@contextmanager
def running(double: Double) -> Iterator[Double]:
    """The double behind a real socket, in a thread."""
    config = uvicorn.Config(double, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    double.server = uvicorn.Server(config)
    thread = threading.Thread(target=double.server.run)
    thread.start()
    try:
        while not double.server.started:
            assert thread.is_alive()
            threading.Event().wait(0.005)
        port = double.server.servers[0].sockets[0].getsockname()[1]
        double.url = f"http://127.0.0.1:{port}"
        yield double
    finally:
        double.server.should_exit = True
        thread.join()
