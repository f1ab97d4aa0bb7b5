"""Calling the server: within the process by httpx, and over a socket as a process of its own, byte by byte."""

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from starlette.routing import BaseRoute

from gatecast.server.app import build_app
from gatecast.server.options import ServeOptions
from live_double import LiveDouble

FOLDER = Path(__file__).parent
HOUR = "2024-01-01T00:00:00"
OBSERVED = {"observations": [{"series": "plant/7", "ds": HOUR, "y": 1.5}]}
BODY = json.dumps(OBSERVED).encode()


RUNNER = asyncio.Runner()  # one loop for all, because a server lives in one


class Client:
    """httpx without a network."""

    def __init__(self, app: Any) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 50000))
        self.waiting = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def request(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        return RUNNER.run(self.waiting.request(method, path, **keywords))

    def get(self, path: str, **keywords: Any) -> httpx.Response:
        return self.request("GET", path, **keywords)

    def post(self, path: str, **keywords: Any) -> httpx.Response:
        return self.request("POST", path, **keywords)


class Called:
    """A client, the double behind it, and what the log says."""

    def __init__(self, options: ServeOptions | None = None, routes: Sequence[BaseRoute] = ()) -> None:
        self.live = LiveDouble()
        self._log = io.BytesIO()
        self.app = build_app(self.live, options or ServeOptions(), routes, self._log.write)
        self.client = Client(self.app)

    def observe(self, body: Any = None, **headers: str) -> httpx.Response:
        return self.client.post("/v1/observe", json=body or OBSERVED, headers=headers)

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]


class Server:
    """A server as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def connect(self, seconds: float = 10.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def ask(self, *pieces: bytes, seconds: float = 10.0) -> bytes:
        """Send pieces, and read until the answer is whole or the server closes."""
        with self.connect(seconds) as connection:
            with contextlib.suppress(ConnectionError):  # a server that has heard enough does not read on
                for piece in pieces:
                    connection.sendall(piece)
            return read_answer(connection)

    def get(self, path: str) -> bytes:
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def is_well(self) -> bool:
        """Whether an honest client is served: nothing that came before has hurt."""
        return self.process.poll() is None and status(self.get("/v2/health/ready")) == 200

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def running(options: dict[str, Any] | None = None, mode: str = "double", **environment: str) -> Iterator[Server]:
    text = msgspec.json.encode({"port": 0} | (options or {})).decode()
    command = [sys.executable, str(FOLDER / "serve_double.py"), text, mode]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=os.environ | environment, **pipes) as process:  # type: ignore[call-overload]
        line = process.stdout.readline()
        assert line.startswith("Listening on http://127.0.0.1:"), line + process.stderr.read()
        try:
            yield Server(process, int(line.rpartition(":")[2]))
        finally:
            end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Ask it to stop, as its user would; an end by force would lose what it has measured of its own lines."""
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def post(body: bytes, path: str = "/v1/observe", *headers: str) -> bytes:
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def read_answer(connection: socket.socket) -> bytes:
    """An answer with a Content-Length; what there is of it when the server closes."""
    answer = b""
    while not _is_whole(answer):
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        answer += part
    return answer


def status(answer: bytes) -> int:
    """The status of an answer; 0 if there was none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def problem(answer: bytes) -> dict[str, Any]:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(end) and length.isdigit() and len(body) >= int(length)
