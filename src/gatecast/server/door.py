"""Every request comes in here and every answer goes out: one pass for its id, admission, deadline, metrics and log.

The calls that come thousands of times a second are looked up in a dict; everything else goes to Starlette's router.
"""

import asyncio
import time

from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

from gatecast.server.admission import Admission
from gatecast.server.bodies import ClientGoneError
from gatecast.server.calls import Call, Calls
from gatecast.server.headers import JSON, for_any, for_body
from gatecast.server.logs import Log
from gatecast.server.metrics import Metrics
from gatecast.server.options import Limits
from gatecast.server.problems import NO_METHOD, PROBLEM, UNEXPECTED, Headers, RequestError, problem_body, refusal_of
from gatecast.server.refusals import BusyError
from gatecast.server.routing import templates_of
from gatecast.server.visits import UNROUTED, Visit

CLIENT_GONE = 499  # as nginx has it: nobody was there to be answered
TOO_LATE = (
    "No answer after {:g} s. Observations that were sent may be on disk by now, or soon; "
    "send them again with the same Idempotency-Key: they will count once."
)


class Desk:
    """Where every request is counted and written down.

    Args:
        metrics: where requests are counted.
        log: where they are written.
    """

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics
        self.log = log
        self.running = 0

    def close(self, visit: Visit) -> None:
        """Note how a request went."""
        seconds = time.perf_counter() - visit.started
        self._metrics.count(visit.route, visit.status, seconds)
        self.log.request(visit, seconds)


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
        visit, desk = Visit(scope), self._desk
        desk.running += 1
        try:
            await self._answer(visit, scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the traceback
            await self._refuse(visit, error, send)
        except asyncio.CancelledError:  # the server stops, and has waited long enough
            await self._refuse(visit, RequestError(503, "The server stops.", [("retry-after", "1")]), send)
        finally:
            desk.running -= 1
            desk.close(visit)

    async def _answer(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        self._admission.admit(visit)
        if self._desk.running > self._limits.running:
            raise BusyError("Too many requests run at once; come again in a second.")
        calls = self._calls.get(visit.path)
        if calls is None:
            await self._pass_on(visit, scope, receive, send)
            return
        visit.route = visit.path
        call = calls.get(visit.method)
        if call is None:
            raise RequestError(405, NO_METHOD, [("allow", ", ".join(calls))])
        body = await self._in_time(call, visit, receive)
        await _send(visit, send, 200, body, for_body(JSON, body, visit.id))

    async def _in_time(self, call: Call, visit: Visit, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self._limits.request_seconds) as clock:
                return await call(visit, receive)
        except TimeoutError:
            raise self._too_late(clock) from None

    async def _pass_on(self, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        """The deadline is for the start of the answer: a stream goes on, and a client that stalls is cut off below."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                clock.reschedule(None)
                visit.status = message["status"]
                message["headers"] = for_any(list(message.get("headers", ())), visit.id)
            await send(message)

        scope["app"] = self  # tells Starlette to raise what it refuses
        scope["visit"] = visit
        try:
            async with asyncio.timeout(self._limits.request_seconds) as clock:
                await self._router(scope, receive, noting)
        except TimeoutError:
            raise self._too_late(clock) from None
        finally:
            visit.route = self._templates.get(scope.get("endpoint"), UNROUTED)

    def _too_late(self, clock: asyncio.Timeout) -> Exception:
        if clock.expired():
            return RequestError(504, TOO_LATE.format(self._limits.request_seconds))
        return RuntimeError("A TimeoutError that is not the request's own.")

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
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if visit.method == "HEAD" else body})
