"""GET /v1/stream: what happens, as it happens, as server-sent events.

Each event is a line of JSON with a number of its own; a comment now and then shows that the line is not dead.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.types import Message, Receive, Scope, Send

from gatecast.server.bodies import read_query
from gatecast.server.live import Live
from gatecast.server.refusals import BusyError
from gatecast.server.wire import Event, Name

HEARTBEAT = 15.0  # seconds; proxies cut a silent connection after 30 to 60
STILL_HERE = b": still here\n\n"
RETRY = b"retry: 2000\n\n"  # a browser that lost the stream comes again after so many milliseconds
START: Message = {
    "type": "http.response.start",
    "status": 200,
    # X-Accel-Buffering keeps nginx from collecting events before it passes them on.
    "headers": [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no")],
}


class StreamQuery(Struct, forbid_unknown_fields=True):
    """Of which series; of all where none is named."""

    series: Annotated[list[Name], Meta(max_length=1000)] = []


class Stream:
    """The endpoint.

    Args:
        live: whose events are told.
        stopping: ends every stream once it is set.
        listeners: the most at once.
        heartbeat: seconds of silence after which a comment is sent.
    """

    def __init__(self, live: Live, stopping: asyncio.Event, listeners: int, heartbeat: float = HEARTBEAT) -> None:
        self._live = live
        self._stopping = stopping
        self._most = listeners
        self._heartbeat = heartbeat
        self._listening = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell one listener until it goes or the server stops."""
        query = read_query(StreamQuery, scope["query_string"], {"series": None})
        if self._listening >= self._most:
            raise BusyError(f"{self._most} listeners are on the stream, which is the most; come again later.", after=10)
        if scope["method"] == "HEAD":
            await send(dict(START))
            await send({"type": "http.response.body"})
            return
        self._listening += 1
        events = self._live.events(frozenset(query.series))
        try:
            await self._tell(events, receive, send)
        finally:
            self._listening -= 1
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    async def _tell(self, events: AsyncIterator[Event], receive: Receive, send: Send) -> None:
        over = asyncio.ensure_future(self._end(receive))
        coming = asyncio.ensure_future(anext(events, None))
        try:
            await asyncio.sleep(0)  # now the listener is subscribed, and misses nothing that comes after the headers
            await send(dict(START))
            await send(_part(RETRY))
            for number in itertools.count(1):
                event = await self._next(coming, over, send)
                if event is None:
                    break
                coming = asyncio.ensure_future(anext(events, None))
                await send(_part(b"id: %d\ndata: %b\n\n" % (number, msgspec.json.encode(event))))
            await send({"type": "http.response.body"})
        finally:
            await _cancel(coming)
            await _cancel(over)

    async def _next(self, coming: asyncio.Future[Event | None], over: asyncio.Future[None], send: Send) -> Event | None:
        """The next event, None at the end; comments are sent while there is none."""
        both: list[asyncio.Future[Any]] = [coming, over]
        while True:
            await asyncio.wait(both, timeout=self._heartbeat, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                return None
            if coming.done():
                return coming.result()
            await send(_part(STILL_HERE))

    async def _end(self, receive: Receive) -> None:
        """Wait until the listener goes or the server stops."""
        leaving, stopping = asyncio.ensure_future(_leave(receive)), asyncio.ensure_future(self._stopping.wait())
        ends: list[asyncio.Future[Any]] = [leaving, stopping]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _part(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}
