"""Rounds of writing to a live server and killing it; after each, the store is held against what was told.

Used by `live_crashes.py`, and in short by the tests.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

import gatecast
from gatecast.server.store import StateStore
from gatecast.server.store.sqlite import SqliteStore
from gatecast.streaming import ForecastStream
from live_process import ROWS, Served, expect, fit_run, serving, value, written
from live_writers import Writer, connected

WRITERS = 6
TRAINED = 3  # series of each writer that are in the table; one more is new
SNAPSHOT_ROUNDS = 5


@dataclass
class Tally:
    """What happened in all rounds."""

    kills: int = 0
    stops: int = 0
    unanswered_kept: int = 0
    unanswered_lost: int = 0
    again: int = 0
    starts: list[float] = field(default_factory=list)


class Drill:
    """Rounds of writing and killing.

    Args:
        run: the run folder.
        data: the folder of the store.
        seed: of what is drawn.
    """

    def __init__(self, run: Path, data: Path, seed: int) -> None:
        self.run, self.data = run, data
        self.draw = random.Random(seed)  # noqa: S311 - to be drawn again, not to be a secret
        self.writers = [Writer(_beginnings(place), 1000 * seed + place) for place in range(WRITERS)]
        self.logged = dict.fromkeys((name for writer in self.writers for name in writer.following), 0)
        self.position, self.tally = 0, Tally()

    def rounds(self, count: int) -> None:
        """So many."""
        for number in range(count):
            asyncio.run(self.round(stop_first=number % SNAPSHOT_ROUNDS == SNAPSHOT_ROUNDS - 1))
            self.check()

    async def round(self, *, stop_first: bool) -> None:
        """Start, send again what was not answered, write, kill."""
        began = time.perf_counter()
        with serving(self.run, self.data) as server:
            self.tally.starts.append(time.perf_counter() - began)
            await self.again(server)
            writing = [asyncio.create_task(writer.write(server.port)) for writer in self.writers]
            await asyncio.sleep(self.draw.uniform(0.05, 1.0))
            if stop_first:
                self.tally.stops += 1
                server.process.terminate()
                await asyncio.sleep(self.draw.uniform(0, 0.3))
            server.process.kill()
            server.process.wait()
            await asyncio.gather(*writing)
        self.tally.kills += 1

    async def again(self, server: Served) -> None:
        """Send the requests with keys that got no answer once more; the others are settled by what the log holds."""
        for writer in self.writers:
            if writer.open is not None:
                name, hour = writer.open.rows[0]
                await writer.again(server.port, writer.open, kept=self.logged[name] > hour)
                self.tally.again += 1

    def check(self) -> None:
        """Read what the log holds beyond the last look, and hold it against what was told."""
        with SqliteStore(self.data) as store:
            self.position += len(read(store, self.position, self.logged))
            for writer in self.writers:
                self.settle(writer, store)

    def settle(self, writer: Writer, store: StateStore) -> None:
        """What of a writer's must be there is, and its open request is there whole or not at all."""
        asked, found = writer.open, {name: self.logged[name] for name in writer.following}
        kept = asked is not None and found != writer.following
        if asked is not None and kept:
            writer.taken(asked)
        expect(found, writer.following, f"hours in the log (open was {asked})")
        if asked is None:
            return
        self.tally.unanswered_kept += kept
        self.tally.unanswered_lost += not kept
        if asked.key is None:
            writer.open = None
            return
        receipt = store.receipt(asked.key)
        expect(receipt and receipt.accepted, len(asked.rows) if kept else None, f"the receipt of {asked}")

    async def forecasts(self) -> int:
        """Hold the forecasts of all series against those of an undisturbed stream; how many numbers there were."""
        names = sorted(self.logged)
        with serving(self.run, self.data) as server:
            await self.again(server)
            async with connected(server.port) as connection:
                status, answer = await connection.ask("/v1/forecast", json.dumps({"series": names}).encode())
            expect(status, 200, answer.decode())
            expect(server.end(), 0, "the exit code")
        self.check()
        stream, told, compared = self.undisturbed(), json.loads(answer)["forecasts"], 0
        expect([each["series"] for each in told], names, "series")
        for each in told:
            found = stream.forecast(each["series"])
            own = [found.mean[0, :, 0].tolist(), *found.quantiles[0, :, 0].T.tolist()]
            expect([each["mean"], *each["quantiles"].values()], own, f"the forecast of {each['series']}")
            compared += sum(map(len, own))
        return compared

    def undisturbed(self) -> ForecastStream:
        """A stream that observes the rows of the log, one by one from the first, which are looked at once more."""
        torch.set_num_threads(1)
        stream, logged = gatecast.load(self.run).live(), dict.fromkeys(self.logged, 0)
        with SqliteStore(self.data) as store:
            for name, hour in read(store, 0, logged):
                stream.observe(name, written(hour), value(name, hour))
        expect(logged, self.logged, "hours in the log")
        return stream


def read(store: StateStore, after: int, logged: dict[str, int]) -> list[tuple[str, int]]:
    """The rows after a position: each has to be the hour that follows in its series, with the value of that hour."""
    found = []
    for rows in store.replay(after):
        for position, (name, when, y, _) in rows:
            hour = logged[name]
            time = str(np.datetime64(when, "us").astype("datetime64[s]"))
            expect((time, *y), (written(hour), value(name, hour)), f"row {position}, of {name}")
            found.append((name, hour))
            logged[name] += 1
    return found


def _beginnings(place: int) -> dict[str, int]:
    """The series of a writer: those of the table go on where it ends, and one begins."""
    trained = range(place * TRAINED, (place + 1) * TRAINED)
    return {f"s{number}": ROWS for number in trained} | {f"n{place}": 0}


def drill(folder: Path, rounds: int, seed: int) -> tuple[Drill, int]:
    """So many rounds in a folder; the drill, and how many forecast numbers agreed."""
    run = fit_run(folder / "run", [f"s{number}" for number in range(WRITERS * TRAINED)])
    made = Drill(run, folder / "data", seed)
    made.rounds(rounds)
    return made, asyncio.run(made.forecasts())
