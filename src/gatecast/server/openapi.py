"""The OpenAPI 3.1 document, generated from the types of the wire and the table of endpoints."""

import inspect
import re
from functools import cache
from typing import Any

import msgspec

from gatecast import __version__
from gatecast.server.endpoints import ANSWERS, ENDPOINTS, REFUSALS, Endpoint
from gatecast.server.wire import Event, Problem

REF = "#/components/schemas/{name}"
WITH_RETRY = {429, 503}
QUERY_WORDS = {
    "series": "The name of a series.",
    "horizon": "Rows to forecast; without it, all that the model was trained for.",
    "quantiles": "Levels, of those that the model knows, with commas between them; without it, all of them.",
    "after": "The name after which the page begins: the `next` of the page before.",
    "limit": "The most series of a page.",
    "match": "What the names contain.",
    "rows": "The most rows.",
}
NAME: dict[str, Any] = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The name of a series, percent-encoded; it may hold slashes.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 512},
    "example": "plant/7",
}
IDEMPOTENCY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same observations is answered as before, and they count once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "minLength": 1, "maxLength": 255},
    "example": "sensor-7-000123",
}


@cache
def document() -> bytes:
    """The document, as JSON."""
    types = {kind for endpoint in ENDPOINTS for kind in (endpoint.answer, endpoint.body) if kind not in {None, dict}}
    ordered = sorted(types | {Event, Problem}, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint)
    info = {
        "title": "gatecast",
        "version": __version__,
        "description": "A live forecaster: observations in, forecasts out.",
    }
    schemes = {"key": {"type": "http", "scheme": "bearer", "description": "A key of the server's file of keys."}}
    components = {
        "schemas": {name: _described(schema) for name, schema in schemas.items()},
        "securitySchemes": schemes,
        "headers": _headers(),
    }
    whole = {"openapi": "3.1.0", "info": info, "servers": [{"url": "/"}], "paths": paths, "components": components}
    return msgspec.json.encode(whole)


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "security": [] if endpoint.public else [{"key": []}],
        "responses": {"200": _success(endpoint)}
        | {str(status): _refusal(status) for status in sorted(endpoint.refusals)},
    }
    parameters = _parameters(endpoint)
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        content = {"schema": _reference(endpoint.body), "example": endpoint.example}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters = [NAME] if "{name}" in endpoint.path else []
    if endpoint.name == "observe":
        parameters.append(IDEMPOTENCY)
    if endpoint.query is not None:
        schema = msgspec.json.schema(endpoint.query)["$defs"][endpoint.query.__name__]
        required = schema.get("required", [])
        parameters += [_word(name, of, name in required) for name, of in schema["properties"].items()]
    return parameters


def _word(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:  # noqa: FBT001 - a field of the document
    of = {key: value for key, value in schema.items() if key != "description"}
    word = {"name": name, "in": "query", "required": required, "description": QUERY_WORDS[name], "schema": of}
    if of.get("type") == "array":
        word |= {"style": "form", "explode": name == "series"}  # a=1&a=2, and else a=1,2
    return word


def _success(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answer is None:
        content: dict[str, Any] = {"schema": {"type": "string"}}
    elif endpoint.answer is dict:
        content = {"schema": {"type": "object"}}
    else:
        content = {"schema": _reference(endpoint.answer)}
        if endpoint.answer.__name__ in ANSWERS:
            content["example"] = ANSWERS[endpoint.answer.__name__]
    return {"description": endpoint.summary, "headers": _header_names(200), "content": {endpoint.media: content}}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _reference(Problem)}}
    return {"description": REFUSALS[status], "headers": _header_names(status), "content": content}


def _header_names(status: int) -> dict[str, Any]:
    names = ["X-Request-Id"] if status not in {408, 431} else []  # these may come before there is a request
    names += ["Retry-After"] if status in WITH_RETRY else []
    names += ["WWW-Authenticate"] if status == 401 else []
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _headers() -> dict[str, Any]:
    told = {
        "X-Request-Id": ("The id under which the log of the server knows the request.", "string"),
        "Retry-After": ("Seconds until it is worth coming again.", "integer"),
        "WWW-Authenticate": ("Bearer.", "string"),
    }
    return {name: {"description": words, "schema": {"type": kind}} for name, (words, kind) in told.items()}


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": REF.format(name=kind.__name__)}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with the words of the docstring where they belong: those under `Attributes:` at their properties."""
    words, _, attributes = inspect.cleandoc(schema.get("description", "")).partition("\n\nAttributes:\n")
    properties = dict(schema["properties"])
    for name, text in re.findall(r"^ {4}(\w+): (.*)$", attributes, flags=re.MULTILINE):
        properties[name] = {"description": text} | properties[name]
    return schema | {"description": words, "properties": properties}
