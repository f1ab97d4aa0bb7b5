"""The server's parts, put together."""

import asyncio
from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from gatecast.server.admission import Admission
from gatecast.server.calls import Calls
from gatecast.server.desk import Desk
from gatecast.server.door import Door
from gatecast.server.live import Live
from gatecast.server.logs import Log, to_stderr
from gatecast.server.metrics import Metrics
from gatecast.server.openapi import document
from gatecast.server.options import ServeOptions
from gatecast.server.routes import Routes
from gatecast.server.stream import Stream


class App:
    """The server as an ASGI application.

    Attributes:
        stopping: set it, and the server says that it is not ready, and ends its streams.
        log: where it writes.
    """

    def __init__(self, door: Door, stopping: asyncio.Event, log: Log) -> None:
        self._door = door
        self.stopping = stopping
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._door(scope, receive, send)


def build_app(
    live: Live, options: ServeOptions, routes: Sequence[BaseRoute] = (), write: Callable[[bytes], object] = to_stderr
) -> App:
    """The application around a live forecaster.

    Args:
        live: the forecaster.
        options: whom it lets in, and how much they may ask for.
        routes: more of them, such as those of the page.
        write: takes the lines of the log.

    Raises:
        OptionError: the file of keys cannot be read.
    """
    stopping, metrics, log = asyncio.Event(), Metrics(), Log(write, options.log)
    endpoints = Routes(live, metrics, stopping, document())
    telling = Route("/v1/stream", Stream(live, stopping, options.limits.listeners), methods=["GET"])
    router = Router([*endpoints.all(), telling, *routes], redirect_slashes=False)
    door = Door(Calls(live, options.limits), router, Admission(options), options.limits, Desk(metrics, log))
    return App(door, stopping, log)
