"""A live server as a process of its own, started as a user starts it."""

import contextlib
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

import gatecast

START = datetime(2024, 1, 1)  # noqa: DTZ001 - times carry no zone
ROWS = 160  # of each series of the table
SMALL = {"horizon": 4, "lookback": 24, "season": 12, "hidden_size": 4, "steps": 8, "batch_size": 16}


def value(series: str, hour: int) -> float:
    """What a series is at an hour; 64ths, which every kind of float holds exactly."""
    number = int(series.strip("sn"))
    return round(64 * (10 + number + math.sin((hour + number) / 2))) / 64


def written(hour: int) -> str:
    """The time of an hour."""
    return (START + timedelta(hours=hour)).isoformat()


def fit_run(folder: Path, names: list[str]) -> Path:
    """A run folder of a small model of these series, fitted in a moment."""
    hours = range(ROWS)
    frame = pl.concat(
        pl.DataFrame({"id": [name] * ROWS, "ds": map(written, hours), "y": [value(name, hour) for hour in hours]})
        for name in names
    )
    table = folder.with_name("table.csv")  # a file, which the server reads again to begin its log
    frame.write_csv(table)
    gatecast.fit(table, out=folder, target="y", past="none", **SMALL)
    return folder


def expect(found: object, expected: object, what: str) -> None:
    """Stop unless what was found is what was expected."""
    if found != expected:
        raise AssertionError(f"{what}: expected {expected}, got {found}")


class Served(NamedTuple):
    """A server that listens."""

    process: "subprocess.Popen[str]"
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def end(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)


def command(run: Path, data: Path, *flags: str) -> list[str]:
    """How it is started."""
    return [sys.executable, "-m", "gatecast", "serve", str(run), "--data", str(data), *(flags or ("--port", "0"))]


def started(run: Path, data: Path, errors: int = subprocess.DEVNULL, flags: tuple[str, ...] = ()) -> Served:
    """Start one, and wait until it listens.

    Raises:
        RuntimeError: it ended before that.
    """
    process = subprocess.Popen(command(run, data, *flags), stdout=subprocess.PIPE, stderr=errors, text=True)
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith("Listening on "):
        raise RuntimeError(f"the server ended with {process.wait()} before it listened")
    return Served(process, int(line.rpartition(":")[2]))


@contextlib.contextmanager
def serving(run: Path, data: Path, errors: int = subprocess.DEVNULL) -> Iterator[Served]:
    """One that is killed at the end if it still runs."""
    server = started(run, data, errors)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()
