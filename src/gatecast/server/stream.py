"""GET /v1/stream: what happens, as it happens, as server-sent events.

Each event is a line of JSON with a number of its own; a comment now and then shows that the line is not dead.
"""

import asyncio
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
        coming = asyncio.ensure_future(anext(events, None))
        over: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(_left(receive)),
            asyncio.ensure_future(self._stopping.wait()),
        ]
        try:
            await asyncio.sleep(0)  # now the listener is subscribed, and misses nothing that comes after the headers
            await send(dict(START))
            await send(_part(RETRY))
            number = 0
            while True:
                await asyncio.wait([coming, *over], timeout=self._heartbeat, return_when=asyncio.FIRST_COMPLETED)
                if any(task.done() for task in over):
                    break
                if not coming.done():
                    await send(_part(b": still here\n\n"))
                    continue
                event = coming.result()
                if event is None:
                    break
                number += 1
                await send(_part(b"id: %d\ndata: %b\n\n" % (number, msgspec.json.encode(event))))
                coming = asyncio.ensure_future(anext(events, None))
            await send({"type": "http.response.body"})
        finally:
            await _end([coming, *over])


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(tasks: list[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _part(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}
