"""What both clients ask of httpx: one address, one key that is shown nowhere, and errors in words."""

import re
from typing import TypedDict
from urllib.parse import urlsplit

import httpx

from gatecast import __version__
from gatecast.client.calls import Lost, Reply
from gatecast.errors import OptionError
from gatecast.server.wire import MOST_OBSERVATIONS

_KEY = re.compile(r"[\x21-\x7e]+")
QUIET = 45.0  # seconds without a sign of life after which a stream is asked for anew; the server gives one every 15


class Connection(TypedDict):
    """The arguments of httpx.Client and httpx.AsyncClient."""

    base_url: str
    headers: dict[str, str]
    timeout: float


def connection(url: str, key: str | None, timeout: float) -> Connection:
    """The arguments of httpx for an address and a key.

    Raises:
        OptionError: the address is none, or the key cannot stand in a header.
    """
    if key is not None and not _KEY.fullmatch(key):  # the key is not shown: a message ends up in logs
        raise OptionError(
            "the key holds a blank or a letter that no key has. Give the one line that was printed with it."
        )
    headers = {"User-Agent": f"gatecast/{__version__}", "Accept": "application/json"}
    secret = {} if key is None else {"Authorization": f"Bearer {key}"}
    return {"base_url": checked_address(url), "headers": headers | secret, "timeout": timeout}


def checked_address(url: str) -> str:
    """The address of a server, once it is known to be one.

    Raises:
        OptionError: it is no address of HTTP, or holds a password.
    """
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        whole = False
        parts = urlsplit("")
    if "@" in parts.netloc:
        raise OptionError("the address holds a user or a password, which servers of gatecast do not take. Use a key.")
    if not whole or parts.query or parts.fragment:
        raise OptionError(f"the address of a server looks like http://127.0.0.1:8080, got {url[:200]!r}.")
    return url


def checked_batch(batch: int) -> int:
    """How many observations go into one request.

    Raises:
        OptionError: the server takes no such number.
    """
    if not 1 <= batch <= MOST_OBSERVATIONS:
        raise OptionError(f"a request holds 1 to {MOST_OBSERVATIONS:,} observations, got batch={batch}.")
    return batch


def reply(response: httpx.Response) -> Reply:
    """An answer whose body has been read."""
    return Reply(response.status_code, response.headers, response.content)


def lost(url: str, error: httpx.RequestError) -> Lost:
    """Why there is no answer, in words."""
    untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
    lasting = isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
    why = f"{type(error).__name__}: {error}".rstrip(": ")
    advice = (
        "Set SSL_CERT_FILE to the certificate of its authority."
        if untrusted
        else "Check the address, and that the server runs."
    )
    return Lost(
        f"{url} does not answer: {why}. {advice}", untrusted or lasting or not isinstance(error, httpx.TransportError)
    )


def stream_timeout(timeout: float) -> httpx.Timeout:
    """A stream may be silent for longer than an answer may take."""
    return httpx.Timeout(timeout, read=max(timeout, QUIET))


def is_stream(response: httpx.Response) -> bool:
    """Whether an answer is a stream of events, and no refusal."""
    return response.status_code == 200 and response.headers.get("content-type", "").startswith("text/event-stream")
