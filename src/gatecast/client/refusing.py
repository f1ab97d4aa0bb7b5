"""Why an answer did not come, or was a refusal; and how answers are read."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import msgspec

from gatecast.client.calls import Lost, Outcome, Reply
from gatecast.errors import GatecastError
from gatecast.server.wire import Problem

T = TypeVar("T")


class ClientError(GatecastError):
    """The server refused, or could not be reached.

    Attributes:
        detail: what was expected, what was found, what to do: in the server's words, where it has said any.
        status: the HTTP status; None without an answer.
        request: the id under which the server's log knows the request; empty without one.
    """

    def __init__(self, detail: str, status: int | None = None, request: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.request = request


def refusal(outcome: Outcome) -> ClientError:
    """The error that an outcome amounts to."""
    if isinstance(outcome, Lost):
        return ClientError(outcome.reason)
    request = header(outcome.headers, "x-request-id")
    try:
        problem = msgspec.json.decode(outcome.body, type=Problem)
    except msgspec.MsgspecError:
        return ClientError(_without_problem(outcome), outcome.status, request)
    return ClientError(problem.detail or problem.title, outcome.status, problem.request or request)


def _without_problem(reply: Reply) -> str:
    """What to say of an answer that gatecast's server would not have given."""
    if 300 <= reply.status < 400:
        place = header(reply.headers, "location")
        return f"the server answered {reply.status} and points to {place!r}: give the client that address."
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else ""
    return (
        f"the server answered {f'{reply.status} {phrase}'.strip()} without a reason. If a proxy stands before it, look "
        f"into the proxy's log; else check the address."
    )


def read(reply: Reply, kind: type[T]) -> T:
    """The answer as the type that it ought to be.

    Raises:
        ClientError: it is something else.
    """
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ClientError(
            f"the answer is no {kind.__name__} of a gatecast server: {error}. Check the address, and that server and "
            f"client are of one version.",
            reply.status,
            header(reply.headers, "x-request-id"),
        ) from error


def header(headers: Mapping[str, str], name: str) -> str:
    """A header by its name in small letters; empty where there is none."""
    return next((value for key, value in headers.items() if key.lower() == name), "")
