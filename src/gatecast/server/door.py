"""Every request comes in here and every answer goes out: one pass for its id, admission, deadline, metrics and log.

The calls that come thousands of times a second are looked up in a dict; everything else goes to Starlette's router.
"""

import asyncio
import math

from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

from gatecast.server.admission import Admission
from gatecast.server.bodies import CLOSE, ClientGoneError
from gatecast.server.calls import Calls
from gatecast.server.desk import Desk
from gatecast.server.headers import JSON, for_any, for_body
from gatecast.server.options import Limits
from gatecast.server.problems import NO_METHOD, PROBLEM, UNEXPECTED, Headers, RequestError, problem_body, refusal_of
from gatecast.server.refusals import BusyError
from gatecast.server.routing import templates_of
from gatecast.server.visits import UNROUTED, Visit

HEALTH = "/v2/health/"  # is told however busy the server is: to be busy is not to be dead
CLIENT_GONE = 499  # as nginx has it: nobody was there to be answered
CLOSED = (OSError, RuntimeError)  # what sending over a closed connection raises, by ASGI and by uvloop
TOO_SLOW = "The body was not there after {:g} s; send it faster, or in smaller requests."
TOO_LATE = (
    "No answer after {:g} s. Observations that were sent may be on disk by now, or soon; "
    "send them again with the same Idempotency-Key: they will count once."
)


class Door:
    """The server as an ASGI application.

    Args:
        calls: what is looked up in a dict.
        router: what everything else goes to.
        admission: who is let in.
        limits: how many, and for how long.
        desk: where it is noted.
    """

    def __init__(self, calls: Calls, router: Router, admission: Admission, limits: Limits, desk: Desk) -> None:
        self._calls = calls.table
        self._router = router
        self._templates = templates_of(router.routes)
        self._admission = admission
        self._limits = limits
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        visit = Visit(scope)
        visit.deadline = visit.started + self._limits.request_seconds
        self._desk.sign_in(visit)
        try:
            await self._answer(visit, scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the traceback
            await self._refuse(visit, error, send)
        except asyncio.CancelledError:
            await self._refuse(visit, self._cut_off(visit), send)
        finally:
            self._desk.sign_out(visit)

    async def _answer(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        self._admission.admit(visit)
        if len(self._desk) > self._limits.running and not visit.path.startswith(HEALTH):
            raise BusyError("Too many requests run at once; come again in a second.")
        calls = self._calls.get(visit.path)
        if calls is None:
            await self._pass_on(visit, scope, receive, send)
            return
        visit.route = visit.path
        call = calls.get(visit.method)
        if call is None:
            raise RequestError(405, NO_METHOD, [("allow", ", ".join(calls))])
        body = await call(visit, receive)
        await _send(visit, send, 200, body, for_body(JSON, body, visit.id))

    async def _pass_on(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """The deadline is for the start of an answer: a stream goes on; connections.py cuts off who does not read."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.deadline = math.inf
                visit.status = message["status"]
                message["headers"] = for_any(list(message.get("headers", ())), visit.id)
            try:
                await send(message)
            except CLOSED as error:
                raise ClientGoneError from error

        scope["app"] = self  # tells Starlette to raise what it refuses
        try:
            await self._router(scope, receive, noting)
        finally:
            visit.route = self._templates.get(id(scope.get("endpoint")), UNROUTED)

    def _cut_off(self, visit: Visit) -> RequestError:
        if not visit.late:
            return RequestError(503, "The server stops.", [("retry-after", "1")])
        if visit.reading:
            return RequestError(408, TOO_SLOW.format(self._limits.body_seconds), CLOSE)
        return RequestError(504, TOO_LATE.format(self._limits.request_seconds))

    async def _refuse(self, visit: Visit, error: Exception, send: Send) -> None:
        if isinstance(error, ClientGoneError):
            visit.status = CLIENT_GONE
            return
        refusal = refusal_of(error)
        if refusal is None:
            self._desk.log.failure(visit, error)
            refusal = RequestError(500, UNEXPECTED)
        if visit.status:  # an answer was under way, and all that can be done is to break it off
            visit.status = refusal.status
        elif visit.method == "OPTIONS" and refusal.status == 405:
            await _send(visit, send, 204, b"", [*for_body(JSON, b"", visit.id)[2:], *refusal.headers])
        else:
            body = problem_body(refusal.status, str(refusal), visit.id)
            await _send(visit, send, refusal.status, body, for_body(PROBLEM, body, visit.id) + refusal.headers)


async def _send(visit: Visit, send: Send, status: int, body: bytes, headers: Headers) -> None:
    visit.status = status
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if visit.method == "HEAD" else body})
    except CLOSED:
        visit.status = CLIENT_GONE
