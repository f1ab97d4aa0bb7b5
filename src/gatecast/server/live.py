"""What the HTTP side asks of the live forecaster behind it; a double of it serves the tests of the HTTP side alone."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol, runtime_checkable

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


class Counts(NamedTuple):
    """What /metrics tells of the forecaster.

    Attributes:
        series: resident series.
        observations: on disk since the start.
        forecasts: series forecast since the start.
        waiting: requests that wait for their commit.
        commits: since the start.
        commit_seconds: spent in them.
        alarms: series whose drift alarm is on.
        subscribers: of the stream of events.
    """

    series: int
    observations: int
    forecasts: int
    waiting: int
    commits: int
    commit_seconds: float
    alarms: int
    subscribers: int


@runtime_checkable
class Live(Protocol):
    """A forecaster that takes each observation once.

    Refusals are exceptions: `gatecast.errors.InputError` (and its kin) for what is wrong in a request: 422;
    `UnknownSeriesError`: 404; `ConflictError`: an Idempotency-Key of another request: 409; `BusyError`: 503 with
    Retry-After; `FullDiskError`: 507.  They are defined in `server/refusals.py`.
    """

    @property
    def ready(self) -> bool:
        """Whether requests are taken: the log is replayed, and nobody has asked to stop."""
        ...

    async def observe(self, request: ObserveRequest, key: str | None) -> ObserveAnswer:
        """Take observations, all or none; returns once they are on disk.

        Args:
            request: the observations.
            key: the Idempotency-Key: the same key with the same observations is answered as before, and counts once.
        """
        ...

    async def forecast(self, request: ForecastRequest) -> list[SeriesForecast]:
        """Forecast from the newest observation of each series; moves no state."""
        ...

    def series(self, after: str | None, limit: int, match: str) -> SeriesAnswer:
        """So many series whose names contain `match`, in the order of names, after the name `after`."""
        ...

    def history(self, series: str, rows: int) -> HistoryAnswer:
        """The newest rows of one series, and what had been forecast of them."""
        ...

    def model(self) -> ModelCard:
        """The model that forecasts."""
        ...

    def events(self, series: frozenset[str]) -> AsyncIterator[Event]:
        """What comes from now on, of these series alone if any are named.

        A listener that is too slow loses the oldest.
        """
        ...

    def counts(self) -> Counts:
        """What /metrics tells."""
        ...

    async def stop(self) -> None:
        """Take nothing more, finish what waits, commit, write a snapshot."""
        ...
