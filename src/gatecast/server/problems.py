"""Every refusal as an answer: application/problem+json (RFC 9457), with the status that its kind has."""

from collections.abc import Iterable
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException

from gatecast.errors import InputError, OptionError
from gatecast.server.refusals import BusyError, RefusedError
from gatecast.server.wire import Problem
from gatecast.visible import shortened, visible

PROBLEM = b"application/problem+json"
LONGEST = 1000  # characters of a detail; it may quote what a client sent
UNEXPECTED = "Something went wrong that is not your fault. The log of the server tells more under this request's id."
NO_PAGE = "There is nothing at this path; /openapi.json lists what there is."
NO_METHOD = "This path does not take this method; the header Allow lists those that it takes."

Headers = list[tuple[bytes, bytes]]


class RequestError(RefusedError):
    """A request that the HTTP side refuses by itself.

    Args:
        status: of HTTP.
        message: expected, got, what to do.
        headers: that go with the status, such as Allow.
    """

    def __init__(self, status: int, message: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers: Headers = [(name.lower().encode(), value.encode()) for name, value in headers]


def refusal_of(error: BaseException) -> RequestError | None:
    """What an exception means to the client; None for one that nobody expected."""
    match error:
        case RequestError():
            return error
        case BusyError():
            return RequestError(error.status, str(error), [("retry-after", str(error.after))])
        case RefusedError():
            return RequestError(error.status, str(error))
        case InputError() | OptionError():
            return RequestError(422, str(error))
        case HTTPException():
            return _of_starlette(error)
    return None


def _of_starlette(error: HTTPException) -> RequestError:
    detail = {404: NO_PAGE, 405: NO_METHOD}.get(error.status_code, error.detail)
    headers = dict(error.headers or {})
    if "Allow" in headers:  # comes from a set, in any order
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    return RequestError(error.status_code, detail, headers.items())


def problem_body(status: int, detail: str, request: str) -> bytes:
    """The JSON of a refusal."""
    shown = shortened(visible(detail), LONGEST)
    return msgspec.json.encode(Problem("about:blank", HTTPStatus(status).phrase, status, shown, request))
