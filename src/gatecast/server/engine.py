"""The live forecaster behind HTTP: what waits is committed together, and states move only after that.

Everything runs in the event loop.  A commit blocks it for as long as the disk takes to keep what is written, and
whoever comes meanwhile goes into the next commit: so a slow disk makes larger transactions, not longer queues.
"""

import asyncio
import time
from bisect import bisect_right, insort
from collections.abc import AsyncIterator
from typing import final

from gatecast.data.panel import Panel
from gatecast.server.answers import forecasts_of, history_of, one_or_null, summaries_of
from gatecast.server.committing import Committer, Pending
from gatecast.server.events import Listeners
from gatecast.server.live import Counts
from gatecast.server.logbook import begin, snapshot
from gatecast.server.refusals import BusyError, FullDiskError, UnknownSeriesError
from gatecast.server.store import StateStore
from gatecast.server.wire import (
    Event,
    ForecastRequest,
    HistoryAnswer,
    ModelCard,
    ObserveAnswer,
    ObserveRequest,
    SeriesAnswer,
    SeriesForecast,
)
from gatecast.streaming import ForecastStream

MOST_WAITING = 100_000  # observations
TOGETHER = 5000  # observations of one transaction, or one request if it is larger
FORECAST_AT_ONCE = 256  # series, after which others have their turn
SNAPSHOT_EVERY = 1_000_000  # observations
SNAPSHOT_PAUSE = 60.0  # seconds at least between two, because everybody waits while states are copied


