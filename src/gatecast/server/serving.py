"""Running the server until it is asked to stop: then running requests are answered, and nothing is lost.

The first SIGTERM or SIGINT stops the listening, ends the streams and lets running requests finish; a second one ends
the process at once, which the log of observations survives as it survives a power cut.
"""

import asyncio
import functools
import gc
import logging
import os
import signal
import socket
import sys
from typing import Any

import uvicorn

from gatecast.errors import OptionError
from gatecast.server.app import App
from gatecast.server.connections import Connection
from gatecast.server.live import Live
from gatecast.server.logs import LogHandler
from gatecast.server.options import ServeOptions

BACKLOG = 2048
# The kernel would take megabytes for each client that does not read, and hide from us whether one does.
SEND_BUFFER = 128 * 2**10
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(app: App, live: Live, options: ServeOptions) -> None:
    """Serve until a signal asks to stop.

    Args:
        app: the application.
        live: the forecaster behind it, which is stopped at the end.
        options: where to listen, and the limits.

    Raises:
        OptionError: the address cannot be listened on.
    """
    listener = _listen(options)
    logger = logging.getLogger("uvicorn.error")
    handler = LogHandler(app.log)
    logger.addHandler(handler)
    logger.propagate = False
    config = _config(app, options)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_run(uvicorn.Server(config), app, live, listener))
    finally:
        logger.removeHandler(handler)
        listener.close()


def _listen(options: ServeOptions) -> socket.socket:
    """Listen before anything else is done, so that a port in use is an error of one line."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.create_server((options.host, options.port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise OptionError(
            f"Cannot listen on {options.host} port {options.port}: {why}. Name another --port, or 0 for any."
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # which connections inherit
    return listener


def _config(app: App, options: ServeOptions) -> uvicorn.Config:
    limits = options.limits
    protocol: Any = functools.partial(Connection, limits=limits, unused={})
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # whoever sends X-Forwarded-For could call himself anything
        backlog=BACKLOG,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=limits.stop_seconds,
        # Not limit_concurrency: it counts idle connections too and answers in plain text; we have limits of our own.
    )


async def _run(server: uvicorn.Server, app: App, live: Live, listener: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not (server.started or serving.done()):
            await asyncio.sleep(0.01)
        if server.started:
            _stop_on_signals(server, app)
            gc.freeze()  # a full collection would walk through all of torch, and everybody would wait 70 ms for it
            sys.stdout.write(f"Listening on {_address(listener)}\n")
            sys.stdout.flush()
        await serving
    finally:
        await live.stop()


def _stop_on_signals(server: uvicorn.Server, app: App) -> None:
    """Take the signals from uvicorn, which would raise them again at the end: stopping as asked is no failure."""

    def stop(number: signal.Signals) -> None:
        if app.stopping.is_set():
            os._exit(128 + number)
        app.stopping.set()
        server.should_exit = True

    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
