"""Connections that write numbered observations to a live server, and know what they were told of each."""

import asyncio
import contextlib
import json
import random
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from live_process import expect, value, written

MOST_ROWS = 6  # of one request
PAUSE = 0.004  # seconds between two requests of a connection at most


class Request(NamedTuple):
    """Rows that go together: the series and the hour of each."""

    rows: tuple[tuple[str, int], ...]
    key: str | None

    def body(self) -> bytes:
        """As it goes over the wire."""
        rows = [{"series": name, "ds": written(hour), "y": value(name, hour)} for name, hour in self.rows]
        return json.dumps({"observations": rows}).encode()


class Connection(NamedTuple):
    """A connection to a server on this machine."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, path: str, body: bytes, key: str | None = None) -> tuple[int, bytes]:
        """Send a request; the status and the body of its answer."""
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n" + (f"Idempotency-Key: {key}\r\n" if key else "")
        self.writer.write(head.encode() + b"\r\n" + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"content-length: (\d+)", answer)
        return int(answer[9:12]), await self.reader.readexactly(int(size[1]) if size else 0)


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """A connection, closed at the end."""
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield connection
    finally:
        connection.writer.transport.abort()


class Writer:
    """Writes the hours of its own series, one request after another.

    Args:
        following: the hour that comes next of each series.
        seed: of what it draws.

    Attributes:
        open: the request that was sent and not answered, if there is one.
        acknowledged: how many observations were.
    """

    def __init__(self, following: dict[str, int], seed: int) -> None:
        self.following = following
        self.open: Request | None = None
        self.acknowledged = self.requests = 0
        self._draw = random.Random(seed)  # noqa: S311 - to be drawn again, not to be a secret
        self._name = f"writer-{seed}"

    def drawn(self) -> Request:
        """The next hours of some of the series."""
        hours, rows = dict(self.following), []
        for name in self._draw.choices(sorted(hours), k=self._draw.randint(1, MOST_ROWS)):
            rows.append((name, hours[name]))
            hours[name] += 1
        self.requests += 1
        return Request(tuple(rows), f"{self._name}-{self.requests}" if self._draw.random() < 0.5 else None)

    def taken(self, request: Request) -> None:
        """The request counts."""
        for name, _ in request.rows:
            self.following[name] += 1

    async def write(self, port: int) -> None:
        """Write until the connection breaks or the server stops."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            async with connected(port) as connection:
                more = True
                while more:
                    self.open = self.drawn()
                    more = await self._send(connection, self.open, repeated=False)
                    await asyncio.sleep(self._draw.uniform(0, PAUSE))

    async def again(self, port: int, request: Request, *, kept: bool) -> None:
        """Send a request that was not answered once more: it counts once, and the answer says whether it did before."""
        async with connected(port) as connection:
            await self._send(connection, request, repeated=kept)

    async def _send(self, connection: Connection, request: Request, *, repeated: bool) -> bool:
        """Send a request, and note its answer; whether the server takes more."""
        status, answer = await connection.ask("/v1/observe", request.body(), request.key)
        self.open = None
        if status == 503:
            return False
        expected = {"accepted": len(request.rows), "repeated": repeated}
        expect((status, json.loads(answer)), (200, expected), f"the answer to {request}")
        if not repeated:
            self.taken(request)
        self.acknowledged += len(request.rows)
        return True
