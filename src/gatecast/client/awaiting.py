"""The client whose answers are awaited: `Client`, but for the await."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import TypeVar, final

import httpx

from gatecast.client import talks
from gatecast.client.calls import Call, Outcome, Talk
from gatecast.client.connecting import checked_batch, connection, is_stream, lost, reply, stream_timeout
from gatecast.client.listening import Listener, ended
from gatecast.client.retrying import DEFAULT, Retries
from gatecast.client.talks import Future
from gatecast.client.values import Covariates, Row, Values, When
from gatecast.server.wire import Event, HistoryAnswer, ModelCard, ObserveAnswer, SeriesForecast, SeriesSummary

T = TypeVar("T")


@final
class AsyncClient:
    """Speaks to one server under asyncio; may be shared by tasks.  Arguments and methods are those of `Client`."""

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 30.0, batch: int = 1000, retries: Retries = DEFAULT
    ) -> None:
        self._http = httpx.AsyncClient(**connection(url, key, timeout))
        self._stream_timeout = stream_timeout(timeout)
        self._url, self._batch, self._retries = url, checked_batch(batch), retries

    def __repr__(self) -> str:
        return f"AsyncClient({self._url!r})"

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def observe(
        self, series: str, ds: When, y: Values, x: Covariates | None = None, *, key: str | None = None
    ) -> ObserveAnswer:
        """As `Client.observe`."""
        return await self.observe_many([(series, ds, y, x)], key=key)

    async def observe_many(self, rows: Iterable[Row], *, key: str | None = None) -> ObserveAnswer:
        """As `Client.observe_many`."""
        return await self._hold(talks.observe(rows, self._batch, key, self._retries))

    async def forecast(
        self,
        series: str | Iterable[str],
        horizon: int | None = None,
        quantiles: Sequence[float] | None = None,
        future: Future | None = None,
    ) -> list[SeriesForecast]:
        """As `Client.forecast`."""
        request = talks.forecast_request(series, horizon, quantiles, future)
        return await self._hold(talks.forecast(request, self._batch, self._retries))

    async def series(self, match: str = "") -> AsyncIterator[SeriesSummary]:
        """As `Client.series`."""
        after: str | None = None
        while True:
            page = await self._hold(talks.page(after, match, self._retries))
            for each in page.series:
                yield each
            if (after := page.next) is None:
                return

    async def history(self, series: str, rows: int | None = None) -> HistoryAnswer:
        """As `Client.history`."""
        return await self._hold(talks.history(series, rows, self._retries))

    async def model(self) -> ModelCard:
        """As `Client.model`."""
        return await self._hold(talks.model(self._retries))

    async def ready(self) -> bool:
        """As `Client.ready`."""
        return await self._hold(talks.ready())

    async def events(self, series: str | Iterable[str] = ()) -> AsyncIterator[Event]:
        """As `Client.events`."""
        listener = Listener(series, self._retries)
        while True:
            call, outcome = listener.call(), ended(self._url)
            try:
                timeout = self._stream_timeout
                async with self._http.stream("GET", call.path, headers=call.headers, timeout=timeout) as response:
                    if is_stream(response):
                        async for chunk in response.aiter_bytes():
                            for event in listener.feed(chunk):
                                yield event
                    else:
                        await response.aread()
                        outcome = reply(response)
            except httpx.RequestError as error:
                outcome = lost(self._url, error)
            await asyncio.sleep(listener.pause(outcome))

    async def _hold(self, talk: Talk[T]) -> T:
        """Lead a conversation to its end."""
        try:
            call = next(talk)
            while True:
                call = talk.send(await self._ask(call))
        except StopIteration as end:
            return end.value

    async def _ask(self, call: Call) -> Outcome:
        await asyncio.sleep(call.wait)
        try:
            return reply(await self._http.request(call.method, call.path, content=call.body, headers=call.headers))
        except httpx.RequestError as error:
            return lost(self._url, error)
