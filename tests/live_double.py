"""A live forecaster in memory whose forecast is the newest value: the HTTP side is tested with it alone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from gatecast.errors import InputError
from gatecast.server.live import Counts
from gatecast.server.refusals import ConflictError, UnknownSeriesError
from gatecast.server.wire import (
    Event,
    ForecastRequest,
    HistoryAnswer,
    ModelCard,
    Number,
    Observation,
    ObserveAnswer,
    ObserveRequest,
    SeriesAnswer,
    SeriesForecast,
    SeriesSummary,
    Settled,
)

HORIZON = 24
LEVELS = (0.1, 0.5, 0.9)
CARD = ModelCard(
    name="gru", version="0123abcd", horizon=HORIZON, quantiles=list(LEVELS), targets=["y"], past=[], future=[],
    frequency="1h", frequency_name="hourly", trained_on="double.csv", trained_series=1, scores={"gru": 0.8},
    verdict="A double.", facts={},
)  # fmt: skip


def when(time: str | int) -> datetime | int:
    """A time of the wire, read.  No more than the double needs: the numbers of rows fit in 63 bits."""
    if isinstance(time, int):
        if not 0 <= time < 2**63:
            raise InputError(f"The number of a row is from 0 to 2^63, got {time}.")
        return time
    try:
        return datetime.fromisoformat(time).replace(tzinfo=None)
    except ValueError:
        raise InputError(f"Expected a time such as 2024-01-01T00:00:00, got {time!r}.") from None


def later(time: datetime | int, steps: int) -> str | int:
    if isinstance(time, int):
        return time + steps
    try:
        return (time + timedelta(hours=steps)).isoformat()
    except OverflowError:
        raise InputError("The forecast would go past the year 9999.") from None


def number(observation: Observation) -> Number:
    if isinstance(observation.y, dict):
        raise InputError("The model has one target, so y is a number.")
    return observation.y


class LiveDouble:
    """Attributes `gate`, `error` and `ready` let a test hold up or break what comes next."""

    def __init__(self) -> None:
        self.ready = True
        self.stopped = False
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None
        self.rows: dict[str, list[tuple[datetime | int, Number]]] = {}
        self.receipts: dict[str, tuple[bytes, int]] = {}
        self.listeners: set[asyncio.Queue[Event]] = set()
        self.accepted = self.forecasts = self.waiting = 0

    async def _held_up(self) -> None:
        self.waiting += 1
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.error is not None:
                raise self.error
        finally:
            self.waiting -= 1

    async def observe(self, request: ObserveRequest, key: str | None) -> ObserveAnswer:
        await self._held_up()
        digest = msgspec.json.encode(request)
        if key is not None and key in self.receipts:
            known, accepted = self.receipts[key]
            if known != digest:
                raise ConflictError(f"The Idempotency-Key {key!r} came before with another request.")
            return ObserveAnswer(accepted, repeated=True)
        taken = self._checked(request)
        for series, row in taken:
            self.rows.setdefault(series, []).append(row)
            self._tell(series, row)
        self.accepted += len(taken)
        if key is not None:
            self.receipts[key] = (digest, len(taken))
        return ObserveAnswer(len(taken))

    def _checked(self, request: ObserveRequest) -> list[tuple[str, tuple[datetime | int, Number]]]:
        newest = {name: rows[-1][0] for name, rows in self.rows.items()}
        taken = []
        for index, observation in enumerate(request.observations):
            time, series = when(observation.ds), observation.series
            before = newest.get(series)
            if before is not None and (type(before) is not type(time) or not before < time):  # type: ignore[operator]
                raise InputError(f"Row {index}: {series!r} has {before} already, so {time} comes too late.")
            newest[series] = time
            taken.append((series, (time, number(observation))))
        return taken

    def _tell(self, series: str, row: tuple[datetime | int, Number]) -> None:
        event = Event(series, later(row[0], 0), row[1], None, None, None, alarm=False, gates={})
        for queue in self.listeners:
            queue.put_nowait(event)

    def _known(self, name: str) -> list[tuple[datetime | int, Number]]:
        if name not in self.rows:
            raise UnknownSeriesError(f"Nobody has observed the series {name!r}.")
        return self.rows[name]

    async def forecast(self, request: ForecastRequest) -> list[SeriesForecast]:
        await self._held_up()
        horizon, levels = request.horizon or HORIZON, request.quantiles or LEVELS
        if horizon > HORIZON:
            raise InputError(f"The model forecasts up to {HORIZON} rows, got horizon={horizon}.")
        unknown = set(levels) - set(LEVELS)
        if unknown:
            raise InputError(f"The model knows the quantiles {LEVELS}, got {sorted(unknown)}.")
        answers = []
        for name in request.series:
            time, value = self._known(name)[-1]
            flat = [value or 0.0] * horizon
            ds = [later(time, step + 1) for step in range(horizon)]
            answers.append(SeriesForecast(name, later(time, 0), ds, flat, {str(level): flat for level in levels}))
        self.forecasts += len(answers)
        return answers

    def _summary(self, name: str) -> SeriesSummary:
        rows = self._known(name)
        recent = [value for _, value in rows[-8:]]
        return SeriesSummary(name, len(rows), later(rows[-1][0], 0), rows[-1][1], recent, None, None, None, alarm=False)

    def series(self, after: str | None, limit: int, match: str) -> SeriesAnswer:
        names = [name for name in sorted(self.rows) if match in name]
        page = [name for name in names if after is None or name > after]
        end = page[limit - 1] if len(page) > limit else None
        return SeriesAnswer([self._summary(name) for name in page[:limit]], len(names), end)

    def history(self, series: str, rows: int) -> HistoryAnswer:
        kept = self._known(series)[-rows:]
        times, values = [later(time, 0) for time, _ in kept], [value for _, value in kept]
        return HistoryAnswer(self._summary(series), times, values, Settled([], [], [], [], []), 0.8, {"z": 0.5})

    def model(self) -> ModelCard:
        return CARD

    async def events(self, series: frozenset[str]) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.listeners.add(queue)
        try:
            while True:
                event = await queue.get()
                if not series or event.series in series:
                    yield event
        finally:
            self.listeners.discard(queue)

    def counts(self) -> Counts:
        return Counts(
            len(self.rows), self.accepted, self.forecasts, self.waiting, 0, 0.0, 0, len(self.listeners)
        )  # fmt: skip

    async def stop(self) -> None:
        self.ready, self.stopped = False, True


class AtOnce(LiveDouble):
    """Answers without looking, so that a benchmark measures HTTP alone."""

    async def observe(self, request: ObserveRequest, key: str | None) -> ObserveAnswer:  # noqa: ARG002 - it does not look
        return ObserveAnswer(len(request.observations))
