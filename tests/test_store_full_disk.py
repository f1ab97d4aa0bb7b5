"""A full or failing disk under a store in a folder: it is said in words, nothing is half kept, later appends work."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from gatecast.server.refusals import FullDiskError
from gatecast.server.store import Entry, Snapshot, StateStore
from gatecast.server.store.sqlite import SqliteStore
from gatecast.server.store.troubles import StoreError
from store_disks import Disk
from store_rows import entry, everything, row


def refuses(store: StateStore, *entries: Entry) -> None:
    with pytest.raises(FullDiskError, match=r"is full; nothing of this was kept, .*: make room, and send it again"):
        store.append(entries)


def test_a_database_that_may_not_grow_takes_what_fits_and_grows_again_later(tmp_path: Path) -> None:
    many = Entry([row(number, f"new {number}") for number in range(5000)], "key", b"d")
    with SqliteStore(tmp_path) as store:
        store.append([entry(1)])
        writer = store._database._writer
        pages = writer.pragma("page_count")
        writer.pragma("max_page_count", pages)
        refuses(store, many)
        refuses(store, entry(2), many)
        assert store.append([entry(2)]) == 2, "a small one fits"
        assert store.receipt("key") is None
        writer.pragma("max_page_count", 1_000_000)
        assert store.append([many]) == 5002
        expected = everything(store)
    with SqliteStore(tmp_path) as store:
        assert everything(store) == expected == list(enumerate([row(1), row(2), *many.rows], 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", tmp_path], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no small disk can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def fill(store: StateStore) -> int:
    """Append until the disk is full; the position of the last row that fitted."""
    while True:
        taken = store.append([])
        try:
            store.append([entry(*range(100))])
        except FullDiskError:
            return taken


def test_a_full_disk_refuses_appends_and_snapshots_and_takes_them_once_there_is_room(small_disk: Path) -> None:
    big = small_disk / "big"
    with SqliteStore(small_disk / "store") as store:
        store.append([entry(1)])
        store.save(Snapshot("m", 1, b"state"))
        big.write_bytes(bytes(800_000))
        taken = fill(store)
        refuses(store, entry(*range(1000)))
        with pytest.raises(FullDiskError):
            store.save(Snapshot("m", taken, bytes(300_000)))
        assert len(everything(store)) == taken
        assert store.latest("m") == Snapshot("m", 1, b"state")
        big.unlink()
        assert store.append([entry(*range(1000))]) == taken + 1000
        store.save(Snapshot("m", taken, b"new"))
        assert store.latest("m") == Snapshot("m", taken, b"new")
    with SqliteStore(small_disk / "store") as store:
        assert [at for at, _ in everything(store)] == list(range(1, taken + 1001))


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


def test_every_append_is_flushed_before_it_returns(tmp_path: Path, disk: Disk) -> None:
    with SqliteStore(tmp_path) as store:
        for number in range(3):
            disk.flushed.clear()
            store.append([entry(number)])
            assert disk.flushed == [str(tmp_path / "observations.db-wal")]


def test_a_commit_that_fails_keeps_nothing_and_the_next_one_works(tmp_path: Path, disk: Disk) -> None:
    new = Entry([row(2, "new")], "key", b"d")
    with SqliteStore(tmp_path) as store:
        store.append([entry(1)])
        disk.error = apsw.FullError("")
        refuses(store, new)
        disk.error, disk.number = apsw.IOError(""), errno.EIO
        with pytest.raises(StoreError, match=r"cannot be read or written .*see to its rights and its disk"):
            store.append([new])
        disk.number = errno.EDQUOT
        refuses(store, new)
        disk.error = None
        assert store.receipt("key") is None
        assert everything(store) == [(1, row(1))]
        assert store.append([entry(2)]) == 2
        assert store.append([new]) == 3
    with SqliteStore(tmp_path) as store:
        assert everything(store) == [(1, row(1)), (2, row(2)), (3, row(2, "new"))]


def test_a_large_append_that_fails_before_its_commit_keeps_nothing(tmp_path: Path, disk: Disk) -> None:
    many = entry(*range(150_000))  # more than SQLite holds in memory, so that it writes before the end
    with SqliteStore(tmp_path) as store:
        store.append([entry(1)])
        disk.error, disk.number, disk.at_write = apsw.IOError(""), errno.ENOSPC, True
        refuses(store, many)
        disk.error = None
        assert store.append([many]) == 150_001


def test_a_snapshot_that_does_not_fit_leaves_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with SqliteStore(tmp_path) as store:
        store.save(Snapshot("m", 0, b"old"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            with pytest.raises(FullDiskError, match="make room"):
                store.save(Snapshot("m", 0, b"new"))
        assert store.latest("m") == Snapshot("m", 0, b"old")
