"""The OpenAPI document says what the server does: schemathesis calls it with data that fit and data that do not."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import msgspec
import schemathesis
from hypothesis import HealthCheck, settings

from gatecast.server import wire
from gatecast.server.endpoints import ANSWERS, ENDPOINTS
from gatecast.server.keys import new_key
from gatecast.server.openapi import document
from gatecast.server.options import ServeOptions
from gatecast.server.wire import ForecastRequest, ObserveRequest, Problem
from http_clients import Called

KEY = new_key("tests", ("read", "write"))
BEARER = {"Authorization": f"Bearer {KEY.token}"}


def called_with_key() -> Called:
    with TemporaryDirectory() as folder:
        path = Path(folder, "keys")
        path.write_text(KEY.line)
        return Called(ServeOptions(keys=path))


CALLED = called_with_key()
CONFIG = schemathesis.Config.from_dict(
    {
        # What fits the types may still be refused for what the series hold: a time that is none, a row that is known.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 404, 409, 422]}},
        "generation": {"deterministic": True},
    }
)
schema = schemathesis.openapi.from_asgi("/openapi.json", CALLED.app, headers=BEARER, config=CONFIG)


@schema.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:  # noqa: ARG001 - its signature
    """JSON Schema takes 3.0 for an integer; the server does not, and no schema can say so."""
    return whole(body)


def whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    return [whole(one) for one in value] if isinstance(value, list) else value


@schema.exclude(path="/v1/stream").parametrize()  # a stream has no end
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(case: schemathesis.Case) -> None:
    case.call_and_validate(headers=BEARER)


DOCUMENT: dict[str, Any] = json.loads(document())
OPERATIONS = [(path, method, one) for path, all_of in DOCUMENT["paths"].items() for method, one in all_of.items()]


def test_every_endpoint_is_in_the_document_and_every_route_is_an_endpoint() -> None:
    told = {(endpoint.path, endpoint.method) for endpoint in ENDPOINTS}
    assert {(path, method) for path, method, _ in OPERATIONS} == told
    router = CALLED.app._door._router
    served = {route.path_format for route in router.routes} | set(CALLED.app._door._calls)  # type: ignore[attr-defined]
    assert served == {path for path, _ in told}


def test_every_operation_has_a_name_of_its_own_and_examples_that_fit() -> None:
    names = [one["operationId"] for _, _, one in OPERATIONS]
    assert len(set(names)) == len(names)
    for _, _, one in OPERATIONS:
        for media in one.get("requestBody", {}).get("content", {}).values():
            kind = {"observe": ObserveRequest, "forecast": ForecastRequest}[one["operationId"]]
            assert msgspec.convert(media["example"], kind)
    for name, example in ANSWERS.items():
        assert msgspec.convert(example, getattr(wire, name))


def test_every_refusal_is_a_problem_and_every_answer_has_its_id() -> None:
    for path, method, one in OPERATIONS:
        for status, answer in one["responses"].items():
            if status == "200":
                assert "X-Request-Id" in answer["headers"]
                continue
            (media,) = answer["content"]
            assert media == "application/problem+json", (path, method, status)
            assert ("Retry-After" in answer["headers"]) == (status in {"429", "503"})


def test_only_health_needs_no_key() -> None:
    public = {path for path, _, one in OPERATIONS if one["security"] == []}
    assert public == {"/v2/health/live", "/v2/health/ready"}
    assert DOCUMENT["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, method, one in OPERATIONS:
        answer = CALLED.client.request(method.upper(), path)
        assert (answer.status_code == 401) == bool(one["security"]), path


def test_each_field_is_described_where_it_stands() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    card = schemas["ModelCard"]["properties"]
    assert all("description" in field for field in card.values())
    assert schemas["ModelCard"]["description"] == "The model that forecasts."
    assert set(schemas["Problem"]["properties"]) == set(Problem.__struct_fields__)


def test_the_examples_work_as_they_stand() -> None:
    called = called_with_key()
    for path in ("/v1/observe", "/v1/forecast"):
        example = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert called.client.post(path, json=example, headers=BEARER).status_code == 200
    (name,) = DOCUMENT["paths"]["/v1/series/{name}"]["get"]["parameters"][:1]
    assert called.client.get("/v1/series/" + quote(name["example"], safe=""), headers=BEARER).status_code == 200


def test_the_document_is_valid_openapi() -> None:
    schema.validate()
    assert DOCUMENT["openapi"].startswith("3.1")
