"""How many observations a second does `gatecast serve` keep, and how soon does it answer?

A GRU of 64 units on hourly rows, 24 rows ahead, three quantiles.  The server runs on core 0, the client on core 1.  An
answer comes once the rows are on disk (SQLite, WAL, synchronous=FULL), and the state has been moved.  The client writes
ready-made bytes over connections that are kept open, each waiting for its answer.  "Beside" are 1,000 sockets that were
opened and say nothing, or two clients that send hostile requests (1e999, deep nesting, a late row, a series that nobody
knows), each on a new connection, as fast as they are refused.
"""

import asyncio
import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import uvloop

import gatecast as gc
from gatecast.server.store import Entry, Row
from gatecast.server.store.opening import open_store
from live_load import Load, again, load, observations, post
from report import environment, write_section

CONNECTIONS, SECONDS, ROUNDS = 32, 5.0, 3
WARM = 60  # rows, after which a new series has its scale
MANY, ROWS = 100_000, 1_000_000
HOUR = 3_600_000_000
FORECAST = post("/v1/forecast", '{"series":["c1"],"horizon":24,"quantiles":[0.1,0.9]}')
HOSTILE = (
    post("/v1/observe", '{"observations":[{"series":"x","ds":"2024-01-01T00:00:00","y":1e999}]}'),
    post("/v1/observe", "[" * 100_000),
    post("/v1/observe", '{"observations":[{"series":"c1","ds":"1970-01-01T00:00:00","y":1.0}]}'),
    post("/v1/forecast", '{"series":["nobody"],"horizon":24}'),
)


def made_run(folder: Path) -> Path:
    """A run of a net trained a little: speed does not depend on how well."""
    rows = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 3, 1), "1h", eager=True)
    wave = 10 + np.sin(2 * np.pi * np.arange(len(rows)) / 24) + np.random.default_rng(0).normal(size=len(rows)) / 10
    settings = {"training.evaluate_every": 10, "mode": "sequences", "subtract": "seasonal"}
    gc.fit(pl.DataFrame({"ds": rows, "y": wave}), out=folder, horizon=24, hidden_size=64, steps=20, **settings)
    return folder


@contextmanager
def serving(run: Path, data: Path) -> Iterator[tuple[int, int]]:
    """A server on core 0: its port and its process; we ourselves stay on core 1."""
    command = [sys.executable, "-m", "gatecast", "serve", str(run), "--data", str(data), "--port", "0"]
    os.sched_setaffinity(0, {0})  # which a child inherits
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    os.sched_setaffinity(0, {1})
    assert server.stdout is not None  # noqa: S101 - it was asked for
    try:
        yield int(server.stdout.readline().rpartition(":")[2]), server.pid
    finally:
        server.terminate()
        if server.wait() != 0:
            sys.exit(f"the server ended with {server.returncode}")


def resident(process: int) -> float:
    """GiB of memory that a process has now."""
    return int(Path(f"/proc/{process}/status").read_text().split("VmRSS:")[1].split()[0]) / 2**20


def peak(process: int) -> float:
    """GiB of memory that it has had at most."""
    return int(Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0]) / 2**20


def rounds(port: int, each: list[Iterator[bytes]]) -> list[Load]:
    """The same load several times."""
    return [uvloop.run(load(port, each, SECONDS)) for _ in range(ROUNDS)]


def told(name: str, found: list[Load], rows: int) -> str:
    """A line of the table: medians over the rounds."""
    rate, middle, late = (
        statistics.median(values)
        for values in (
            [one.rate * rows for one in found],
            [one.quantile(0.5) for one in found],
            [one.quantile(0.99) for one in found],
        )
    )
    return f"| {name} | {rate:,.0f} | {middle:.2f} | {late:.2f} |"


