"""Raw load for a live server: requests over connections that are kept open, each waiting for its answer.

Used by `live.py`.  Requests are made of text that is ready but for its time, so that the client costs little.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, cast

START = datetime(2030, 1, 1)  # noqa: DTZ001 - times carry no zone
STAMP = "YYYY-MM-DDTHH:MM:SS"
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"


class Load(NamedTuple):
    """What was answered: the seconds of each request, and how long all of it took."""

    seconds: list[float]
    duration: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.seconds) / self.duration

    def quantile(self, share: float) -> float:
        """Milliseconds that this share of the requests stayed below."""
        return 1e3 * sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def post(path: str, body: str) -> bytes:
    """A request as it goes over the wire."""
    return (HEAD.format(path=path, size=len(body)) + body).encode()


def observations(names: list[str], first: int = 0) -> Iterator[bytes]:
    """One request after another, each with the next hour of all of some series."""
    pairs = zip(names, itertools.cycle(range(10, 17)), strict=False)
    rows = ",".join(f'{{"series":"{name}","ds":"{STAMP}","y":{value}.5}}' for name, value in pairs)
    ready = post("/v1/observe", f'{{"observations":[{rows}]}}')
    stamp = STAMP.encode()
    for hour in itertools.count(first):
        yield ready.replace(stamp, (START + timedelta(hours=hour)).isoformat().encode())


def again(request: bytes) -> Iterator[bytes]:
    """The same request for ever."""
    return itertools.repeat(request)


class Caller(asyncio.Protocol):
    """Sends a request, waits for the whole answer, and goes on."""

    def __init__(
        self, requests: Iterator[bytes], seconds: list[float], most: int | None, done: Callable[[], None]
    ) -> None:
        self.requests, self.seconds, self.most, self.done = requests, seconds, most, done
        self.answer, self.started, self.sent = b"", 0.0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.WriteTransport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Go on once the answer is whole."""
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        self.seconds.append(time.perf_counter() - self.started)
        if not self.answer.startswith(b"HTTP/1.1 200 "):
            sys.exit(f"expected 200, got {self.answer!r}")
        self._send()

    def _send(self) -> None:
        if self.sent == self.most:
            self.done()
            return
        self.sent += 1
        self.answer, self.started = b"", time.perf_counter()
        self.transport.write(next(self.requests))


async def load(port: int, each: list[Iterator[bytes]], duration: float | None = None, most: int | None = None) -> Load:
    """Send requests from several connections, for so long or so many of each."""
    loop, seconds, left = asyncio.get_running_loop(), cast("list[float]", []), len(each)
    finished = asyncio.Event()

    def done() -> None:
        nonlocal left
        left -= 1
        if not left:
            finished.set()

    started = time.perf_counter()
    made = [
        await loop.create_connection(lambda requests=requests: Caller(requests, seconds, most, done), "127.0.0.1", port)
        for requests in each
    ]
    if duration is None:
        await finished.wait()
    else:
        await asyncio.sleep(duration)
    taken = Load(seconds.copy(), time.perf_counter() - started)
    for transport, _ in made:
        transport.abort()
    return taken
