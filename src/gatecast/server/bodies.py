"""Reading what a client sent: a body of JSON, not too much of it, not too slowly; the words after the question mark."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from gatecast.server.options import Limits
from gatecast.server.problems import RequestError
from gatecast.server.visits import Visit

T = TypeVar("T")
MOST_WORDS = 1100  # of one query: the most series of a stream, and some room
# Of a body whose client will not be heard out, the rest is still on its way: the next request cannot follow it.
CLOSE = [("connection", "close")]


class ClientGoneError(Exception):
    """The client left before its request was there; there is nobody to answer."""


async def read_body(visit: Visit, receive: Receive, limits: Limits) -> bytes:
    """All of a body of JSON.

    Raises:
        RequestError: 411, 413 or 415.
        ClientGoneError: the client left.
    """
    _check_head(visit, limits.body)
    visit.reading, visit.deadline = True, visit.started + limits.body_seconds
    body = await _gather(receive, limits.body)
    visit.reading, visit.deadline = False, visit.started + limits.request_seconds
    return body


def _check_head(visit: Visit, most: int) -> None:
    media = visit.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media != b"application/json":
        got = media.decode("latin-1") or "none"
        raise RequestError(415, f"Expected Content-Type: application/json, got {got}.")
    length = visit.headers.get(b"content-length")
    if length is None and b"transfer-encoding" not in visit.headers:
        raise RequestError(411, "Expected a body with Content-Length or Transfer-Encoding: chunked, got neither.")
    if length is not None and int(length) > most:
        raise _too_large(most)


async def _gather(receive: Receive, most: int) -> bytes:
    """The length that a client claims may be a lie, so what comes is counted too."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > most:
            raise _too_large(most)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(most: int) -> RequestError:
    return RequestError(413, f"A body has at most {most} bytes; send it in several requests.", CLOSE)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """A body as the type that it must have.

    Raises:
        RequestError: 400; it is no JSON, or does not fit the type.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise RequestError(400, f"The body does not fit: {error}. See /openapi.json for what is expected.") from None
    except msgspec.DecodeError as error:
        raise RequestError(400, f"The body is not JSON: {error}.") from None
    except UnicodeDecodeError as error:
        raise RequestError(400, f"The body is not UTF-8: {error.reason}.") from None


def read_query(kind: type[T], query: bytes, lists: Mapping[str, str | None] | None = None) -> T:
    """The words after the question mark as a Struct.

    Args:
        kind: the Struct, whose fields are the names that may come.
        query: as it came.
        lists: names that hold several values, each with what stands between them; None if the name comes again.

    Raises:
        RequestError: 400; a name is unknown or comes twice, or a value does not fit.
    """
    words: dict[str, Any] = {}
    for name, value in _words(query):
        between = (lists or {}).get(name, "")
        if between is None:
            words.setdefault(name, []).append(value)
        elif name in words:
            raise RequestError(400, f"The query has {name!r} twice; once is expected.")
        else:
            words[name] = value.split(between) if between else value
    try:
        return msgspec.convert(words, kind, strict=False)
    except msgspec.ValidationError as error:
        raise RequestError(400, f"The query does not fit: {error}. See /openapi.json for what is expected.") from None


def _words(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_WORDS)
    except UnicodeDecodeError:
        raise RequestError(400, "The query is not percent-encoded UTF-8.") from None
    except ValueError as error:
        raise RequestError(400, f"The query cannot be read: {error}.") from None
