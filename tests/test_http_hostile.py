"""What a hostile or broken client may send over a socket: it gets a 4xx or is cut off, and the next one is served."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from http_clients import BODY, Server, post, problem, read_answer, running, status

LIMITS = {"head_seconds": 1.0, "body_seconds": 1.0, "connections": 300, "idle_seconds": 2, "stall_seconds": 1.0}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running({"limits": LIMITS}) as server:
        yield server


@pytest.fixture(autouse=True)
def no_harm_is_done(server: Server) -> Iterator[None]:
    """After each of them an honest client is served, and nothing was unexpected."""
    yield
    assert server.is_well()
    assert b'status="500"' not in server.get("/metrics")


def row(**values: str) -> bytes:
    """A request of one observation from raw JSON."""
    fields = {"series": '"hostile"', "ds": "1", "y": "1.0"} | values
    inside = ",".join(f'"{name}":{value}' for name, value in fields.items())
    return f'{{"observations":[{{{inside}}}]}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        row(y="NaN"),
        row(y="Infinity"),
        row(y="-Infinity"),
        row(y="1e999"),
        row(y="1" * 5000),
        row(y="0x10"),
        row(y="1_000"),
        row(y="'1'"),
        row(ds="9" * 5000),
        row(ds="1e999"),
        row(ds="1.5"),
        row(ds="[" * 100_000),
        row(x='{"a":' * 100_000),
        row(z="[" * 100_000),
        b"[" * 1_000_000,
        b'{"observations":' * 100_000,
        b'{"a":' * 1_000_000,
        row(series=r'"\ud800"'),
        row(series=r'"\udc00\ud800"'),
        row(series=r'"a' + "\x00" + '"'),
        row(series='"' + "x" * 513 + '"'),
        row().replace(b"hostile", b"\xff\xfe"),
        row().replace(b"hostile", b"\xed\xa0\x80"),
        row().replace(b"hostile", b"\xc0\xaf"),
        row() + row(),
        row()[:-1],
        b"\xef\xbb\xbf" + row(),
        row().decode().encode("utf-16"),
        b"\x00" * 1000,
        b"null",
        b'{"observations":null}',
        b'{"observations":[null]}',
        b'{"observations":[' + b'{"series":"a","ds":1},' * 10_000 + b'{"series":"a","ds":1}]}',
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_body_that_no_forecaster_should_see_is_refused(server: Server, body: bytes) -> None:
    answer = server.ask(post(body))
    assert status(answer) == 400
    assert problem(answer)["status"] == 400
    assert len(answer) < 3000


def test_of_a_name_that_comes_twice_the_last_counts(server: Server) -> None:
    """JSON leaves it open; what matters is that all of the server reads one and the same value."""
    body = b'{"observations":[{"series":"twice-1","series":"twice-2","ds":1,"y":5.0}]}'
    assert status(server.ask(post(body))) == 200
    assert status(server.get("/v1/series/twice-2")) == 200
    assert status(server.get("/v1/series/twice-1")) == 404


def test_a_whole_number_beyond_64_bits_is_a_number(server: Server) -> None:
    assert status(server.ask(post(row(series='"big"', y=str(2**70))))) == 200
    assert problem(server.get("/v1/series/big"))["y"] == [2.0**70]
    assert status(server.ask(post(row(ds=str(2**70))))) == 422


def test_control_characters_in_a_name_stay_within_json(server: Server) -> None:
    assert status(server.ask(post(row(series=r'"\u0000\r\nX-Evil: 1\u001b[2J"')))) == 200
    answer = server.get("/v1/series/%00%0D%0AX-Evil:%201%1B%5B2J")
    assert status(answer) == 200
    assert b"\x1b" not in answer
    assert b"\r\nX-Evil" not in answer


def test_fifty_megabytes_are_refused_by_their_announcement_and_by_their_weight(server: Server) -> None:
    head = b"POST /v1/observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    announced = server.ask(head + b"Content-Length: 52428800\r\n\r\n")
    assert status(announced) == 413
    assert b"connection: close" in announced
    chunks = [b"100000\r\n" + b" " * 2**20 + b"\r\n"] * 50
    before = memory(server)
    assert status(server.ask(head + b"Transfer-Encoding: chunked\r\n\r\n", *chunks)) in {413, 0}
    assert memory(server) - before < 40 * 2**20


def memory(server: Server) -> int:
    """Resident bytes of the server."""
    with open(f"/proc/{server.process.pid}/statm") as file:  # noqa: PTH123 - a file of the kernel
        return int(file.read().split()[1]) * 4096


def test_a_body_of_one_byte_a_chunk_is_read_like_any_other(server: Server) -> None:
    body = row(series='"chunked"')
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    head = (
        b"POST /v1/observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    )
    assert status(server.ask(head + b"\r\n\r\n" + chunks)) == 200
    assert status(server.ask(head.replace(b"application/json", b"text/plain") + b"\r\n\r\n" + chunks)) == 415


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"1\nx"])
def test_chunks_that_lie_are_refused(server: Server, chunks: bytes) -> None:
    head = (
        b"POST /v1/observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    )
    assert status(server.ask(head + b"\r\n\r\n" + chunks)) == 400


def test_endless_extensions_and_trailers_of_chunks_are_cut_off(server: Server) -> None:
    head = (
        b"POST /v1/observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
    )
    piece = b"x" * 2**20
    before = memory(server)
    assert status(server.ask(head + b"\r\n\r\n1;", *[piece] * 60)) in {400, 413, 0}
    assert status(server.ask(head + b"\r\n\r\n0\r\nTrailer: ", *[piece] * 60)) in {400, 413, 0}
    assert memory(server) - before < 60 * 2**20


def test_a_length_that_promises_more_than_comes_is_waited_for_only_so_long(server: Server) -> None:
    started = time.monotonic()
    answer = server.ask(post(BODY).replace(b"Content-Length: ", b"Content-Length: 1"))
    assert status(answer) == 408
    assert 0.9 < time.monotonic() - started < 5


def test_a_client_that_promises_more_and_leaves_is_forgotten(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(post(BODY)[:-10])


def test_a_length_that_promises_less_than_comes_cuts_the_body_short(server: Server) -> None:
    short = post(BODY).replace(b"Content-Length: %d" % len(BODY), b"Content-Length: 10")
    assert status(server.ask(short)) == 400


@pytest.mark.parametrize(
    "length",
    [b"-1", b"1e3", b"0x10", b"+5", b"5, 5", b"5\r\nContent-Length: 6", b"99999999999999999999999", b"", b"\xb2"],
)
def test_a_length_that_is_no_number_is_refused(server: Server, length: bytes) -> None:
    head = b"POST /v1/observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    assert status(server.ask(head + length + b"\r\n\r\n12345")) in {400, 411}


def test_length_and_chunks_together_are_refused_because_two_readers_would_see_two_requests(server: Server) -> None:
    answer = server.ask(post(BODY, "/v1/observe", "Transfer-Encoding: chunked"))
    assert status(answer) == 400


def test_no_length_at_all_is_asked_for(server: Server) -> None:
    answer = server.ask(b"POST /v1/observe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n")
    assert status(answer) == 411


@pytest.mark.parametrize(
    "start", [b"", b"G", b"GET / HTTP/1.1\r\nHost: lo", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "]
)
def test_a_head_of_a_byte_at_a_time_is_cut_off(server: Server, start: bytes) -> None:
    started = time.monotonic()
    with server.connect(0.1) as connection:
        connection.sendall(start)
        answer = drip(connection, 15)
    assert time.monotonic() - started < 5
    assert status(answer) in {408, 400}


def test_a_body_of_a_byte_at_a_time_is_cut_off(server: Server) -> None:
    started = time.monotonic()
    with server.connect(0.1) as connection:
        connection.sendall(post(b" " * 1000)[:-1000])
        answer = drip(connection, 15)
    assert status(answer) == 408
    assert time.monotonic() - started < 5


def test_a_body_that_drips_on_after_its_refusal_is_not_listened_to_for_ever(server: Server) -> None:
    with server.connect(0.1) as connection:
        connection.sendall(post(b" " * 1000).replace(b"application/json", b"text/plain")[:-1000])
        started = time.monotonic()
        answer = drip(connection, 30, until_closed=True)
    assert status(answer) == 415
    assert time.monotonic() - started < 10


def test_line_breaks_between_requests_do_not_keep_a_connection_for_ever(server: Server) -> None:
    with server.connect(0.1) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        started = time.monotonic()
        drip(connection, 40, byte=b"\r\n", until_closed=True)
    assert time.monotonic() - started < 12


def drip(connection: socket.socket, pieces: int, byte: bytes = b"x", *, until_closed: bool = False) -> bytes:
    """Send a piece every third of a second; what was answered until then."""
    answer = b""
    for _ in range(pieces):
        try:
            connection.sendall(byte)
            time.sleep(0.3)
            part = connection.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return answer
        answer += part
        if not part or (answer and not until_closed):
            return answer
    pytest.fail(f"after {pieces} pieces the server still listens, and has said {answer!r}")


def test_two_hundred_idle_sockets_keep_nobody_out_and_are_closed(server: Server) -> None:
    idle = [server.connect() for _ in range(200)]
    assert server.is_well()
    assert status(server.ask(post(row(series='"busy"')))) == 200
    time.sleep(1.5)
    assert all(closes(connection) for connection in idle)


HEALTH = b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_the_oldest_sockets_that_never_asked_make_room_for_those_who_do(server: Server) -> None:
    with server.connect() as honest:
        honest.sendall(HEALTH)
        assert status(read_answer(honest)) == 200
        many = [server.connect() for _ in range(320)]
        assert server.is_well()
        assert {status(read_answer(connection)) for connection in many[:20]} == {503}
        many[-1].sendall(HEALTH)
        assert status(read_answer(many[-1])) == 200
        honest.sendall(HEALTH)
        assert status(read_answer(honest)) == 200
    for connection in many:
        connection.close()
    time.sleep(0.2)


def test_sockets_beyond_the_most_are_told_so_when_all_are_in_use(server: Server) -> None:
    many = [server.connect() for _ in range(300)]
    for connection in many:
        connection.sendall(HEALTH)
        assert status(read_answer(connection)) == 200
    with server.connect() as late:
        assert status(read_answer(late)) == 503
    for connection in many:
        connection.close()
    time.sleep(0.2)


def closes(connection: socket.socket) -> bool:
    """Whether the server has closed, perhaps after a last word."""
    with connection:
        connection.settimeout(3)
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
    return True


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Flood: " + b"x" * 2**20],
        [b"GET / HTTP/1.1\r\nHost: localhost\r\n", *[b"X-%d: y\r\n" % number for number in range(5000)]],
        [b"GET /" + b"a" * 2**20],
        [b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Flood: " + b"x" * 20_000 + b"\r\n\r\n"],
        [b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        [b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(2000)) + b"\r\n"],
    ],
    ids=["long value", "many", "long line", "long value at once", "long line at once", "many at once"],
)
def test_a_flood_of_headers_is_cut_off(server: Server, pieces: list[bytes]) -> None:
    assert status(server.ask(*pieces)) in {431, 0}


def test_the_size_of_a_head_is_told(server: Server) -> None:
    answer = server.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Flood: " + b"x" * 20_000 + b"\r\n\r\n")
    assert status(answer) == 431
    assert problem(answer)["title"] == "Request Header Fields Too Large"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\nb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX y: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n: 1\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"EVIL / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_no_request_is_refused(server: Server, head: bytes) -> None:
    assert 400 <= status(server.ask(head)) < 500


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.3"])
def test_no_other_protocol_is_spoken(server: Server, protocol: str) -> None:
    answer = server.ask(post(BODY, "/v1/models", "Connection: Upgrade", f"Upgrade: {protocol}"))
    assert status(answer) == 405


def test_a_client_that_asks_first_is_told_to_go_on_only_if_its_body_is_welcome(server: Server) -> None:
    body = row(series='"asks first"')
    head, _, _ = post(body, "/v1/observe", "Expect: 100-continue").partition(b"{")
    with server.connect() as connection:
        connection.sendall(head)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert status(read_answer(connection)) == 200
    assert status(server.ask(head.replace(b"application/json", b"text/plain"))) == 415


def test_a_line_break_in_an_id_reaches_neither_the_answer_nor_the_log(server: Server) -> None:
    answer = server.ask(b"GET /nope HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\tb\r\n\r\n")
    assert status(answer) == 404
    assert b"a\tb" not in answer
    encoded = server.get("/v1/series/%0d%0aX-Evil:%201?after=%0d%0aX-Evil:1")
    assert b"\r\nX-Evil" not in encoded


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2fetc%2fpasswd",
        "/v1/series/..%2f..%2f..%2fetc%2fpasswd",
        "/..%5c..%5cetc%5cpasswd",
        "/v2/health/../../v1/models",
        "/static/%00",
        "//etc/passwd",
    ],
)
def test_a_path_leads_nowhere_but_to_its_route(server: Server, path: str) -> None:
    answer = server.get(path)
    assert status(answer) == 404
    assert b"root:" not in answer


def test_a_client_that_does_not_read_is_cut_off(server: Server) -> None:
    """It asks for the same document again and again, and never takes an answer."""
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.2)
        assert is_cut_off(connection, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5)
    wait_for(server, 'route="/openapi.json",status="499"')


def is_cut_off(connection: socket.socket, requests: bytes) -> bool:
    """Whether the server closes soon on a client that goes on writing."""
    for _ in range(100):
        try:
            connection.sendall(requests)
        except TimeoutError:
            continue
        except ConnectionError:
            return True
        time.sleep(0.05)
    return False


def wait_for(server: Server, metric: str) -> None:
    deadline = time.monotonic() + 5
    while metric.encode() not in server.get("/metrics"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_client_that_reads_late_and_slowly_gets_everything(server: Server) -> None:
    """The answers wait in the server's memory, which pauses, and goes on when the client does."""
    rows = [{"series": f"late-{number}-{'x' * 400}", "ds": 1, "y": 1.0} for number in range(1000)]
    assert status(server.ask(post(json.dumps({"observations": rows}).encode()))) == 200
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"GET /v1/series?limit=1000&match=late HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        time.sleep(0.5)
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 20 or not data.endswith(b'"next":null}'):
            part = connection.recv(2**16)
            assert part, f"cut off after {len(data)} bytes"
            time.sleep(0.2 if len(data) < 2**20 else 0.0)  # slower than one answer in stall_seconds
            data += part
    assert data.count(b"late-999-") == 20


def test_a_million_requests_sent_ahead_take_no_memory(server: Server) -> None:
    before = memory(server)
    server.ask(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1_000_000)
    assert memory(server) - before < 40 * 2**20


def test_requests_in_one_piece_are_answered_in_their_order(server: Server) -> None:
    requests = b"".join(b"GET /v2/health/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path for path in (b"live", b"ready"))
    with server.connect() as connection:
        connection.sendall(requests)
        data = b""
        while b'"ready":true' not in data:
            data += connection.recv(65536)
    assert data.index(b'"live":true') < data.index(b'"ready":true')


def test_the_log_is_one_object_of_json_a_line_after_all_this() -> None:
    with running({"limits": LIMITS}) as server:
        server.get("/v1/series/%1b%0a%22%7d")
        server.ask(b"\x1b\n\r\n\r\n")
        server.ask(post(b"\xff\x1b"))
        server.process.terminate()
        _, errors = server.process.communicate(timeout=30)
    lines: list[dict[str, Any]] = [json.loads(line) for line in errors.splitlines()]
    assert [line.get("status") for line in lines if "status" in line] == [404, 400]
    assert all({"time", "level"} <= set(line) for line in lines)
