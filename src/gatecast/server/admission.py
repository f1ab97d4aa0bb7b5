"""Who may ask for what: the name that was called, the page that sent the request, the key, and how often it came."""

import ipaddress
import time
from urllib.parse import urlsplit

from gatecast.server.keys import Key, Keys, read_keys
from gatecast.server.limiting import RateLimit
from gatecast.server.options import ServeOptions
from gatecast.server.problems import RequestError
from gatecast.server.visits import Visit

PUBLIC = ("/static/", "/v2/health/")
WRITING = frozenset({"/v1/observe"})
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
ASK_FOR_KEY = [("www-authenticate", 'Bearer realm="gatecast"')]


class Admission:
    """Lets a request in, or says why not."""

    def __init__(self, options: ServeOptions) -> None:
        limits = options.limits
        self._keys: Keys | None = read_keys(options.keys) if options.keys is not None else None
        host = f"[{options.host}]" if ":" in options.host else options.host
        self._names = LOCAL_NAMES | {host.lower()}
        self._limit = None if limits.rate is None else RateLimit(limits.rate, limits.burst, limits.clients)

    def admit(self, visit: Visit) -> None:
        """Let a request in.

        Raises:
            RequestError: 401, 403 or 429.
        """
        if self._keys is None:
            self._check_name(visit)
        if visit.path == "/" or visit.path.startswith(PUBLIC):
            return
        _check_page(visit)
        if self._keys is not None:
            visit.key = self._find_key(visit, self._keys)
        self._check_rate(visit)
        if self._keys is not None:
            _check_scope(visit)

    def _check_name(self, visit: Visit) -> None:
        """A page of an attacker whose name leads to 127.0.0.1 is of our own origin to a browser, but for the name.

        With keys this is no danger, because that page has none.
        """
        called = visit.headers.get(b"host", b"").decode("latin-1").lower()
        if _without_port(called) not in self._names:
            names = ", ".join(sorted(self._names))
            raise RequestError(403, f"Without keys, this server answers to {names}; the Host header had {called!r}.")

    def _find_key(self, visit: Visit, keys: Keys) -> Key | None:
        scheme, _, token = visit.headers.get(b"authorization", b"").partition(b" ")
        return keys.find(token.strip()) if scheme.lower() == b"bearer" else None

    def _check_rate(self, visit: Visit) -> None:
        """Requests with a wrong key count for their address, so that guessing is slow."""
        if self._limit is None:
            return
        client = f"key {visit.key.name}" if visit.key else _network(visit.address)
        wait = self._limit.wait(client, time.monotonic())
        if wait:
            message = f"Too many requests of one client; wait {wait} s, or send more observations in one request."
            raise RequestError(429, message, [("retry-after", str(wait))])


def _check_scope(visit: Visit) -> None:
    if visit.key is None:
        raise RequestError(
            401, "Expected the header `Authorization: Bearer KEY` with a key of this server.", ASK_FOR_KEY
        )
    scope = "write" if visit.path in WRITING else "read"
    if scope not in visit.key.scopes:
        raise RequestError(403, f"The key {visit.key.name!r} has no scope {scope!r}; ask with one that has.")


def _check_page(visit: Visit) -> None:
    """Browsers say which page sent a request; only our own may."""
    if visit.headers.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}:
        raise RequestError(403, "A page of another site sent this request; only the server's own page may.")
    origin = visit.headers.get(b"origin")
    if origin is not None and not _is_own(origin, visit.headers.get(b"host", b"")):
        raise RequestError(403, "The Origin header names another site; only the server's own page may send requests.")


def _is_own(origin: bytes, host: bytes) -> bool:
    """Whether an origin has the host that was called; the scheme may differ behind a proxy that ends TLS."""
    try:
        return urlsplit(origin.decode("latin-1")).netloc.lower() == host.decode("latin-1").lower() != ""
    except ValueError:
        return False


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _network(address: str) -> str:
    """The address; of IPv6 the /64, because whoever has one address there has all of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))
