"""The client that waits for its answers."""

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TypeVar, final

import httpx

from gatecast.client import talks
from gatecast.client.calls import Call, Outcome, Talk
from gatecast.client.connecting import checked_batch, connection, is_stream, lost, reply, stream_timeout
from gatecast.client.listening import Listener, ended
from gatecast.client.retrying import DEFAULT, Retries
from gatecast.client.talks import Future
from gatecast.client.values import Covariates, Row, Values, When
from gatecast.server.wire import Event, HistoryAnswer, ModelCard, ObserveAnswer, SeriesForecast, SeriesSummary

T = TypeVar("T")


@final
class Client:
    """Speaks to one server; may be shared by threads.  Leaving its context closes its connections.

    Args:
        url: where the server is, such as `http://127.0.0.1:8080`.
        key: its key, where it wants one.
        timeout: seconds that any step of a request may take.
        batch: how many observations, or forecasts, are asked for in one request.
        retries: how often a request is sent where there is no answer, or one that asks to come later (429, 502, 503,
            504).  Observations carry a key by which the server knows them again, so none counts twice.

    Raises:
        OptionError: the address, the key or the batch cannot be.
        ClientError: raised by each method, where the server refuses or cannot be reached.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        batch: int = 1000,
        retries: Retries = DEFAULT,
    ) -> None:
        self._http = httpx.Client(**connection(url, key, timeout))
        self._stream_timeout = stream_timeout(timeout)
        self._url, self._batch, self._retries = url, checked_batch(batch), retries

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def observe(
        self, series: str, ds: When, y: Values, x: Covariates | None = None, *, key: str | None = None
    ) -> ObserveAnswer:
        """Send one row of one series; returns once it is on the server's disk.

        Args:
            series: its name.
            ds: its time: a date, a datetime of the standard library, numpy, pandas or polars, text, or a row's number.
                Naive times go as they are, aware ones in UTC.
            y: the target; None or NaN where missing; of a model with several targets one value for each name.
            x: the covariates of the row by name.
            key: see `observe_many`.

        Raises:
            InputError: a time or a number cannot be understood.
            ClientError: the server refuses the row, or cannot be reached.
        """
        return self.observe_many([(series, ds, y, x)], key=key)

    def observe_many(self, rows: Iterable[Row], *, key: str | None = None) -> ObserveAnswer:
        """Send many rows, so many in a request; those of one series in the order of time.

        Each request is taken as a whole or not at all.  Where one is refused, those before it are taken.

        Args:
            rows: each (series, ds, y) or (series, ds, y, x), or a `gatecast.server.wire.Observation`.
            key: of all of it, of your own making: the same rows may then be sent again under this key, even by another
                process, and count once.  None makes a new one.

        Returns:
            How many rows are on disk, and whether an earlier request had put some of them there.
        """
        return self._hold(talks.observe(rows, self._batch, key, self._retries))

    def forecast(
        self,
        series: str | Iterable[str],
        horizon: int | None = None,
        quantiles: Sequence[float] | None = None,
        future: Future | None = None,
    ) -> list[SeriesForecast]:
        """Forecast one series or several, each from its newest observation.

        Args:
            series: a name, or several.
            horizon: rows to forecast; None for all that the model was trained for.
            quantiles: levels, of those that the model knows; None for all of them.
            future: covariates known in advance: for each series, of each name one value a row of the horizon.

        Returns:
            The forecasts in the order asked; of a model with several targets one for each.
        """
        request = talks.forecast_request(series, horizon, quantiles, future)
        return self._hold(talks.forecast(request, self._batch, self._retries))

    def series(self, match: str = "") -> Iterator[SeriesSummary]:
        """Every series whose name contains `match`, in the order of names; pages are fetched as they are needed."""
        after: str | None = None
        while True:
            page = self._hold(talks.page(after, match, self._retries))
            yield from page.series
            if (after := page.next) is None:
                return

    def history(self, series: str, rows: int | None = None) -> HistoryAnswer:
        """The newest rows of one series, and what had been forecast of them."""
        return self._hold(talks.history(series, rows, self._retries))

    def model(self) -> ModelCard:
        """The model that forecasts."""
        return self._hold(talks.model(self._retries))

    def ready(self) -> bool:
        """Whether the server takes requests now; asks once."""
        return self._hold(talks.ready())

    def events(self, series: str | Iterable[str] = ()) -> Iterator[Event]:
        """Each observation from now on, after it is on disk, with what had been forecast of it.

        It goes on until you leave the loop, over connections that break.  What comes while there is none is missed:
        the stream is for watching, and `history` for what must be complete.

        Args:
            series: a name, or several; none for all.
        """
        listener = Listener(series, self._retries)
        while True:
            call, outcome = listener.call(), ended(self._url)
            try:
                with self._http.stream(
                    "GET", call.path, headers=call.headers, timeout=self._stream_timeout
                ) as response:
                    if is_stream(response):
                        for chunk in response.iter_bytes():
                            yield from listener.feed(chunk)
                    else:
                        response.read()
                        outcome = reply(response)
            except httpx.RequestError as error:
                outcome = lost(self._url, error)
            time.sleep(listener.pause(outcome))

    def _hold(self, talk: Talk[T]) -> T:
        """Lead a conversation to its end."""
        try:
            call = next(talk)
            while True:
                call = talk.send(self._ask(call))
        except StopIteration as end:
            return end.value

    def _ask(self, call: Call) -> Outcome:
        time.sleep(call.wait)
        try:
            return reply(self._http.request(call.method, call.path, content=call.body, headers=call.headers))
        except httpx.RequestError as error:
            return lost(self._url, error)
