"""A stream of server-sent events that outlives its connections: bytes in, events out."""

import re
from collections.abc import Iterable, Iterator
from typing import final

import msgspec

from gatecast.client.calls import Call, Lost, Outcome, stream_call
from gatecast.client.refusing import ClientError
from gatecast.client.retrying import Retries, pause_after
from gatecast.server.wire import Event

# Lines end as the standard says and nowhere else: names hold any letter, U+2028 too.  A \r at the end of what has come
# so far may be the first half of \r\n.
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


@final
class Listener:
    """Where a stream stands: the event that came last, what is left of an unfinished one, and the failures in a row."""

    def __init__(self, series: str | Iterable[str], retries: Retries) -> None:
        self._series = [series] if isinstance(series, str) else [str(name) for name in series]
        self._retries = retries
        self._last_id, self._failures, self._wait = "", 0, 0.0
        self._rest, self._data = b"", list[bytes]()

    def call(self) -> Call:
        """What to ask; what an earlier connection left unfinished is dropped."""
        self._rest, self._data = b"", []
        return stream_call(self._series, self._last_id)

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that some more bytes complete."""
        self._failures = 0
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                data, self._data = b"\n".join(self._data), []
                yield _event(data)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"id" and value.isascii():
            self._last_id = value.decode()
        elif name == b"retry" and value.isdigit():
            self._wait = int(value) / 1000

    def pause(self, outcome: Outcome) -> float:
        """Seconds to wait before asking again.

        Raises:
            ClientError: asking again cannot help, or was tried often enough.
        """
        self._failures += 1
        return min(self._wait, self._retries.longest) + pause_after(outcome, self._failures, self._retries)


def ended(url: str) -> Outcome:
    """A stream that the server closed: it stops, or starts again."""
    return Lost(f"{url} ended the stream. Check that the server runs.")


def _event(data: bytes) -> Event:
    try:
        return msgspec.json.decode(data, type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ClientError(
            f"the stream holds what is no event: {error}. Check that server and client are of one version."
        ) from error
