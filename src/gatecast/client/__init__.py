"""A live server from Python, whether one waits for answers or awaits them.

    from gatecast.client import Client

    with Client("http://127.0.0.1:8080") as client:
        client.observe("north", "2024-01-01T00:00:00", 12.5)
        print(client.forecast("north")[0].mean)

Its parts:

    plain.py       Client
    awaiting.py    AsyncClient: the same, awaited
    talks.py       what both say and understand: each operation as a conversation, without a network
    replaying.py   a file sent row by row, as `gatecast observe` does
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gatecast.errors import MissingExtraError

if TYPE_CHECKING:
    from gatecast.client.awaiting import AsyncClient
    from gatecast.client.plain import Client
    from gatecast.client.refusing import ClientError
    from gatecast.client.retrying import Retries

_HOMES = {
    "AsyncClient": "gatecast.client.awaiting",
    "Client": "gatecast.client.plain",
    "ClientError": "gatecast.client.refusing",
    "Retries": "gatecast.client.retrying",
}

__all__ = ["AsyncClient", "Client", "ClientError", "Retries"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module 'gatecast.client' has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "httpx":
            raise
        raise MissingExtraError("httpx", "serve", "gatecast.client") from error
