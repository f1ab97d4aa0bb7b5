"""Keys: who gets in, to do what, and what never leaves the server."""

import hashlib
import json
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gatecast.errors import OptionError
from gatecast.server.keys import NewKey, new_key, read_keys
from gatecast.server.options import ServeOptions
from http_clients import Called

READER, WRITER, BOTH = new_key("reader", ("read",)), new_key("writer", ("write",)), new_key("both", ("read", "write"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.write_text("\n".join(["# name scopes sha256", "", READER.line, WRITER.line, BOTH.line, ""]))
    return path


async def page(request: Request) -> PlainTextResponse:  # noqa: ARG001 - Starlette's signature
    return PlainTextResponse("page")


@pytest.fixture
def called(file: Path) -> Called:
    return Called(ServeOptions(keys=file, log="all"), [Route("/", page), Route("/static/page.js", page)])


def filled(text: str) -> str:
    """Tokens are random, and the names of tests are not."""
    return text.replace("TOKEN", READER.token).replace("LINE", READER.line)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_has_256_random_bits_and_the_file_only_its_hash() -> None:
    one, other = new_key("sensor", ("write",)), new_key("sensor", ("write",))
    assert one.token != other.token
    assert len(one.token.removeprefix("gc_")) == 43  # 32 bytes in base 64
    assert one.token not in one.line
    assert one.line == f"sensor write {hashlib.sha256(one.token.encode()).hexdigest()}"


def test_a_key_is_found_by_its_token_alone(file: Path) -> None:
    keys = read_keys(file)
    found = keys.find(WRITER.token.encode())
    assert found is not None
    assert (found.name, found.scopes) == ("writer", {"write"})
    assert keys.find(WRITER.token.encode() + b"x") is None
    assert keys.find(b"") is None
    assert keys.find(WRITER.line.split()[2].encode()) is None, "who steals the file has no key"


@pytest.mark.parametrize(
    ("key", "read", "write"), [(READER, 200, 403), (WRITER, 403, 200), (BOTH, 200, 200)], ids=["read", "write", "both"]
)
def test_a_key_does_what_its_scopes_say(called: Called, key: NewKey, read: int, write: int) -> None:
    headers = bearer(key.token)
    assert called.observe(**headers).status_code == write
    assert called.client.get("/v1/models", headers=headers).status_code == read
    asked = called.client.post("/v1/forecast", json={"series": ["plant/7"]}, headers=headers).status_code
    assert asked == {200: 200 if write == 200 else 404, 403: 403}[read]
    assert called.client.get("/metrics", headers=headers).status_code == read


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic TOKEN", "TOKEN", "Bearer TOKENx"],
)
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/openapi.json", "/v1/stream", "/nothing"])
def test_nobody_gets_in_without_a_key(called: Called, header: str | None, path: str) -> None:
    answer = called.client.get(path, headers={} if header is None else {"Authorization": filled(header)})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="gatecast"'
    assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_is_written_without_a_key(called: Called) -> None:
    assert called.observe().status_code == 401
    assert called.observe(**bearer(READER.token)).json()["detail"].startswith("The key 'reader' has no scope 'write'")
    assert called.live.accepted == 0


def test_health_and_the_page_are_open_to_all(called: Called) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/", "/static/page.js"):
        assert called.client.get(path).status_code == 200


def test_the_word_bearer_may_be_written_small(called: Called) -> None:
    answer = called.client.get("/v1/models", headers={"Authorization": f"bearer  {READER.token}"})
    assert answer.status_code == 200


def test_the_log_has_the_name_of_the_key_and_never_the_key(called: Called) -> None:
    called.client.get("/v1/models", headers=bearer(READER.token))
    called.client.get("/v1/models", headers=bearer("gc_wrong"))
    assert [line["key"] for line in called.log] == ["reader", None]
    text = json.dumps(called.log)
    assert READER.token not in text
    assert "gc_wrong" not in text


def test_with_keys_any_name_of_the_machine_may_be_called(called: Called) -> None:
    headers = bearer(READER.token) | {"Host": "forecasts.example:8443"}
    assert called.client.get("/v1/models", headers=headers).status_code == 200


def test_with_keys_a_page_of_another_site_is_refused_all_the_same(called: Called) -> None:
    assert called.observe(**bearer(WRITER.token), Origin="https://evil.example").status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "forecasts.example", ""])  # noqa: S104 - to be refused
def test_without_keys_no_other_machine_is_let_in(host: str, file: Path) -> None:
    with pytest.raises(OptionError, match="name it with --keys, or listen on"):
        ServeOptions(host=host)
    assert ServeOptions(host=host, keys=file).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_alone_needs_no_keys(host: str) -> None:
    assert ServeOptions(host=host).keys is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("laptop read", "line 1: a key is `name scopes sha256`, got 2 words"),
        ("LINE\nlap/top read " + "0" * 64, "line 2: a name is up to 64 letters"),
        ("laptop admin " + "0" * 64, "scopes are read, write or read,write, got 'admin'"),
        ("laptop read, " + "0" * 64, "scopes are read, write or read,write"),
        ("laptop read TOKEN", "64 hexadecimal digits in lower case, got 46 characters"),
        ("LINE\nLINE", "names 'reader' twice"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "keys.txt"
    path.write_text(filled(text))
    with pytest.raises(OptionError, match=words) as error:
        read_keys(path)
    assert READER.token not in str(error.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        Called(ServeOptions(keys=tmp_path / "none.txt"))


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "a\nb"])
def test_a_key_without_a_plain_name_is_not_made(name: str) -> None:
    with pytest.raises(OptionError, match="The name of a key is up to 64 letters"):
        new_key(name, ("read",))
