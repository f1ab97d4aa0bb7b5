"""Stopping: what was begun is answered, nothing new is begun, and nobody holds the end up."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from http_clients import BODY, FOLDER, Server, post, read_answer, running, status


def wait_until_waiting(server: Server, number: int) -> None:
    deadline = time.monotonic() + 10
    while f"gatecast_waiting {number}\n".encode() not in server.get("/metrics"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begin(server: Server, series: int) -> socket.socket:
    connection = server.connect()
    connection.sendall(post(BODY.replace(b"plant/7", b"plant/%d" % series)))
    return connection


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_requests_are_answered_and_the_exit_is_clean(number: signal.Signals) -> None:
    with running(mode="slow") as server:
        connections = [begin(server, series) for series in range(5)]
        wait_until_waiting(server, 5)
        server.process.send_signal(number)
        answers = [read_answer(connection) for connection in connections]
        assert [status(answer) for answer in answers] == [200] * 5
        output, errors = server.process.communicate(timeout=30)
    assert server.process.returncode == 0
    assert output == "stopped with 5 observations\n", "stop() comes after the last request"
    assert errors == ""


def test_nobody_new_is_let_in_while_the_rest_is_answered() -> None:
    with running(mode="slow") as server:
        connection = begin(server, 1)
        wait_until_waiting(server, 1)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert status(read_answer(connection)) == 200
        assert server.process.wait(timeout=30) == 0


def test_listeners_idle_connections_and_half_a_request_do_not_hold_the_end_up() -> None:
    with running() as server:
        listeners = [server.connect() for _ in range(3)]
        for listener in listeners:
            listener.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"text/event-stream" in listener.recv(4096)
        idle, half = server.connect(), server.connect()
        half.sendall(b"GET / HTTP/1.1\r\nHo")
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 3
        for listener in listeners:
            data = b""
            while part := listener.recv(4096):
                data += part
            assert data.endswith(b"0\r\n\r\n"), "the stream was ended, not torn"
        assert idle.recv(1) == b""


def test_a_request_that_takes_too_long_is_sent_away_and_the_exit_is_clean() -> None:
    with running({"limits": {"stop_seconds": 1}}, mode="slow", SLOW_SECONDS="60") as server:
        connection = begin(server, 1)
        wait_until_waiting(server, 1)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        answer = read_answer(connection)
        assert status(answer) == 503
        assert b"retry-after: 1" in answer
        assert server.process.wait(timeout=30) == 0
        assert time.monotonic() - started < 10


def test_a_second_signal_ends_at_once() -> None:
    with running(mode="slow", SLOW_SECONDS="60") as server:
        begin(server, 1)
        wait_until_waiting(server, 1)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        started = time.monotonic()
        assert server.stop() == 128 + signal.SIGTERM
        assert time.monotonic() - started < 2


def test_a_port_in_use_is_an_error_of_one_line() -> None:
    with running() as server:
        options = f'{{"port":{server.port}}}'
        command = [sys.executable, str(FOLDER / "serve_double.py"), options]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {server.port}: Address already in use" in second.stderr
    assert "Name another --port" in second.stderr


def test_it_listens_on_ipv6_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    command = [sys.executable, str(FOLDER / "serve_double.py"), '{"port":0,"host":"::1"}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("Listening on http://[::1]:")
            with socket.create_connection(("::1", int(line.rpartition(":")[2])), timeout=10) as connection:
                connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: [::1]\r\n\r\n")
                assert status(read_answer(connection)) == 200
        finally:
            process.terminate()
