"""How many requests a second does the HTTP side take on one core?  Observations of one row, 32 connections kept open.

The server runs in a process of its own on core 0, around a forecaster that answers without looking, so that HTTP alone
is measured: parsing, admission, JSON into types and back, metrics.  The client writes ready-made bytes from core 1.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from report import environment, write_section

ROOT = Path(__file__).parents[1]
CONNECTIONS = 32
BODY = b'{"observations":[{"series":"plant/7","ds":"2024-01-01T00:00:00","y":1.5}]}'
CALLS = {
    "POST /v1/observe": (
        b"POST /v1/observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
    ),
    "GET /v2/health/live": b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


class Caller(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends it again."""

    def __init__(self, request: bytes, seconds: list[float]) -> None:
        self._request = request
        self._seconds = seconds
        self._answer = b""
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Go on once the answer is whole."""
        self._answer += data
        if not is_whole(self._answer):
            return
        if not self._answer.startswith(b"HTTP/1.1 200 "):
            sys.exit(f"expected 200, got {self._answer!r}")
        self._seconds.append(time.perf_counter() - self._started)
        self._send()

    def _send(self) -> None:
        self._answer, self._started = b"", time.perf_counter()
        self._transport.write(self._request)


def is_whole(answer: bytes) -> bool:
    """Whether head and body of an answer are there."""
    head, end, body = answer.partition(b"\r\n\r\n")
    return bool(end) and len(body) >= int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])


async def call(port: int, request: bytes, duration: float) -> list[float]:
    """The seconds that each request took."""
    seconds: list[float] = []
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Caller(request, seconds), "127.0.0.1", port) for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(0.5)
    seconds.clear()
    await asyncio.sleep(duration)
    taken = seconds.copy()
    for transport, _ in made:
        transport.abort()
    return taken


def start_server() -> subprocess.Popen[str]:
    """A server on core 0; we ourselves stay on core 1."""
    script = ROOT / "tests" / "serve_double.py"
    command = [sys.executable, str(script), '{"port": 0}', "at-once"]
    os.sched_setaffinity(0, {0})  # which a child inherits
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(0, {1})
    return server


def port_of(server: subprocess.Popen[str]) -> int:
    """Where it says that it listens."""
    line = server.stdout.readline() if server.stdout is not None else ""
    return int(line.rpartition(":")[2])


def main() -> None:
    """Print the table and put it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    server = start_server()
    port = port_of(server)
    lines = ["| call | requests a second | median ms | 99 % below ms |", "|---|---|---|---|"]
    try:
        for name, request in CALLS.items():
            rounds = [uvloop.run(call(port, request, asked.seconds)) for _ in range(asked.rounds)]
            rate = statistics.median(len(seconds) for seconds in rounds) / asked.seconds
            seconds = sorted(itertools.chain(*rounds))
            middle, late = statistics.median(seconds), seconds[int(len(seconds) * 0.99)]
            lines.append(f"| {name} | {rate:,.0f} | {middle * 1e3:.2f} | {late * 1e3:.2f} |")
    finally:
        server.terminate()
        server.wait()
    lines += ["", environment(threads=1)]
    write_section("http_calls", "Calls over HTTP", __doc__, lines)


if __name__ == "__main__":
    main()
