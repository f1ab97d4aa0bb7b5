"""A file sent to a live server row by row: `gatecast observe`.

Each block of rows carries a key that follows from the file and the block's place in it, so that a file that is sent
again, after a break or by mistake, counts once.
"""

import time
from contextlib import closing
from pathlib import Path

from gatecast.client import Client  # from the package: without httpx this says which extra to install
from gatecast.client.filerows import FileRows, read_rows
from gatecast.client.pacing import Pace, parse_speed
from gatecast.client.refusing import ClientError
from gatecast.client.replayed import Replayed, ReplayOptions, Watcher
from gatecast.client.retrying import Retries
from gatecast.data.columns import TableOptions
from gatecast.errors import OptionError

PATIENT = Retries(attempts=10)  # three quarters of a minute on average: a server may start again meanwhile
BLOCK = 100  # rows, where a file is sent as fast as it goes


def observe_file(url: str, path: Path, options: ReplayOptions, watcher: Watcher) -> Replayed:
    """Send a file to a server, in the order of time across its series.

    A block that the server refuses for what is in it is counted, and the next one follows.  An interrupt (Ctrl-C) ends
    it: the same call later sends everything again, and what the server has already counts once.

    Args:
        url: where the server is.
        path: a CSV, TSV, Parquet or Arrow file.
        options: how it is sent.
        watcher: who is told how it goes.

    Raises:
        OptionError: an option cannot be.
        InputError: the file cannot be read, or lacks what the model reads.
        ClientError: the server refuses the key, or cannot be reached any more.
    """
    speed = parse_speed(options.speed)
    size = options.batch if options.batch is not None else BLOCK if speed.value == 0 else 1
    target = None if options.target is None else (options.target,)
    said = TableOptions(id=options.series, time=options.time, target=target)
    with closing(Client(url, read_key(options.key_file), batch=size, retries=PATIENT)) as client:
        rows, guesses = read_rows(path, said, client.model())
        watcher.guessed(guesses)
        replayed = Replayed(len(rows))
        _send_all(client, rows, Pace(speed, rows), size, replayed, watcher)
        if options.forecast and not replayed.stopped:
            replayed.forecasts = client.forecast(rows.names)
    return replayed


def _send_all(client: Client, rows: FileRows, pace: Pace, size: int, replayed: Replayed, watcher: Watcher) -> None:
    """Send block after block, and note what came of each."""
    began = time.monotonic()
    try:
        for start in range(0, len(rows), size):
            block = range(start, min(start + size, len(rows)))
            pace.wait(block)
            pace.sent(block, new=_send(client, rows, block, replayed))
            replayed.seconds = time.monotonic() - began
            watcher.moved(replayed)
    except KeyboardInterrupt:
        if replayed.sent < len(rows):
            replayed.stopped = rows.told(replayed.sent)
    except ClientError as error:
        place = f"{error.detail.rstrip('.')}. It stopped before {rows.told(replayed.sent)}."
        raise ClientError(place, error.status, error.request) from error


def _send(client: Client, rows: FileRows, block: range, replayed: Replayed) -> bool:
    """Send one block; whether it was new to the server."""
    repeated = False
    try:
        answer = client.observe_many(rows.observations(block), key=rows.key(block))
        repeated = answer.repeated
    except ClientError as error:
        if error.status != 422:
            raise
        replayed.refused += len(block)
        replayed.why = replayed.why or error.detail
    replayed.repeated += len(block) if repeated else 0
    replayed.sent = block.stop
    return not repeated


def read_key(path: Path | None) -> str | None:
    """The key in a file; None without a file.

    Raises:
        OptionError: there is no such file, or it holds more than one line.
    """
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"the key file {path} cannot be read: {type(error).__name__}. Write the key into it."
        ) from error
    if len(lines) != 1:
        raise OptionError(
            f"the key file {path} holds {len(lines)} words, and a key is one. Write the key alone into it."
        )
    return lines[0]
