"""A process that writes is killed at any moment: what it acknowledged is there once, and nothing is there by halves."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from gatecast.server.store import StateStore
from gatecast.server.store.troubles import StoreError
from store_places import Place, place, postgres_server, postgres_url
from store_rows import everything

__all__ = ["place", "postgres_server", "postgres_url"]  # fixtures

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent by number")

ROUNDS = 10
# Batches of 1 to 9 rows whose values are their positions, a snapshot now and then; what is on disk is said.
WRITER = """
import sys
from gatecast.server.store import Entry, Row, Snapshot
from gatecast.server.store.opening import open_store
with open_store(sys.argv[1]) as store:
    last = store.append([])
    print(last, flush=True)
    while True:
        numbers = range(last + 1, last + 2 + last % 9)
        last = store.append([Entry([Row(f"s{n % 50}", n, (float(n),), {})], f"key {n}", b"d") for n in numbers])
        print(last, flush=True)
        if last % 10 == 0:
            store.save(Snapshot("m", last, str(last).encode() * 1000))
"""


def start(place: Place) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, place.where], stdout=subprocess.PIPE, text=True)


def kill(process: "subprocess.Popen[str]") -> int:
    """Kill at once; the last position that was acknowledged, -1 for none."""
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    whole = said[: said.rfind("\n") + 1].split()
    return int(whole[-1]) if whole else -1


@contextmanager
def opened(place: Place) -> Iterator[StateStore]:
    """The store; a PostgreSQL server takes a moment to see that a process was killed."""
    deadline = time.monotonic() + (0 if place.is_folder else 20)
    while True:
        try:
            store = place.open()
            break
        except StoreError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)
    with store:
        yield store


def test_a_killed_writer_leaves_every_acknowledged_row_once_and_no_half_batch(place: Place) -> None:
    draw = np.random.default_rng(7)
    before = 0
    for _ in range(ROUNDS):
        process = start(place)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(draw.uniform(0, 0.2))
        acknowledged = max(kill(process), before)
        with opened(place) as store:
            found = everything(store)
            kept = len(found)
            assert kept in (acknowledged, acknowledged + 1 + acknowledged % 9)
            assert found == [(n, (f"s{n % 50}", n, (float(n),), {})) for n in range(1, kept + 1)]
            assert all(store.receipt(f"key {n}") for n in range(1, kept + 1))
            assert store.receipt(f"key {kept + 1}") is None
            snapshot = store.latest("m")
            assert snapshot is None or snapshot.state == str(snapshot.position).encode() * 1000
            assert store.append([]) == kept
        before = kept
    assert before > ROUNDS, "batches were written"


def test_a_writer_that_is_killed_while_it_opens_leaves_a_store_that_opens(place: Place) -> None:
    draw = np.random.default_rng(8)
    for _ in range(ROUNDS):
        process = start(place)
        time.sleep(draw.uniform(0.05, 0.6))
        kill(process)
        with opened(place) as store:
            assert [at for at, _ in everything(store)] == list(range(1, store.append([]) + 1))


def test_a_second_process_is_refused_until_the_first_is_killed(place: Place) -> None:
    process = start(place)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        shown = re.escape(place.where) if place.is_folder else "the database"
        with pytest.raises(
            StoreError, match=rf"another process \(pid \d+.*\) already writes to .*{shown}.*: stop it first"
        ):
            place.open()
        if place.is_folder:
            with pytest.raises(StoreError, match=rf"\(pid {process.pid}\)"):
                place.open()
    finally:
        kill(process)
    with opened(place) as store:
        assert store.append([]) >= 0
