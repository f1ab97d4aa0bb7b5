"""One connection: what uvicorn leaves open to clients that send too much, too slowly, or do not read.

uvicorn's protocol for httptools has no limit on the size of a head, on the time it takes to arrive, or on the number of
requests sent ahead; it waits forever for a client that does not read, and its `limit_concurrency` answers in plain
text.  The parser's callbacks are the only place for such limits, so this class is derived, against our custom.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gatecast.server.headers import for_body
from gatecast.server.options import Limits
from gatecast.server.problems import PROBLEM, problem_body

PIPELINED = 32  # requests that may wait behind another one of their connection; uvicorn would take any number
NO_ID = "-"  # where no head was read, a request has no id


def canned(status: int, title: str, detail: str) -> bytes:
    """An answer to what never became a request."""
    body = problem_body(status, detail, NO_ID)
    headers = [*for_body(PROBLEM, body, NO_ID), (b"connection", b"close")]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    lines = [b"HTTP/1.1 %d %b" % (status, title.encode()), *(b"%b: %b" % header for header in headers)]
    return b"\r\n".join([*lines, b"", body])


MALFORMED = canned(400, "Bad Request", "This is no HTTP/1.1 request.")
TOO_SLOW = canned(408, "Request Timeout", "The line and the headers of a request have to come faster.")
TOO_LONG = canned(431, "Request Header Fields Too Large", "The line and the headers of a request are too long.")
TOO_MUCH = canned(413, "Content Too Large", "The body of a request is too large; send it in several requests.")
TOO_MANY = canned(503, "Service Unavailable", "Too many connections or requests are open; come again in a second.")


class Connection(HttpToolsProtocol):
    """A connection within limits."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - uvicorn's own arguments
        limits: Limits,
        unused: dict["Connection", None],
        **keywords: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **keywords)
        self._limits = limits
        self._unused = unused  # connections that no request came over yet, oldest first
        self._in_head = True
        self._size = 0  # bytes of this message, but for the piece that it began in
        self._clock: asyncio.TimerHandle | None = None  # until a head has to be there
        self._stalled: asyncio.TimerHandle | None = None  # until the client has to have read something
        self._refusal = MALFORMED

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head, if there is room."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections and not self._make_room():
            self._break_off(TOO_MANY)
        else:
            self._unused[self] = None
            self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._unused.pop(self, None)
        self._stop_clock()
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see that it does not become too much, or too slow."""
        self._size += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._size > self._limits.head:
            self._break_off(TOO_LONG)
        elif self._size > self._limits.head + 2 * self._limits.body:  # twice: chunks have frames, and may have trailers
            self._break_off(TOO_MUCH)
        elif self._clock is None and self._is_waiting():
            self._start_clock()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is there; one that came in one large piece is measured only now."""
        self._in_head = False
        self._unused.pop(self, None)
        self._stop_clock()
        # Each header costs its colon, its space and its line break as well.
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > self._limits.head:
            self._stop_parsing(TOO_LONG)
        if len(self.pipeline) >= PIPELINED:
            self._stop_parsing(TOO_MANY)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Go on; a connection that closes has to be read to its end soon."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._give_up_later()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._give_up_later()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Refuse what cannot be parsed."""
        self._break_off(self._refusal)

    def _make_room(self) -> bool:
        """Close the connection that has said nothing for longest, so that idle ones keep nobody out."""
        oldest = next(iter(self._unused), None)
        if oldest is None:
            return False
        del self._unused[oldest]
        oldest._break_off(TOO_MANY)  # noqa: SLF001 - another of the same kind
        return True

    def _stop_parsing(self, refusal: bytes) -> None:
        self._refusal = refusal
        raise ValueError("send_400_response says why")

    def _is_waiting(self) -> bool:
        """Whether nothing but the client is waited for, and uvicorn's own clock for idle connections does not run."""
        answered = self.cycle is None or self.cycle.response_complete
        return self.timeout_keep_alive_task is None and (self._in_head or answered)

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self._limits.head_seconds, self._break_off, TOO_SLOW)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _give_up_later(self) -> None:
        if self._stalled is None:
            self._watch_reading(self.transport.get_write_buffer_size())

    def _watch_reading(self, unread: int) -> None:
        self._stalled = self.loop.call_later(self._limits.stall_seconds, self._look_at_reading, unread)

    def _look_at_reading(self, before: int) -> None:
        """A slow client may take its time, as long as it reads."""
        unread = self.transport.get_write_buffer_size()
        if unread < before:
            self._watch_reading(unread)
        else:
            self.transport.abort()

    def _break_off(self, answer: bytes) -> None:
        """Close; the answer goes out unless it would stand in the middle of another one."""
        cycle = self.cycle
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(answer)
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self._give_up_later()
        self.transport.close()