def loads(run: Path, data: Path) -> list[str]:
    """Observations and forecasts as clients send them."""
    with serving(run, data) as (port, _):
        single = [observations([f"c{number}"]) for number in range(CONNECTIONS)]
        batches = [observations([f"b{number}_{row}" for row in range(100)]) for number in range(CONNECTIONS)]
        for each in (single, batches):
            uvloop.run(load(port, each, most=WARM))
        kinds: dict[str, list[Load]] = {"": [], ", beside 1,000 idle sockets": [], ", beside hostile clients": []}
        for _ in range(ROUNDS):  # in turn
            for (_, found), (idle, hostile) in zip(kinds.items(), ((0, 0), (1000, 0), (0, 2)), strict=True):
                found.append(uvloop.run(beside(port, single, idle, hostile)))
        return [
            *(told(f"observe, 1 row a request, 32 connections{kind}", found, 1) for kind, found in kinds.items()),
            told("observe, 100 rows a request, 32 connections", rounds(port, batches), 100),
            told("forecast, 24 rows with quantiles, 1 connection", rounds(port, [again(FORECAST)]), 1),
        ]


async def beside(port: int, each: list[Iterator[bytes]], idle: int, hostile: int) -> Load:
    """The load of honest clients while others do nothing, or what they should not."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(idle)]
    attacks = [asyncio.create_task(attack(port)) for _ in range(hostile)]
    found = await load(port, each, SECONDS)
    for task in attacks:
        task.cancel()
    for one in sockets:
        one.close()
    return found


async def attack(port: int) -> None:
    """One hostile request after another, a connection for each."""
    for request in itertools.cycle(HOSTILE):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            answer = await reader.readline()
            writer.close()
        except ConnectionError:
            await asyncio.sleep(0.01)
            continue
        if answer and not answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 503")):
            sys.exit(f"expected a refusal, got {answer!r}")


def many_series(run: Path, data: Path) -> list[str]:
    """A hundred thousand series: memory, and observations among them."""
    with serving(run, data) as (port, process):
        before, blocks = resident(process), [[f"s{n}" for n in range(k, k + 1000)] for k in range(0, MANY, 1000)]
        each = [itertools.chain.from_iterable(zip(*map(observations, blocks[k::10]), strict=True)) for k in range(10)]
        uvloop.run(load(port, each, most=len(blocks[::10]) * WARM))
        after = resident(process)
        found = uvloop.run(load(port, each, SECONDS))
        memory = f"{after:.2f} GiB ({before:.2f} before the first; {peak(process):.2f} at most, writing a snapshot)"
        return [f"100,000 resident series: {memory}; {found.rate * 1000:,.0f} observations/s in requests of 1,000."]


def start(run: Path, folder: Path) -> list[str]:
    """From the command to listening, with a million rows in the log and no snapshot; then with one."""
    lines = ["| 1,000,000 logged rows of | start without a snapshot, s | with one, s |", "|---|---|---|"]
    for series in (1, 10, 100, 10_000):
        data = folder / f"start{series}"
        with open_store(data) as store:
            hours = ROWS // series
            for first in range(0, hours, max(1, 10_000 // series)):
                last = min(hours, first + max(1, 10_000 // series))
                pairs = itertools.product(range(first, last), range(series))
                store.append([Entry([Row(f"s{n}", hour * HOUR, (10.0 + hour % 7,), {}) for hour, n in pairs])])
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            with serving(run, data):
                seconds.append(time.perf_counter() - started)
        lines.append(f"| {series:,} series | {seconds[0]:.1f} | {seconds[1]:.1f} |")
    return lines


def main() -> None:
    """Print the tables and put them into RESULTS.md."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run = made_run(folder / "run")
        table = ["| requests | rows (forecasts) a second | median ms | 99 % below ms |", "|---|---|---|---|"]
        lines = [*table, *loads(run, folder / "loads"), "", *many_series(run, folder / "many"), "", *start(run, folder)]
    write_section("live", "A live server", __doc__, [*lines, "", environment(threads=1)])


if __name__ == "__main__":
    main()
