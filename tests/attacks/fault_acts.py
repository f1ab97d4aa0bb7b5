"""What is done under faults, each in a process of its own; what takes time and writes nothing is stood in for."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import CDLL
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from gatecast import artifact
from gatecast.cli.app import main
from gatecast.data import partitioning
from gatecast.errors import GatecastError
from gatecast.server.store import Entry, Row, Snapshot
from gatecast.server.store.sqlite import SqliteStore
from gatecast.workflow import load
from gatecast.workflow.runs import model_folder

BATCH = 4  # rows of one append to the store
LAZY = ("scipy.stats", "matplotlib.figure", "gatecast.scale", "gatecast.tuning.searching")
STANDS = {
    "gatecast.reporting.pictures.draw": lambda _: {"data": None, "forecast": None},
    "gatecast.reporting.paper.png": lambda _: b"a picture" * 500,
    "gatecast.reporting.report.render": lambda _: "a page" * 500,
    "gatecast.tuning.page.render": lambda *_: "a page" * 500,
    "gatecast.workflow.telling._inside": lambda _: None,
}


def load_all() -> None:
    """What acts import where they use it, so that no trial has to."""
    torch.set_num_threads(1)
    for name in (*LAZY, *(stand.rpartition(".")[0] for stand in STANDS)):
        import_module(name)


@contextmanager
def quickly() -> Iterator[None]:
    """Nothing is drawn: pictures and pages are words."""
    with ExitStack() as stack:
        for name, stand in STANDS.items():
            stack.enter_context(patch(name, stand))
        yield


def command(_: CDLL, *arguments: str) -> int:
    """A command as it is typed."""
    with quickly():
        return main(list(arguments))


def save(_: CDLL, model: str, folder: str) -> int:
    """A model into a folder, which may hold another."""
    forecaster, about, calibration = artifact.load_all(model_folder(model))
    artifact.save(forecaster, folder, about, calibration)
    return 0


def partition(_: CDLL, *arguments: str) -> int:
    """Cut a table by way of spools, as one that is too large to wait in memory."""
    with patch.object(partitioning, "WAITING", 100):
        return main(["partition", *arguments])


def search(_: CDLL, fitted: str, *arguments: str) -> int:
    """A search whose trials take no time, and whose last fit is there already."""

    def train(_job: object, trial: Any, _settings: object) -> tuple[str, float]:
        trial.report(1.0, 100)
        return "", 1.0

    def fit_winner(*_: object) -> Any:
        return load(fitted)

    stands = patch("gatecast.tuning.working._train", train), patch("gatecast.tuning.searching.fit_winner", fit_winner)
    with quickly(), stands[0], stands[1]:
        return main(["tune", *arguments])


def observe(shim: CDLL, folder: str, rows: str) -> int:
    """Append to a store what is missing of its rows; after a refusal there is room again, and it goes on."""
    try:
        _observe(shim, Path(folder), int(rows))
    except GatecastError as error:
        _spare(shim, error)
        _observe(shim, Path(folder), int(rows))
        return 1
    return 0


def _observe(shim: CDLL, folder: Path, rows: int) -> None:
    with SqliteStore(folder, keep_days=0) as store:
        last = store.append([])
        while last < rows:
            entry = Entry([row(number) for number in range(last + 1, last + BATCH + 1)], f"key {last}", b"d")
            try:
                last = store.append([entry])
            except GatecastError as error:
                _spare(shim, error)
                last = store.append([entry])
            shim.faults_mark(str(last).encode())
            if last % (2 * BATCH) == 0 or last == rows:
                store.save(Snapshot("m", last, state(last)))
        if (newest := store.latest("m")) is None or newest.position < last:
            store.save(Snapshot("m", last, state(last)))


def _spare(shim: CDLL, error: GatecastError) -> None:
    sys.stderr.write(f"gatecast: {error}\n")
    shim.faults_spare()


def row(number: int) -> Row:
    """A row that tells where it stands."""
    return Row(f"s{number % 3}", number, (float(number),), {})


def state(position: int) -> bytes:
    """What a snapshot holds, after so many rows."""
    return f"{position} ".encode() * 300


def carelessly(_: CDLL, file: str) -> int:
    """A file written as one should not: what the tests find in it shows that they find things."""
    Path(file).write_bytes(b"new" * 1000)
    return 0
