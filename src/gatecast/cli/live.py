"""The commands of a live forecaster: serve it, make keys to it, send it a file."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from gatecast.cli.flags import StreamFlags, said
from gatecast.errors import InputError, MissingExtraError

Json = Annotated[bool, Parameter(negative=())]
Scopes = Annotated[list[Literal["read", "write"]] | None, Parameter(consume_multiple=True, negative=())]


def add_live_commands(app: App) -> None:
    """Put the commands beside the others."""
    app.command(serve)
    app.command(keys)
    app.command(observe)


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


def observe(  # noqa: PLR0913 - a command's parameters are its flags
    url: str,
    data: Path,
    /,
    *,
    series: str | None = None,
    time: str | None = None,
    target: str | None = None,
    speed: str = "0",
    batch: int | None = None,
    key_file: Path | None = None,
    forecast: Json = False,
    quiet: Json = False,
) -> None:
    """Send a file to a live server, row by row in the order of time; what was sent before counts once.

    Parameters
    ----------
    url
        The server, such as http://127.0.0.1:8080.
    data
        A CSV, TSV, Parquet or Arrow file; text may be gzip.
    series
        The column that tells series apart (default: guessed).
    time
        The time column (default: the column that parses as time; else rows are numbered).
    target
        The column to observe (default: that of the model's name; else the last numeric one).
    speed
        Rows a second, or a factor of real time such as 60x; 0 is as fast as it goes.
    batch
        Rows of one request (default: 100, or 1 where a speed is given).
    key_file
        A file with the key of the server; the key needs the scopes read and write.
    forecast
        Ask for forecasts of the series at the end.
    quiet
        No progress on stderr.
    """
    from gatecast.cli import show_live  # noqa: PLC0415 - polars is loaded when there is work
    from gatecast.client.replayed import ReplayOptions  # noqa: PLC0415
    from gatecast.client.replaying import observe_file  # noqa: PLC0415
    from gatecast.client.telling import Telling  # noqa: PLC0415

    options = ReplayOptions(series, time, target, speed, batch, key_file, forecast)
    with Telling(quiet=quiet) as told:
        replayed = observe_file(url, data, options, told)
    show_live.observed(replayed)
    if replayed.stopped:
        raise KeyboardInterrupt
    if replayed.refused:
        raise InputError(f"{replayed.refused:,} of {replayed.rows:,} rows were refused; mend the file, or its columns.")
