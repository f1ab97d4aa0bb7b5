"""What can be said about the server, defined once; the defaults are safe on a laptop."""

import ipaddress
from pathlib import Path
from typing import Literal

from msgspec import Struct

from gatecast.errors import OptionError


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """How much one client, and all of them together, may ask for.

    Attributes:
        body: bytes of one request's body.
        head: bytes of one request's line and headers.
        head_seconds: until a head has to be there.
        body_seconds: until a body has to be there.
        request_seconds: until a request has to be answered.
        stall_seconds: that a client may leave an answer unread without reading on.
        idle_seconds: that a connection is kept for the next request.
        stop_seconds: that running requests get when the server stops.
        connections: open at once.  Below the 1,024 open files that many systems allow a process.
        running: requests at once.
        listeners: of the stream of events at once.
        rate: requests a second of one key (of one address where there are no keys); None sets no limit.
        burst: requests that may come at once before the rate counts.
        clients: whose rates are remembered; the one that was quiet for longest is forgotten first.
    """

    body: int = 8 * 2**20
    head: int = 16 * 2**10
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    request_seconds: float = 30.0
    stall_seconds: float = 30.0
    idle_seconds: int = 60
    stop_seconds: int = 20
    connections: int = 800
    running: int = 512
    listeners: int = 64
    rate: float | None = None
    burst: int = 100
    clients: int = 10_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"limits.{name} is a number above 0, got {value}.")


class ServeOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the server listens, and whom it lets in.

    Attributes:
        host: the address to listen on; anything but this machine's own needs keys.
        port: 0 takes any that is free.
        keys: the file of API keys (see `keys.py`); None lets everybody on this machine in.
        limits: how much may be asked for.
        log: whether requests that went well are logged too; those that did not always are.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    keys: Path | None = None
    limits: Limits = Limits()
    log: Literal["errors", "all"] = "errors"

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise OptionError(f"port is a number from 0 to 65535, got {self.port}.")
        if self.log not in {"errors", "all"}:
            raise OptionError(f"log is errors or all, got {self.log!r}.")
        if self.keys is None and not is_loopback(self.host):
            raise OptionError(
                f"host={self.host!r} lets other machines in, and without keys each of them could read and write. "
                "Make a file of keys and name it with --keys, or listen on 127.0.0.1."
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
