"""What each endpoint takes and gives, in words and types: the table that /openapi.json is made from."""

from typing import Any, NamedTuple

from gatecast.server.calls import ForecastQuery
from gatecast.server.routes import HistoryQuery, SeriesQuery
from gatecast.server.stream import StreamQuery
from gatecast.server.wire import (
    ForecastAnswer,
    ForecastRequest,
    HistoryAnswer,
    ModelsAnswer,
    ObserveAnswer,
    ObserveRequest,
    SeriesAnswer,
)

JSON = "application/json"
REFUSALS = {
    400: "The request is malformed, is no JSON, or does not fit the types.",
    401: "The key is missing or unknown.",
    403: "The key lacks the scope, or a page of another site sent the request.",
    404: "Nobody has observed this series.",
    408: "The body, or the head of the request, did not arrive in time.",
    409: "The Idempotency-Key came before with another request.",
    411: "The body came without Content-Length and was not chunked.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The data are not what the model can take; the detail says which, and why.",
    429: "Too many requests of one client; Retry-After says when to come again.",
    431: "The line and the headers of the request are too long.",
    500: "Something unexpected; the log of the server knows more under the request's id.",
    503: "Too many requests or listeners, or the server starts or stops; Retry-After says when to come again.",
    504: "No answer in time.",
    507: "The disk is full; nothing of the request was kept.",
}
OPEN = (400, 403, 408, 431, 500, 503, 504)  # what even a request without a key may meet
READ = (*OPEN, 401, 429)
BODY = (*READ, 411, 413, 415)


class Endpoint(NamedTuple):
    """One endpoint.

    Attributes:
        path: its template.
        method: of HTTP, in lower case.
        name: what it is called in clients.
        summary: what it does.
        refusals: the statuses other than 200.
        answer: the type of the answer in JSON; None for text.
        media: the type of its body.
        body: the type of the request's body.
        query: the type of the words after the question mark.
        public: whether it needs no key.
        example: of the request's body.
    """

    path: str
    method: str
    name: str
    summary: str
    refusals: tuple[int, ...]
    answer: type | None = None
    media: str = JSON
    body: type | None = None
    query: type | None = None
    public: bool = False
    example: dict[str, Any] | None = None


HOUR = "2024-01-01T00:00:00"
OBSERVED = {"observations": [{"series": "plant/7", "ds": HOUR, "y": 1.5, "x": {"temperature": 3.0}}]}
ASKED = {"series": ["plant/7"], "horizon": 2, "quantiles": [0.1, 0.9]}

ANSWERS: dict[str, Any] = {  # by type
    "ObserveAnswer": {"accepted": 1, "repeated": False},
    "ForecastAnswer": {
        "forecasts": [
            {
                "series": "plant/7",
                "cutoff": HOUR,
                "ds": ["2024-01-01T01:00:00", "2024-01-01T02:00:00"],
                "mean": [1.6, 1.7],
                "quantiles": {"0.1": [1.2, 1.1], "0.9": [2.0, 2.3]},
                "target": "",
            }
        ]
    },
}

ENDPOINTS = (
    Endpoint(
        "/v1/observe", "post", "observe", "Take observations, all or none; answered once they are on disk.",
        (*BODY, 409, 422, 507), ObserveAnswer, body=ObserveRequest, example=OBSERVED,
    ),
    Endpoint(
        "/v1/forecast", "post", "forecast", "Forecast series from their newest observations.",
        (*BODY, 404, 422), ForecastAnswer, body=ForecastRequest, example=ASKED,
    ),
    Endpoint(
        "/v1/forecast", "get", "forecast_one", "Forecast one series.",
        (*READ, 404, 422), ForecastAnswer, query=ForecastQuery,
    ),
    Endpoint(
        "/v1/series", "get", "series", "Some of the series, in the order of their names.",
        (*READ, 422), SeriesAnswer, query=SeriesQuery,
    ),
    Endpoint(
        "/v1/series/{name}", "get", "history", "The newest rows of one series, and what had been forecast of them.",
        (*READ, 404, 422), HistoryAnswer, query=HistoryQuery,
    ),
    Endpoint("/v1/models", "get", "models", "The model that forecasts.", READ, ModelsAnswer),
    Endpoint(
        "/v1/stream", "get", "stream", "What happens from now on: one event in JSON a `data:` line, as in Event.",
        READ, media="text/event-stream", query=StreamQuery,
    ),
    Endpoint("/v2/health/live", "get", "live", "Whether the process answers.", OPEN, dict, public=True),
    Endpoint("/v2/health/ready", "get", "ready", "Whether requests are taken; 503 if not.", OPEN, dict, public=True),
    Endpoint("/metrics", "get", "metrics", "For Prometheus.", READ, media="text/plain; version=0.0.4; charset=utf-8"),
    Endpoint("/openapi.json", "get", "openapi", "This document.", READ, dict),
)  # fmt: skip
