"""The calls that come thousands of times a second: observe and forecast.  A call takes a request, and makes JSON."""

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.types import Receive

from gatecast.server.bodies import decode, read_body, read_query
from gatecast.server.live import Live
from gatecast.server.options import Limits
from gatecast.server.problems import RequestError
from gatecast.server.visits import Visit
from gatecast.server.wire import ForecastAnswer, ForecastRequest, Level, Name, ObserveRequest

Call = Callable[[Visit, Receive], Awaitable[bytes]]
IDEMPOTENCY_KEY = re.compile(rb"[!-~]{1,255}")


class ForecastQuery(Struct, forbid_unknown_fields=True):
    """A forecast of one series, as words of a URL."""

    series: Name
    horizon: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    quantiles: Annotated[list[Level], Meta(min_length=1)] | UnsetType = UNSET


class Calls:
    """The calls, by path and method."""

    def __init__(self, live: Live, limits: Limits) -> None:
        self._live = live
        self._limits = limits
        self._observations = msgspec.json.Decoder(ObserveRequest)
        self._questions = msgspec.json.Decoder(ForecastRequest)
        self._encode = msgspec.json.Encoder().encode
        self.table: Mapping[str, Mapping[str, Call]] = MappingProxyType(
            {
                "/v1/observe": {"POST": self.observe},
                "/v1/forecast": {"GET": self.forecast_one, "HEAD": self.forecast_one, "POST": self.forecast},
            }
        )

    async def observe(self, visit: Visit, receive: Receive) -> bytes:
        """POST /v1/observe."""
        key = visit.headers.get(b"idempotency-key")
        if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
            raise RequestError(400, "An Idempotency-Key has 1 to 255 characters of visible ASCII.")
        request = decode(self._observations, await read_body(visit, receive, self._limits))
        return self._encode(await self._live.observe(request, key.decode() if key is not None else None))

    async def forecast(self, visit: Visit, receive: Receive) -> bytes:
        """POST /v1/forecast."""
        request = decode(self._questions, await read_body(visit, receive, self._limits))
        return self._encode(ForecastAnswer(await self._live.forecast(request)))

    async def forecast_one(self, visit: Visit, receive: Receive) -> bytes:  # noqa: ARG002 - a GET has no body to read
        """GET /v1/forecast."""
        query = read_query(ForecastQuery, visit.query, {"quantiles": ","})
        request = ForecastRequest([query.series])
        if query.horizon is not UNSET:
            request.horizon = query.horizon
        if query.quantiles is not UNSET:
            request.quantiles = query.quantiles
        return self._encode(ForecastAnswer(await self._live.forecast(request)))
