"""The files of a store in a folder: strange ones are refused and stay as they are, damaged snapshots are passed by."""

import errno
import fcntl
import os
import re
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from saved_abuses import by_sql

from gatecast.files import write_atomic
from gatecast.server.store import Snapshot
from gatecast.server.store.sqlite import SqliteStore
from gatecast.server.store.sqlite_snapshots import HALF
from gatecast.server.store.troubles import StoreError
from store_rows import entry, everything

NAME = "observations.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds a log of a thousand rows."""
    with SqliteStore(tmp_path / "store") as store:
        store.append([entry(*range(1000))])
    return tmp_path / "store"


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "a" / "b") as store:
        store.append([entry(1)])
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def as_text(path: Path) -> None:
    path.write_text("series,ds,y\n" * 1000)


def as_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def as_a_few_bytes(path: Path) -> None:
    os.truncate(path, 50)


def as_of_another_program(path: Path) -> None:
    path.unlink()
    by_sql("CREATE TABLE accounts(id)")(path)


STRANGE = {
    "text": (as_text, r"is not a whole database.*copy the folder away.*\.recover"),
    "half": (as_half, r"is not a whole database"),
    "a few bytes": (as_a_few_bytes, r"is not a whole database"),
    "another id": (by_sql("PRAGMA application_id=7"), r"of another program: give gatecast a folder of its own"),
    "another program": (as_of_another_program, r"of another program"),
    "newer": (
        by_sql("PRAGMA user_version=9"),
        r"newer gatecast \(version 9 of the tables, this one knows 1\).*upgrade",
    ),
    "no version": (by_sql("PRAGMA user_version=0"), r"its tables are not those of gatecast"),
    "no table": (by_sql("DROP TABLE requests"), r"its tables are not those of gatecast"),
    "another column": (by_sql("ALTER TABLE series ADD COLUMN z TEXT"), r"its tables are not those of gatecast"),
    "a trigger": (
        by_sql("CREATE TRIGGER t AFTER INSERT ON series BEGIN DELETE FROM observations; END"),
        r"its tables are not those of gatecast",
    ),
    "no series": (by_sql("PRAGMA foreign_keys=OFF", "UPDATE series SET id = 5"), r"series are missing"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_database_is_refused_by_name_and_left_as_it_is(folder: Path, kind: str) -> None:
    change, lesson = STRANGE[kind]
    change(folder / NAME)
    before = (folder / NAME).read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=rf"(?s){re.escape(str(folder / NAME))} .*{lesson}"):
            SqliteStore(folder)
    assert (folder / NAME).read_bytes() == before


def test_a_database_with_an_index_of_the_users_own_is_taken(folder: Path) -> None:
    by_sql("CREATE INDEX mine ON observations(time)", "ANALYZE")(folder / NAME)
    with SqliteStore(folder) as store:
        assert store.append([entry(1)]) == 1001


def test_a_folder_in_the_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(StoreError, match=r"observations\.db cannot be read or written .*see to its rights"):
        SqliteStore(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file cannot be read or written .*see to its folder"):
        SqliteStore(tmp_path / "file")


def test_damage_that_shows_only_later_is_told_in_words(folder: Path) -> None:
    with (folder / NAME).open("r+b") as file:
        file.seek(-4 * 4096, os.SEEK_END)
        file.write(b"\x55" * 4096)
    with SqliteStore(folder) as store, pytest.raises(StoreError, match=r"is not a whole database.*\.recover"):
        everything(store)


def test_a_copy_that_sqlite_made_is_taken(folder: Path) -> None:
    with closing(apsw.Connection(str(folder / NAME))) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "recovered.db"),))
    (folder / "recovered.db").replace(folder / NAME)
    with SqliteStore(folder) as store:
        assert len(everything(store)) == 1000


def test_a_second_store_in_the_folder_is_refused_until_the_first_is_closed(folder: Path) -> None:
    with (
        SqliteStore(folder) as store,
        pytest.raises(StoreError, match=rf"pid {os.getpid()}\) already writes to {folder}: stop it first"),
    ):
        SqliteStore(folder)
    with pytest.raises(StoreError, match="closed"):
        store.append([entry(1)])
    with SqliteStore(folder):
        pass


def test_a_store_that_is_refused_lets_go_of_the_folder(folder: Path) -> None:
    by_sql("PRAGMA user_version=9")(folder / NAME)
    with pytest.raises(StoreError, match="newer"):
        SqliteStore(folder)
    by_sql("PRAGMA user_version=1")(folder / NAME)
    with SqliteStore(folder):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StoreError, match=rf"files in {folder} cannot be locked .*use a folder on a local disk"):
        SqliteStore(folder)


def with_two_snapshots(folder: Path) -> SqliteStore:
    store = SqliteStore(folder)
    for position in (100, 200, 300):
        store.save(Snapshot("m", position, b"state" * position))
    return store


def test_two_snapshots_of_a_model_are_kept_and_nothing_else_is_touched(folder: Path) -> None:
    (folder / "snapshot-notes").write_text("mine")
    (folder / "snapshot-m-1000").write_text("cut off before its row was written")
    (folder / f".{'0' * 16}.tmp").write_text("half")
    with with_two_snapshots(folder) as store:
        store.save(Snapshot("n", 1, b""))
        assert {
            path.name for path in folder.iterdir() if path.name not in {"lock", NAME, f"{NAME}-wal", f"{NAME}-shm"}
        } == {*("snapshot-m-200", "snapshot-m-300", "snapshot-n-1", "snapshot-notes")}


def test_what_a_killed_writing_leaves_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: names.extend(path.name for path in tmp_path.iterdir()))
    write_atomic(tmp_path / "x", b"1")
    assert HALF.fullmatch(names[0])


@pytest.mark.parametrize("harm", ["missing", "cut", "changed", "a folder"])
def test_the_older_snapshot_serves_when_the_newest_is_damaged(folder: Path, harm: str) -> None:
    def damage(path: Path) -> None:
        data = path.read_bytes()
        path.unlink()
        if harm == "a folder":
            path.mkdir()
        elif harm != "missing":
            path.write_bytes(data[:-1] if harm == "cut" else data[:-1] + b"x")

    with with_two_snapshots(folder) as store:
        assert store.latest("m") == Snapshot("m", 300, b"state" * 300)
        damage(folder / "snapshot-m-300")
        assert store.latest("m") == Snapshot("m", 200, b"state" * 200)
        damage(folder / "snapshot-m-200")
        assert store.latest("m") is None


def test_a_snapshot_counts_only_once_its_row_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_two_snapshots(folder) as store:
        with monkeypatch.context() as patch:
            patch.setattr("gatecast.server.store.sqlite_snapshots.KEEP", "INSERT INTO nowhere VALUES(?, ?, ?)")
            for position in (300, 400):
                with pytest.raises(StoreError, match="nowhere"):
                    store.save(Snapshot("m", position, b"new"))
        assert store.latest("m") == Snapshot("m", 200, b"state" * 200), "the file of 300 was replaced, its row was not"
        store.save(Snapshot("m", 500, b"new"))
        assert store.latest("m") == Snapshot("m", 500, b"new")


def test_the_write_ahead_log_is_folded_after_a_save(folder: Path) -> None:
    with SqliteStore(folder) as store:
        store.append([entry(*range(1000))])
        assert (folder / f"{NAME}-wal").stat().st_size > 0
        store.save(Snapshot("m", 2000, b""))
        assert (folder / f"{NAME}-wal").stat().st_size == 0
