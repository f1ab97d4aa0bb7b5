"""Each operation as a conversation: what to send, and what to make of the answers; nothing here knows a network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import SupportsFloat, TypeAlias, TypeVar
from uuid import uuid4

from gatecast.client import calls
from gatecast.client.calls import Reply, Talk
from gatecast.client.refusing import ClientError, read, refusal
from gatecast.client.retrying import Retries, persist
from gatecast.client.values import Row, from_row
from gatecast.server.wire import (
    ForecastAnswer,
    ForecastRequest,
    HistoryAnswer,
    ModelCard,
    ModelsAnswer,
    ObserveAnswer,
    SeriesAnswer,
    SeriesForecast,
)

PAGE = 1000  # series of one page
Future: TypeAlias = Mapping[str, Mapping[str, Iterable[SupportsFloat | str]]]  # series -> name -> one value a row
T = TypeVar("T")


def observe(rows: Iterable[Row], batch: int, key: str | None, retries: Retries) -> Talk[ObserveAnswer]:
    """Send rows in requests of at most `batch`, each with a key of its own."""
    accepted, repeated = 0, False
    for number, some in enumerate(batches(rows, batch)):
        own = uuid4().hex if key is None else f"{key}-{number}"
        call = calls.observe_call([from_row(row) for row in some], own)
        answer = read((yield from persist(call, retries)), ObserveAnswer)
        accepted, repeated = accepted + answer.accepted, repeated or answer.repeated
    return ObserveAnswer(accepted, repeated)


def forecast(request: ForecastRequest, batch: int, retries: Retries) -> Talk[list[SeriesForecast]]:
    """Ask for forecasts, of at most `batch` series in one request."""
    forecasts: list[SeriesForecast] = []
    for names in batches(request.series, batch):
        future = {name: request.future[name] for name in names if name in request.future}
        part = ForecastRequest(names, request.horizon, request.quantiles, future)
        forecasts += read((yield from persist(calls.forecast_call(part), retries)), ForecastAnswer).forecasts
    return forecasts


def forecast_request(
    series: str | Iterable[str], horizon: int | None, quantiles: Sequence[float] | None, future: Future | None
) -> ForecastRequest:
    """What is asked of `forecast`, by plain values."""
    return ForecastRequest(
        series=[series] if isinstance(series, str) else [str(name) for name in series],
        horizon=None if horizon is None else int(horizon),
        quantiles=None if quantiles is None else [float(level) for level in quantiles],
        future={
            name: {each: _planned(values) for each, values in rows.items()} for name, rows in (future or {}).items()
        },
    )


def _planned(values: Iterable[SupportsFloat | str]) -> list[float | str]:
    return [str(value) if isinstance(value, str) else float(value) for value in values]


def page(after: str | None, match: str, retries: Retries) -> Talk[SeriesAnswer]:
    """Ask for one page of the series."""
    return read((yield from persist(calls.series_call(after, match, PAGE), retries)), SeriesAnswer)


def history(series: str, rows: int | None, retries: Retries) -> Talk[HistoryAnswer]:
    """Ask for the newest rows of one series."""
    return read((yield from persist(calls.history_call(series, rows), retries)), HistoryAnswer)


def model(retries: Retries) -> Talk[ModelCard]:
    """Ask which model forecasts."""
    reply = yield from persist(calls.MODELS, retries)
    models = read(reply, ModelsAnswer).models
    if not models:
        raise ClientError("the server names no model: it is no server of gatecast, or one without a run.", reply.status)
    return models[0]


def ready() -> Talk[bool]:
    """Ask once whether requests are taken; a server that cannot be reached takes none."""
    outcome = yield calls.READY
    if not isinstance(outcome, Reply) or outcome.status in (200, 502, 503, 504):
        return isinstance(outcome, Reply) and outcome.status == 200
    raise refusal(outcome)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most so many items, in their order."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
