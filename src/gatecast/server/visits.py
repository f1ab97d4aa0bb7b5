"""One request on its way through the server: who asks for what, and how it went."""

import itertools
import math
import re
import secrets
import time
from collections.abc import Mapping

from starlette.types import Scope

from gatecast.server.keys import Key

GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
UNROUTED = "other"  # what metrics call a path that no route has, however many of them are tried

# A request's id need not be secret, only unlike all others: one random start and a counter, no system call.
_START = secrets.token_hex(8)
_NUMBERS = itertools.count(1)


class Visit:
    """A request.

    Attributes:
        id: under which the log knows it; the client's own X-Request-Id where that is plain.
        method: of HTTP.
        path: percent-decoded.
        query: as it came.
        headers: by name in lower case.
        address: of the client.
        key: that it came with.
        route: the template of its path, for metrics.
        status: that it was answered with; 0 until then.
        started: by the clock of `time.perf_counter`.
        deadline: by the same clock.
        reading: whether its body is still coming.
        late: whether it was cut off at its deadline.
    """

    __slots__ = (
        "address", "deadline", "headers", "id", "key", "late", "method",
        "path", "query", "reading", "route", "started", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope) -> None:
        self.started = time.perf_counter()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.address: str = scope["client"][0] if scope.get("client") else "unknown"
        self.id = _given_id(self.headers) or f"{_START}-{next(_NUMBERS):x}"
        self.key: Key | None = None
        self.route = UNROUTED
        self.status = 0
        self.deadline = math.inf
        self.reading = False
        self.late = False


def _given_id(headers: Mapping[bytes, bytes]) -> str | None:
    given = headers.get(b"x-request-id")
    return given.decode() if given is not None and GIVEN_ID.fullmatch(given) else None
