"""Each endpoint and each refusal of the HTTP side, around a forecaster in memory."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Mount, Route, Router
from starlette.types import Message

from gatecast.errors import ColumnError, OptionError, TimeError
from gatecast.server.headers import HTML_POLICY
from gatecast.server.options import Limits, ServeOptions
from gatecast.server.refusals import BusyError, FullDiskError
from gatecast.server.stream import Stream
from gatecast.server.wire import Problem
from http_clients import BODY, HOUR, OBSERVED, RUNNER, Called, Server, post, running, status
from live_double import LiveDouble

SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY"}


@pytest.fixture
def called() -> Called:
    return Called()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running({"limits": {"listeners": 2}}) as server:
        yield server


def assert_refused(answer: Any, expected: int, words: str) -> None:
    assert answer.status_code == expected
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == set(Problem.__struct_fields__)
    assert answer.json()["status"] == expected
    assert words in answer.json()["detail"]
    assert answer.json()["request"] == answer.headers["x-request-id"]
    assert SAFE.items() <= dict(answer.headers).items()


def test_observations_are_answered_with_their_number_and_forecast_from(called: Called) -> None:
    answer = called.observe()
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "repeated": False})
    asked = {"series": ["plant/7"], "horizon": 2, "quantiles": [0.1, 0.9]}
    posted = called.client.post("/v1/forecast", json=asked).json()["forecasts"]
    assert posted[0]["cutoff"] == HOUR
    assert posted[0]["mean"] == [1.5, 1.5]
    assert set(posted[0]["quantiles"]) == {"0.1", "0.9"}
    got = called.client.get("/v1/forecast?series=plant/7&horizon=2&quantiles=0.1,0.9")
    assert got.json()["forecasts"] == posted
    everything = called.client.get("/v1/forecast", params={"series": "plant/7"}).json()["forecasts"][0]
    assert len(everything["mean"]) == 24
    assert len(everything["quantiles"]) == 3


def test_an_observation_is_answered_only_after_it_was_taken(called: Called) -> None:
    async def ask() -> None:
        called.live.gate = asyncio.Event()
        answer = asyncio.ensure_future(called.client.waiting.post("/v1/observe", json=OBSERVED))
        while not called.live.waiting:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert not answer.done()
        called.live.gate.set()
        assert (await answer).status_code == 200

    RUNNER.run(asyncio.wait_for(ask(), 10))


def test_a_repeated_key_counts_once_and_with_other_observations_is_a_conflict(called: Called) -> None:
    key = {"Idempotency-Key": "sensor-1"}
    assert called.observe(**key).json() == {"accepted": 1, "repeated": False}
    assert called.observe(**key).json() == {"accepted": 1, "repeated": True}
    assert called.live.accepted == 1
    assert_refused(called.observe({"observations": [{"series": "a", "ds": 1}]}, **key), 409, "another request")


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "tab\there"])
def test_a_key_that_is_no_visible_ascii_is_refused(called: Called, key: str) -> None:
    assert_refused(called.observe(**{"Idempotency-Key": key}), 400, "visible ASCII")
    assert called.live.accepted == 0


def test_a_request_is_taken_whole_or_not_at_all(called: Called) -> None:
    rows = [{"series": "a", "ds": 1, "y": 1.0}, {"series": "a", "ds": 1, "y": 2.0}]
    assert_refused(called.observe({"observations": rows}), 422, "Row 1: 'a' has 1 already")
    assert called.live.accepted == 0


def test_series_come_in_pages_in_the_order_of_their_names(called: Called) -> None:
    for name in "cab":
        called.observe({"observations": [{"series": name, "ds": HOUR, "y": 1.0}]})
    first = called.client.get("/v1/series?limit=2").json()
    assert [one["series"] for one in first["series"]] == ["a", "b"]
    assert (first["total"], first["next"]) == (3, "b")
    last = called.client.get("/v1/series", params={"limit": 2, "after": first["next"]}).json()
    assert [one["series"] for one in last["series"]] == ["c"]
    assert last["next"] is None
    assert called.client.get("/v1/series?match=a").json()["total"] == 1


@pytest.mark.parametrize(
    "name", ["plant/7", "Zürich ☃", "a%2Fb", "line\nbreak", "../../etc/passwd", "a?b#c", "/", "\x00"]
)
def test_any_name_finds_its_history(called: Called, name: str) -> None:
    called.observe({"observations": [{"series": name, "ds": HOUR, "y": 1.0}, {"series": name, "ds": "2025-01-01"}]})
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    answer = called.client.get(f"/v1/series/{encoded}?rows=1").json()
    assert answer["summary"]["series"] == name
    assert answer["summary"]["rows"] == 2
    assert answer["ds"] == ["2025-01-01T00:00:00"]


def test_the_model_is_told(called: Called) -> None:
    assert [model["name"] for model in called.client.get("/v1/models").json()["models"]] == ["gru"]


def test_health_is_ready_only_while_requests_are_taken(called: Called) -> None:
    assert called.client.get("/v2/health/live").json() == {"live": True}
    assert called.client.get("/v2/health/ready").json() == {"ready": True}
    called.live.ready = False
    assert called.client.get("/v2/health/live").status_code == 200
    answer = called.client.get("/v2/health/ready")
    assert_refused(answer, 503, "Not ready")
    assert answer.headers["retry-after"] == "1"
    called.live.ready = True
    called.app.stopping.set()
    assert called.client.get("/v2/health/ready").status_code == 503


def test_metrics_count_by_route_and_status_and_tell_of_the_forecaster(called: Called) -> None:
    called.observe()
    called.observe()
    called.client.get("/v1/series/plant%2F7")
    answer = called.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert 'gatecast_http_requests_total{route="/v1/observe",status="200"} 1' in lines
    assert 'gatecast_http_requests_total{route="/v1/observe",status="422"} 1' in lines
    assert 'gatecast_http_requests_total{route="/v1/series/{name}",status="200"} 1' in lines
    assert 'gatecast_http_request_seconds_bucket{route="/v1/observe",le="+Inf"} 2' in lines
    assert 'gatecast_http_request_seconds_count{route="/v1/observe"} 2' in lines
    assert "gatecast_observations_total 1" in lines
    for line in lines:
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2
        assert line.startswith("# ") or float(line.rsplit(" ", 1)[1]) >= 0


def test_no_client_can_make_the_metrics_grow(called: Called) -> None:
    called.client.get("/nothing")
    called.client.request("BREW", "/v1/observe")
    called.client.get("/v1/series/unknown")
    before = len(called.client.get("/metrics").text.splitlines())
    called.client.get("/metrics")
    settled = len(called.client.get("/metrics").text.splitlines())
    for number in range(50):
        called.client.get(f"/nothing/{number}?{number}")
        called.client.get(f"/v1/series/unknown-{number}")
        called.client.request(f"BREW{number}", "/v1/observe", headers={"X-Request-Id": f"id-{number}"})
    assert len(called.client.get("/metrics").text.splitlines()) == settled
    assert settled > before  # it counts itself, but once


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `observations`"),
        (b'{"observations":[]}', "length >= 1"),
        (b'{"observations":[{"series":"a","ds":1},{"series":7,"ds":1}]}', "$.observations[1].series"),
        (b'{"observations":[{"series":"a","ds":1,"z":2}]}', "unknown field `z`"),
        (b'{"observations":[{"series":"","ds":1}]}', "$.observations[0].series"),
        (b'{"observations":[{"series":"a","ds":true}]}', "$.observations[0].ds"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_where_it_does_not(called: Called, body: bytes, words: str) -> None:
    answer = called.client.post("/v1/observe", content=body, headers={"Content-Type": "application/json"})
    assert_refused(answer, 400, words)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/forecast", "missing required field `series`"),
        ("/v1/forecast?series=a&series=b", "has 'series' twice"),
        ("/v1/forecast?series=a&horizon=0", "$.horizon"),
        ("/v1/forecast?series=a&horizon=many", "$.horizon"),
        ("/v1/forecast?series=a&quantiles=0.1,2", "$.quantiles[1]"),
        ("/v1/forecast?series=a&quantiles=nan", "$.quantiles[0]"),
        ("/v1/forecast?series=%FF", "percent-encoded UTF-8"),
        ("/v1/forecast?series=a&color=red", "unknown field `color`"),
        ("/v1/series?limit=1001", "$.limit"),
        ("/v1/series?limit=0", "$.limit"),
        ("/v1/series/a?rows=-1", "$.rows"),
        ("/v1/stream?series=", "$.series[0]"),
        ("/v1/models?all=1", "unknown field `all`"),
        ("/v1/series?" + "&".join(f"a{i}=1" for i in range(2000)), "cannot be read"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_where_it_does_not(called: Called, path: str, words: str) -> None:
    assert_refused(called.client.get(path), 400, words)


def test_unknown_series_and_paths_are_not_found(called: Called) -> None:
    assert_refused(called.client.get("/v1/forecast?series=nobody"), 404, "'nobody'")
    assert_refused(called.client.get("/v1/series/nobody"), 404, "'nobody'")
    assert_refused(called.client.get("/v1/series/" + "x" * 513), 404, "at most 512")
    for path in ("/", "/v1", "/v1/series/", "/v1/observe/", "/V1/observe", "//v1/observe", "/static/x"):
        assert_refused(called.client.get(path), 404, "/openapi.json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/observe", "POST"),
        ("HEAD", "/v1/observe", "POST"),
        ("DELETE", "/v1/forecast", "GET, HEAD, POST"),
        ("POST", "/v1/series", "GET, HEAD"),
        ("PUT", "/v1/series/a/b", "GET, HEAD"),
        ("POST", "/v1/stream", "GET, HEAD"),
        ("PATCH", "/metrics", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(called: Called, method: str, path: str, allowed: str) -> None:
    answer = called.client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    options = called.client.request("OPTIONS", path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, allowed, b"")


def test_head_has_the_headers_of_get_and_no_body(called: Called) -> None:
    called.observe()
    for path in ("/v1/forecast?series=plant/7", "/v1/models", "/v2/health/live"):
        head, got = called.client.request("HEAD", path), called.client.get(path)
        assert head.status_code == 200
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_only_json_is_taken_so_that_no_form_of_another_site_gets_through(called: Called, media: str) -> None:
    answer = called.client.post("/v1/observe", content=BODY, headers={"Content-Type": media})
    assert_refused(answer, 415, "application/json")
    assert called.live.accepted == 0


def test_json_may_name_its_charset(called: Called) -> None:
    media = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert called.client.post("/v1/observe", content=BODY, headers=media).status_code == 200


def test_a_body_above_the_limit_is_refused_before_it_is_read() -> None:
    called = Called(ServeOptions(limits=Limits(body=100)))
    answer = called.observe({"observations": [{"series": "a" * 100, "ds": 1}]})
    assert_refused(answer, 413, "at most 100 bytes")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("error", "expected", "headers"),
    [
        (ColumnError("Column 'z' is unknown."), 422, {}),
        (TimeError("Not hourly."), 422, {}),
        (OptionError("horizon=48 is too far."), 422, {}),
        (BusyError("Too many wait.", after=7), 503, {"retry-after": "7"}),
        (FullDiskError("The disk is full."), 507, {}),
    ],
)
def test_a_refusal_of_the_forecaster_is_passed_on_as_it_is(
    called: Called, error: Exception, expected: int, headers: dict[str, str]
) -> None:
    called.live.error = error
    answer = called.observe()
    assert_refused(answer, expected, str(error))
    assert answer.json()["detail"] == str(error)
    assert headers.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("error", [ValueError("secret \ud800"), TimeoutError("secret"), RecursionError("secret")])
def test_what_nobody_expected_is_in_the_log_and_not_in_the_answer(called: Called, error: Exception) -> None:
    called.live.error = error
    answer = called.observe(**{"X-Request-Id": "mine.1"})
    assert_refused(answer, 500, "not your fault")
    assert "secret" not in answer.text
    failure, request = called.log
    assert failure["request"] == request["request"] == "mine.1"
    assert "live_double.py" in failure["traceback"]
    assert "secret" in failure["traceback"]
    assert (request["status"], request["route"], request["level"]) == (500, "/v1/observe", "error")


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    called = Called(ServeOptions(limits=Limits(request_seconds=0.2)))
    called.live.gate = asyncio.Event()
    assert_refused(called.observe(), 504, "same Idempotency-Key")
    assert called.live.waiting == 0
    called.live.gate = None
    assert called.observe().status_code == 200


def test_a_request_keeps_its_own_id_only_if_it_is_plain(called: Called) -> None:
    assert (
        called.client.get("/v2/health/live", headers={"X-Request-Id": "abc-1.x_Y"}).headers["x-request-id"]
        == "abc-1.x_Y"
    )
    given = ["", "a b", "x" * 65, "ü", "a\tb", '"}']
    made = {called.client.get("/nope", headers={"X-Request-Id": one.encode()}).headers["x-request-id"] for one in given}
    assert len(made) == len(given)
    assert made.isdisjoint(given)


def test_the_log_has_one_line_of_json_for_each_refusal_and_no_body(called: Called) -> None:
    called.observe()
    assert called.log == []
    called.observe({"observations": [{"series": "private", "ds": "private"}]})
    (line,) = called.log
    expected = {"method": "POST", "route": "/v1/observe", "status": 422, "level": "warning", "client": "192.0.2.1"}
    assert expected.items() <= line.items()
    assert line["key"] is None
    assert line["ms"] >= 0
    assert line["time"].endswith("+00:00")
    assert "private" not in json.dumps(line)


def test_all_requests_are_logged_if_asked() -> None:
    called = Called(ServeOptions(log="all"))
    called.observe()
    called.client.get("/v1/models")
    assert [(line["route"], line["status"]) for line in called.log] == [("/v1/observe", 200), ("/v1/models", 200)]


def test_a_log_that_nobody_reads_stops_nothing(called: Called) -> None:
    called._log.close()
    assert called.client.get("/nope").status_code == 404


def test_a_page_has_a_policy_under_which_no_foreign_script_runs() -> None:
    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001 - Starlette's signature
        return HTMLResponse("<p>hello</p>")

    called = Called(routes=[Route("/", page)])
    answer = called.client.get("/")
    assert answer.text == "<p>hello</p>"
    assert answer.headers["content-security-policy"] == HTML_POLICY.decode()
    assert "default-src 'none';" in HTML_POLICY.decode()
    assert SAFE.items() <= dict(answer.headers).items()
    assert 'route="/",status="200"' in called.client.get("/metrics").text
    assert "content-security-policy" not in called.client.get("/v1/models").headers


def test_files_are_counted_together_under_their_folder() -> None:
    async def script(request: Request) -> HTMLResponse:  # noqa: ARG001 - Starlette's signature
        return HTMLResponse("")

    called = Called(routes=[Mount("/static", app=Router([Route("/{name}", script)]))])
    for name in ("a.js", "b.js"):
        assert called.client.get(f"/static/{name}").status_code == 200
    assert called.client.get("/static/c/d.js").status_code == 404
    text = called.client.get("/metrics").text
    assert 'gatecast_http_requests_total{route="/static/",status="200"} 2' in text
    assert ".js" not in text


def test_an_answer_that_fails_half_way_is_broken_off_and_told_in_the_log() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("no second")

    async def broken(request: Request) -> StreamingResponse:  # noqa: ARG001 - Starlette's signature
        return StreamingResponse(parts(), media_type="text/plain")

    called = Called(routes=[Route("/", broken)])
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    RUNNER.run(called.app(scope, receive, send))
    assert [message.get("body") for message in sent] == [None, b"first"]
    assert sent[-1]["more_body"], "nobody takes it for whole"
    failure, request = called.log
    assert "no second" in failure["traceback"]
    assert request["status"] == 500


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "evil.example:8080"]
)
def test_a_name_that_was_bent_to_this_machine_is_refused(called: Called, host: str) -> None:
    assert_refused(called.client.get("/v1/models", headers={"Host": host}), 403, "Host header")
    assert called.client.get("/v2/health/live", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "[::1]"])
def test_this_machines_own_names_are_served(called: Called, host: str) -> None:
    assert called.client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "http://[bad"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_can_neither_write_nor_ask(called: Called, headers: dict[str, str]) -> None:
    assert_refused(called.observe(**headers), 403, "own page")
    assert_refused(called.client.get("/v1/stream", headers=headers), 403, "own page")
    assert called.live.accepted == 0


def test_our_own_page_may_write(called: Called) -> None:
    assert called.observe(**{"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}).status_code == 200


def listen(server: Server, query: str = "") -> socket.socket:
    connection = server.connect()
    connection.sendall(f"GET /v1/stream{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        part = connection.recv(4096)
        assert part, data
        data += part
    return data


def observe(server: Server, series: str, hour: int) -> None:
    body = json.dumps({"observations": [{"series": series, "ds": hour, "y": 2.0}]}).encode()
    assert status(server.ask(post(body))) == 200


def test_the_stream_tells_each_observation_of_the_series_asked_for_once(server: Server) -> None:
    with listen(server, "?series=s1&series=s2") as connection:
        head = read_until(connection, b"retry: 2000\n\n")
        assert b"content-type: text/event-stream" in head
        observe(server, "s0", 1)
        observe(server, "s1", 1)
        observe(server, "s2", 1)
        told = read_until(connection, b'"s2"')
    assert b'"s0"' not in told
    assert told.index(b"id: 1\n") < told.index(b'"s1"') < told.index(b"id: 2\n") < told.index(b'"s2"')
    line = next(line for line in told.splitlines() if line.startswith(b"data: "))
    assert json.loads(line.removeprefix(b"data: "))["y"] == 2.0


def test_listeners_are_bounded_and_make_room_when_they_go(server: Server) -> None:
    wait_for_listeners(server, 0)
    held = [listen(server), listen(server)]
    wait_for_listeners(server, 2)
    with listen(server) as third:
        answer = read_until(third, b"}")
        assert status(answer) == 503
        assert b"retry-after: 10" in answer
    for connection in held:
        connection.close()
    wait_for_listeners(server, 0)
    with listen(server) as again:
        read_until(again, b"retry: 2000\n\n")


def wait_for_listeners(server: Server, number: int) -> None:
    deadline = time.monotonic() + 10
    while f"gatecast_subscribers {number}\n".encode() not in server.get("/metrics"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_head_of_the_stream_ends(called: Called) -> None:
    answer = called.client.request("HEAD", "/v1/stream")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"


def test_a_silent_stream_shows_that_it_lives_and_ends_with_the_server() -> None:
    async def listen_to() -> list[bytes]:
        live, stopping, parts = LiveDouble(), asyncio.Event(), list[bytes]()

        async def send(message: Message) -> None:
            parts.append(message.get("body", b""))
            if parts.count(b": still here\n\n") == 2:
                stopping.set()

        async def receive() -> Message:
            return await asyncio.get_running_loop().create_future()

        stream = Stream(live, stopping, listeners=1, heartbeat=0.01)
        await stream({"type": "http", "method": "GET", "query_string": b""}, receive, send)
        assert not live.listeners, "nobody is left behind"
        return parts

    parts = RUNNER.run(asyncio.wait_for(listen_to(), 10))
    assert parts == [b"", b"retry: 2000\n\n", b": still here\n\n", b": still here\n\n", b""]
