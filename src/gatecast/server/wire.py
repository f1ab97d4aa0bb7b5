"""What goes over the wire: requests, answers and events, defined once for the server, its clients and OpenAPI.

Times are ISO 8601 text (`2024-01-01T00:00:00`); one with an offset counts in UTC.  Rows of a table without a time
column are numbered, and `ds` is that number.  A missing value is null.
"""

from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=512, description="The name of a series.")]
Time = Annotated[str, Meta(min_length=1, max_length=64)] | int
Number = float | None
Level = Annotated[float, Meta(gt=0, lt=1)]
MOST_OBSERVATIONS = 10_000  # of one request
MOST_SERIES = 10_000


class Observation(Struct, forbid_unknown_fields=True):
    """One row of one series.

    Attributes:
        series: its name.
        ds: its time.
        y: the target, null where missing; of a model with several targets one value for each name.
        x: the covariates of the row by name.
    """

    series: Name
    ds: Time
    y: Number | dict[str, Number] = None
    x: dict[str, float | str | None] = {}


class ObserveRequest(Struct, forbid_unknown_fields=True):
    """Observations that are taken all together or not at all; those of one series in the order of time."""

    observations: Annotated[list[Observation], Meta(min_length=1, max_length=MOST_OBSERVATIONS)]


class ObserveAnswer(Struct):
    """How many observations are on disk.

    Attributes:
        accepted: their number.
        repeated: whether an earlier request with this Idempotency-Key put them there.
    """

    accepted: int
    repeated: bool = False


class ForecastRequest(Struct, forbid_unknown_fields=True):
    """Which forecasts are wanted.

    Attributes:
        series: their names.
        horizon: rows to forecast; null for all that the model was trained for.
        quantiles: levels, of those that the model knows; null for all of them.
        future: covariates known in advance: for each series, of each name one value a row of the horizon.
    """

    series: Annotated[list[Name], Meta(min_length=1, max_length=MOST_SERIES)]
    horizon: Annotated[int, Meta(ge=1)] | None = None
    quantiles: list[Level] | None = None
    future: dict[str, dict[str, list[float | str]]] = {}


class SeriesForecast(Struct):
    """The forecast of one target of one series from its newest observation.

    Attributes:
        series: its name.
        cutoff: the time of the newest observation.
        ds: the times forecast.
        mean: the point forecast.
        quantiles: by level, such as "0.1".
        target: the target's name where the model has several; else empty.
    """

    series: str
    cutoff: str | int
    ds: list[str | int]
    mean: list[float]
    quantiles: dict[str, list[float]]
    target: str = ""


class ForecastAnswer(Struct):
    """The forecasts, in the order asked."""

    forecasts: list[SeriesForecast]


class SeriesSummary(Struct):
    """One series at a glance; of several targets the first.

    Attributes:
        series: its name.
        rows: how many rows were observed, gaps included.
        ds: the time of the newest.
        y: its value.
        recent: the newest values, oldest first.
        error: of the newest forecast that was settled: |y - median|.
        mean_error: the mean of these errors.
        coverage: the share of observations between the outermost quantiles; null before the first.
        alarm: whether the errors have grown beyond what they were.
        unit: how far values lie apart lately, about 1 where they do as in training; far more after a glitch, by which
            forecasts are off until it is forgotten, 1 % a row.  Null of a net that reads windows, which forget at once.
    """

    series: str
    rows: int
    ds: str | int | None
    y: Number
    recent: list[Number]
    error: Number
    mean_error: Number
    coverage: Number
    alarm: bool
    unit: Number = None


class SeriesAnswer(Struct):
    """Some of the series, in the order of their names; `next` is the `after` of the page that follows, if any."""

    series: list[SeriesSummary]
    total: int
    next: str | None


class Settled(Struct):
    """Rows whose forecast was made before they came: the value, and what had been said of it."""

    ds: list[str | int]
    y: list[Number]
    low: list[Number]
    median: list[Number]
    high: list[Number]


class HistoryAnswer(Struct):
    """The newest rows of one series, and what had been forecast of them.

    Attributes:
        summary: the series at a glance.
        ds: the times of the rows, oldest first.
        y: their values.
        settled: the rows among them that a forecast had spoken of.
        interval: the share that the band from low to high is meant to hold, such as 0.8; null of a point forecaster.
        gates: of the newest row, the mean of each gate over the units, by its letter.
    """

    summary: SeriesSummary
    ds: list[str | int]
    y: list[Number]
    settled: Settled
    interval: Number
    gates: dict[str, float]


class ModelCard(Struct):
    """The model that forecasts.

    Attributes:
        name: its cell, such as `gru`.
        version: the first characters of its fingerprint.
        horizon: rows it forecasts.
        quantiles: the levels it knows.
        targets: names of the targets.
        past: covariates that each observation may carry.
        future: covariates that are known in advance, and a forecast needs.
        frequency: the step between rows, such as `1h`.
        frequency_name: in words, such as `hourly`.
        trained_on: the name of its table.
        trained_series: how many series it was trained on.
        scores: of the net and the baselines in the backtest of the run, if there is one: model -> MASE.
        verdict: in words.
        facts: anything else, by name, in words.
        id: the column of its table that tells series apart; empty where the table holds one series.
    """

    name: str
    version: str
    horizon: int
    quantiles: list[float]
    targets: list[str]
    past: list[str]
    future: list[str]
    frequency: str
    frequency_name: str
    trained_on: str
    trained_series: int
    scores: dict[str, float]
    verdict: str
    facts: dict[str, str]
    id: str = ""


class ModelsAnswer(Struct):
    """The models that are served; today there is one."""

    models: list[ModelCard]


class Event(Struct):
    """What /v1/stream says of one observation, after it is on disk.

    Attributes:
        series: its name.
        ds: its time.
        y: its value (of several targets the first).
        low: what had been forecast of it, if anything.
        median: likewise.
        high: likewise.
        alarm: whether the errors have grown beyond what they were.
        gates: of the row, the mean of each gate by its letter.
    """

    series: str
    ds: str | int
    y: Number
    low: Number
    median: Number
    high: Number
    alarm: bool
    gates: dict[str, float]


class Problem(Struct):
    """Why a request was refused (RFC 9457).

    Attributes:
        type: always `about:blank`.
        title: the name of the status.
        status: the HTTP status.
        detail: what was expected, what was found, what to do.
        request: the id under which the log knows the request.
    """

    type: str
    title: str
    status: int
    detail: str
    request: str
