"""What is not asked thousands of times a second: series, history, models, health, metrics, the OpenAPI document."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatecast.server.bodies import read_query
from gatecast.server.live import Live
from gatecast.server.metrics import MEDIA, Metrics
from gatecast.server.problems import RequestError
from gatecast.server.wire import ModelsAnswer

MOST_ROWS = 10_000
LONGEST_NAME = 512
NOT_READY = "Not ready: the log is still being read, or the server stops. Come again in a second."


class SeriesQuery(Struct, forbid_unknown_fields=True):
    """Which page of the series."""

    after: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    match: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""


class HistoryQuery(Struct, forbid_unknown_fields=True):
    """How many of the newest rows."""

    rows: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = 200


class NoQuery(Struct, forbid_unknown_fields=True):
    """Nothing can be said."""


class Routes:
    """The endpoints.

    Args:
        live: the forecaster.
        metrics: what was counted.
        stopping: set once the server was asked to stop.
        document: the OpenAPI document.
    """

    def __init__(self, live: Live, metrics: Metrics, stopping: asyncio.Event, document: bytes) -> None:
        self._live = live
        self._metrics = metrics
        self._stopping = stopping
        self._document = document

    def all(self) -> list[Route]:
        """The routes of all endpoints."""
        endpoints: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/v1/series": self.series,
            "/v1/series/{name:series}": self.history,
            "/v1/models": self.models,
            "/v2/health/live": self.alive,
            "/v2/health/ready": self.ready,
            "/metrics": self.metrics,
            "/openapi.json": self.openapi,
        }
        return [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]

    async def series(self, request: Request) -> Response:
        """GET /v1/series."""
        query = read_query(SeriesQuery, request.scope["query_string"])
        return _json(self._live.series(query.after or None, query.limit, query.match))

    async def history(self, request: Request) -> Response:
        """GET /v1/series/{name}."""
        name = request.path_params["name"]
        if len(name) > LONGEST_NAME:
            raise RequestError(404, f"The name of a series has at most {LONGEST_NAME} characters, got {len(name)}.")
        query = read_query(HistoryQuery, request.scope["query_string"])
        return _json(self._live.history(name, query.rows))

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        read_query(NoQuery, request.scope["query_string"])
        return _json(ModelsAnswer([self._live.model()]))

    async def alive(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /v2/health/live."""
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /v2/health/ready."""
        if self._stopping.is_set() or not self._live.ready:
            raise RequestError(503, NOT_READY, [("retry-after", "1")])
        return _json({"ready": True})

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /metrics."""
        ready = self._live.ready and not self._stopping.is_set()
        return Response(self._metrics.text(self._live.counts(), ready=ready), headers={"content-type": MEDIA})

    async def openapi(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """GET /openapi.json."""
        return Response(self._document, media_type="application/json")


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