@final
class Engine:
    """A `Live` over a stream and a store.

    Args:
        stream: the live forecaster, with no rows yet.
        store: where observations are kept.
        card: what the model is.
        most_waiting: observations that may wait for their commit.
        snapshot_every: observations from one snapshot to the next.
    """

    def __init__(
        self,
        stream: ForecastStream,
        store: StateStore,
        card: ModelCard,
        most_waiting: int = MOST_WAITING,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self.stream, self.store, self.card = stream, store, card
        self.most_waiting, self.snapshot_every = most_waiting, snapshot_every
        self.committer, self.listeners = Committer(stream, store), Listeners()
        self.position = self.kept = 0  # of the log: of its last row, and of the newest snapshot
        self.names: list[str] = []
        self.gates: dict[str, dict[str, float]] = {}
        self._waiting: list[Pending] = []
        self._rows_waiting = self._observed = self._forecast = self._commits = 0
        self._seconds, self._saved_at = 0.0, time.monotonic()
        self._ready = self._broken = False
        self._saving: asyncio.Task[None] | None = None

    def begin(self, table: Panel | None) -> None:
        """Replay the log; an empty one begins with the rows of the model's table."""
        self.position, self.kept = begin(self.stream, self.store, table)
        if self.position - self.kept >= self.snapshot_every:
            self._keep()
        self.names = sorted(self.stream.series)
        self._ready = True

    @property
    def ready(self) -> bool:
        """Whether requests are taken."""
        return self._ready

    async def observe(self, request: ObserveRequest, key: str | None) -> ObserveAnswer:
        """Take observations, all or none; returns once they are on disk."""
        self._check_ready()
        count = len(request.observations)
        if self._waiting and self._rows_waiting + count > self.most_waiting:
            raise BusyError(f"{self._rows_waiting:,} observations wait to be written already: send these again later.")
        loop = asyncio.get_running_loop()
        pending = Pending(request.observations, key, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append(pending)
        self._rows_waiting += count
        return await pending.answer

    async def forecast(self, request: ForecastRequest) -> list[SeriesForecast]:
        """Forecast from the newest observation of each series; moves no state."""
        self._check_ready()
        for name in request.series:
            self._check_known(name)
        answers: list[SeriesForecast] = []
        for first in range(0, len(request.series), FORECAST_AT_ONCE):
            if first:
                await asyncio.sleep(0)  # others have their turn
            part = request.series[first : first + FORECAST_AT_ONCE]
            found = self.stream.forecast(part, request.horizon, request.quantiles, request.future)
            answers += forecasts_of(found, self.stream)
        self._forecast += len(request.series)
        return answers

    def series(self, after: str | None, limit: int, match: str) -> SeriesAnswer:
        """So many series whose names contain `match`, in the order of names, after the name `after`."""
        names = [name for name in self.names if match in name] if match else self.names
        first = 0 if after is None else bisect_right(names, after)
        page = names[first : first + limit]
        more = page[-1] if first + limit < len(names) else None
        return SeriesAnswer(summaries_of(self.stream, page) if page else [], len(names), more)

    def history(self, series: str, rows: int) -> HistoryAnswer:
        """The newest rows of one series, and what had been forecast of them."""
        self._check_known(series)
        return history_of(self.stream, series, rows, self.gates.get(series, {}))

    def model(self) -> ModelCard:
        """The model that forecasts."""
        return self.card

    def events(self, series: frozenset[str]) -> AsyncIterator[Event]:
        """What comes from now on."""
        return self.listeners.listen(series)

    def counts(self) -> Counts:
        """What /metrics tells."""
        return Counts(
            series=len(self.stream.index),
            observations=self._observed,
            forecasts=self._forecast,
            waiting=len(self._waiting),
            commits=self._commits,
            commit_seconds=self._seconds,
            alarms=self.stream.alarms(),
            subscribers=len(self.listeners),
        )

    async def stop(self) -> None:
        """Take nothing more, finish what waits, commit, write a snapshot."""
        self._ready = False
        while self._waiting:
            await asyncio.sleep(0)
        self.listeners.close()
        if self._saving is not None:
            await self._saving
        if self.position > self.kept:
            await self._save()

    def _check_ready(self) -> None:
        if self._broken:
            raise BusyError("states and log may differ after an unforeseen error: start the server again.", after=10)
        if not self._ready:
            raise BusyError("the server is starting or stopping: send this again in a moment.")

    def _check_known(self, series: str) -> None:
        if series not in self.stream.index:
            raise UnknownSeriesError(f'series "{series}" has no rows: observe it first, or check its name.')

    def _commit(self) -> None:
        """Commit what waits, as much as one transaction should hold."""
        batch: list[Pending] = []
        rows = 0
        while self._waiting and (not batch or rows + len(self._waiting[0].observations) <= TOGETHER):
            batch.append(self._waiting.pop(0))
            rows += len(batch[-1].observations)
        self._rows_waiting -= rows
        started = time.perf_counter()
        try:
            position, moved = self.committer.commit(batch)
        except Exception as error:
            self._ready, self._broken = False, True
            for each in (*batch, *self._waiting):  # what is not foreseen must not leave anybody waiting
                if not each.answer.done():
                    each.answer.set_exception(error)
            self._waiting.clear()
            raise
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._commit)
        self._seconds += time.perf_counter() - started
        self._commits += 1
        self._observed += len(moved)
        if moved:
            self.position = position
            self._after(moved)

    def _after(self, moved: list[str]) -> None:
        """What follows a commit: new names, events, now and then a snapshot."""
        if len(self.names) < len(self.stream.index):
            for name in self.stream.series[len(self.names) :]:
                insort(self.names, name)
        for name in self.gates.keys() & set(moved):
            del self.gates[name]  # they were of an older row
        if len(self.listeners):
            self._tell(moved)
        if self.position - self.kept >= self.snapshot_every and self._saving is None and self._rested():
            self._saving = asyncio.get_running_loop().create_task(self._save())

    def _tell(self, moved: list[str]) -> None:
        """Events of the series that somebody listens to; of several rows of one, the newest."""
        wanted = self.listeners.wanted(moved)
        if not wanted:
            return
        names = [name for name in dict.fromkeys(moved) if name in wanted]
        for name in self.listeners.named() & wanted:
            self.gates[name] = self.stream.gates(name)
        newest = self.stream.newest(names)
        self.listeners.publish(
            Event(
                series=row.series,
                ds=self.stream.clock.written(row.time),
                y=one_or_null(row.y),
                low=one_or_null(row.low),
                median=one_or_null(row.median),
                high=one_or_null(row.high),
                alarm=row.alarm,
                gates=self.gates.get(row.series, {}),
            )
            for row in newest
        )

    def _keep(self) -> None:
        """Write a snapshot while nobody is served."""
        self.store.save(snapshot(self.stream, self.position))
        self.kept = self.position

    def _rested(self) -> bool:
        """Whether the newest snapshot is old enough."""
        return time.monotonic() - self._saved_at >= SNAPSHOT_PAUSE

    async def _save(self) -> None:
        """Write a snapshot while others are served; one that does not fit is no loss, for the log has it all."""
        self._saved_at = time.monotonic()
        if self._broken:  # states that broke midway are made anew from the log
            return
        kept = snapshot(self.stream, self.position)
        try:
            await asyncio.to_thread(self.store.save, kept)
            self.kept = kept.position
        except FullDiskError:
            return
        finally:
            self._saving = None
