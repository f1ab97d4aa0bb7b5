"""The commands of a live forecaster: serve, and the keys of those who may ask."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from gatecast.cli.flags import StreamFlags, said
from gatecast.errors import MissingExtraError

Scopes = Annotated[list[Literal["read", "write"]] | None, Parameter(consume_multiple=True, negative=())]


def add_live_commands(app: App) -> None:
    """Put the commands beside the others."""
    app.command(serve)
    app.command(keys)


def serve(  # noqa: PLR0913 - a command's parameters are its flags, grouped in values
    run: Path,
    /,
    *,
    data: str | None = None,
    keep_days: float | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    keys: Path | None = None,
    log: Literal["errors", "all"] = "errors",
    stream: StreamFlags | None = None,
) -> None:
    """Serve live forecasts over HTTP, with a page; no observation that was accepted is lost.

    Parameters
    ----------
    run
        A run folder or a model folder.
    data
        The folder of the observations, or postgresql://... (default: RUN/live).
    keep_days
        How long observations are kept once a snapshot has seen them (default: for ever).
    host
        The address to listen on; anything but this machine's own needs --keys.
    port
        0 takes any that is free.
    keys
        The file of API keys; `gatecast keys` makes its lines.
    log
        Which requests are logged on stderr: errors, or all.
    """
    if any(find_spec(package) is None for package in ("starlette", "uvicorn")):
        raise MissingExtraError("starlette", "serve", "gatecast serve")
    from gatecast.server.options import ServeOptions  # noqa: PLC0415 - torch is loaded when there is work
    from gatecast.server.starting import Kept, serve_run  # noqa: PLC0415
    from gatecast.streaming import StreamOptions  # noqa: PLC0415

    options = ServeOptions(host=host, port=port, keys=keys, log=log)
    serve_run(run, Kept(data, keep_days), StreamOptions(**said(stream)), options)


def keys(name: str, /, *, scopes: Scopes = None) -> None:
    """Make an API key: the token on stderr, shown once, and its line for the file of keys on stdout.

    Parameters
    ----------
    name
        As the log will have it.
    scopes
        What the key may do: read, write (default: both).
    """
    from gatecast.cli import show_live  # noqa: PLC0415
    from gatecast.server.keys import new_key  # noqa: PLC0415

    show_live.key(new_key(name, tuple(scopes or ("read", "write"))))
