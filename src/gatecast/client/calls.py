"""What goes to the server and what comes back, without a network: every request is built here."""

from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from gatecast.errors import InputError
from gatecast.server.wire import ForecastRequest, Observation, ObserveRequest


class Call(NamedTuple):
    """One request.

    Attributes:
        method: of HTTP.
        path: with its query.
        body: JSON; empty for none.
        headers: beside those that every request of a client has.
        wait: seconds to wait before it is sent.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = {}
    wait: float = 0.0


class Reply(NamedTuple):
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Lost(NamedTuple):
    """No answer: nobody knows whether the request was taken.

    Attributes:
        reason: in words.
        hopeless: whether asking again cannot help.
    """

    reason: str
    hopeless: bool = False


Outcome: TypeAlias = Reply | Lost
T = TypeVar("T")
# A conversation: it says what to send, is told what came of it, and returns what its caller wants to know.  Whoever
# leads it owns the network, and so the same conversation is held by a client that waits and by one that awaits.
Talk: TypeAlias = Generator[Call, Outcome, T]


def observe_call(observations: Sequence[Observation], key: str) -> Call:
    """Observations that are taken together; the key makes them count once, however often they are sent."""
    return _post("/v1/observe", ObserveRequest(list(observations)), {"Idempotency-Key": key})


def forecast_call(request: ForecastRequest) -> Call:
    """Forecasts of some series."""
    return _post("/v1/forecast", request, {})


def series_call(after: str | None, match: str, limit: int) -> Call:
    """One page of the series whose names contain `match`."""
    query = {"limit": str(limit)} | ({} if after is None else {"after": after}) | ({"match": match} if match else {})
    return Call("GET", f"/v1/series?{_query(query)}")


def history_call(series: str, rows: int | None) -> Call:
    """The newest rows of one series."""
    return Call("GET", f"/v1/series/{_segment(series)}" + ("" if rows is None else f"?rows={rows}"))


def stream_call(series: Sequence[str], last_id: str) -> Call:
    """What comes from now on; after a break, from the event that came last."""
    names = f"?{_query([('series', name) for name in series])}" if series else ""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
    return Call("GET", f"/v1/stream{names}", headers=headers)


MODELS = Call("GET", "/v1/models")
READY = Call("GET", "/v2/health/ready")


def _post(path: str, body: msgspec.Struct, headers: Mapping[str, str]) -> Call:
    try:
        return Call("POST", path, msgspec.json.encode(body), {"Content-Type": "application/json", **headers})
    except UnicodeEncodeError as error:
        raise _no_text(error) from error


def _query(fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    try:
        return urlencode(fields)
    except UnicodeEncodeError as error:
        raise _no_text(error) from error


def _segment(name: str) -> str:
    """A name as one part of a path: a slash in it is none of the path's, and a name of dots goes nowhere up."""
    try:
        return quote(name, safe="").replace(".", "%2E") if set(name) == {"."} else quote(name, safe="")
    except UnicodeEncodeError as error:
        raise _no_text(error) from error


def _no_text(error: UnicodeEncodeError) -> InputError:
    found = ascii(error.object[max(0, error.start - 20) : error.end + 20])
    return InputError(f"{found} holds half a character, which no text file can. Decode it anew from its source.")
