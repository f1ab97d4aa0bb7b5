"""What is the server's own: its full disk, its lost connections, its schemas and its defaults."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gatecast.server.refusals import FullDiskError
from gatecast.server.store import Snapshot
from gatecast.server.store.postgres import PostgresStore
from gatecast.server.store.troubles import StoreError
from store_places import AS_POSTGRES, postgres_server, postgres_url
from store_rows import entry, everything

__all__ = ["postgres_server", "postgres_url"]  # fixtures


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def small_tablespace(postgres_url: str) -> Iterator[str]:
    """The URL of a database that may keep tables in the tablespace `small`, of a megabyte."""
    if not AS_POSTGRES:
        pytest.skip("only root may mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="gatecast-small-"))
    options = "size=1m,mode=777"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, check=False)
    if made.returncode:
        folder.rmdir()
        pytest.skip("no small disk can be mounted here")
    try:
        (folder / "tables").mkdir(mode=0o700)
        subprocess.run(["chown", "postgres", folder / "tables"], check=True)
        execute(postgres_url, f"CREATE TABLESPACE small LOCATION '{folder / 'tables'}'")
        yield postgres_url
        execute(postgres_url, "DROP SCHEMA gatecast CASCADE", "DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def test_a_full_disk_of_the_server_keeps_nothing_and_appends_work_once_there_is_room(small_tablespace: str) -> None:
    with PostgresStore(small_tablespace) as store:
        execute(
            small_tablespace,
            "ALTER TABLE gatecast.observations SET TABLESPACE small",
            "ALTER TABLE gatecast.parts SET TABLESPACE small",
        )
        store.append([entry(1)])
        with pytest.raises(
            FullDiskError, match=r"the disk that holds the database .* is full; nothing of this was kept"
        ):
            store.append([entry(*range(30_000))])
        with pytest.raises(FullDiskError, match="is full"):
            store.save(Snapshot("m", 1, bytes(3_000_000)))
        assert store.latest("m") is None
        assert [at for at, _ in everything(store)] == [1]
        execute(small_tablespace, "ALTER TABLE gatecast.observations SET TABLESPACE pg_default")
        assert store.append([entry(2)]) == 2
        assert store.append([entry(*range(30_000))]) == 30_002
        assert [at for at, _ in everything(store)] == list(range(1, 30_003))


def test_a_lost_connection_is_told_and_nothing_is_written_after(postgres_url: str) -> None:
    with PostgresStore(postgres_url) as store:
        store.append([entry(1)])
        execute(
            postgres_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        for _ in range(2):
            with pytest.raises(StoreError, match=r"the connection to the database .* is closed: open it again"):
                store.append([entry(2)])
            with pytest.raises(StoreError, match="is closed: open it again"):
                store.receipt("key")
    with PostgresStore(postgres_url) as store:
        assert store.append([entry(2)]) == 2


def test_a_schema_of_another_program_is_refused(postgres_url: str) -> None:
    execute(postgres_url, "CREATE SCHEMA gatecast")
    with pytest.raises(StoreError, match=r"the schema gatecast of the database .* is another program's: give gatecast"):
        PostgresStore(postgres_url)


def test_tables_of_a_newer_gatecast_are_refused(postgres_url: str) -> None:
    with PostgresStore(postgres_url):
        execute(postgres_url, "UPDATE gatecast.about SET version = 9")
    with pytest.raises(StoreError, match=r"newer gatecast \(version 9 of the tables, this one knows 1\).*upgrade"):
        PostgresStore(postgres_url)


def test_a_database_that_cannot_keep_all_text_is_refused(postgres_url: str) -> None:
    execute(postgres_url, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    with pytest.raises(StoreError, match="cannot keep all text: make one with CREATE DATABASE"):
        PostgresStore(postgres_url.replace(f"/{name}?", "/ascii?"))


def test_a_commit_waits_for_the_disk_though_the_database_would_not(postgres_url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    execute(postgres_url, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    with PostgresStore(postgres_url) as store, store._server.transaction() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_the_older_snapshot_serves_when_the_newest_is_damaged(postgres_url: str) -> None:
    with PostgresStore(postgres_url) as store:
        store.append([entry(1, 2, 3)])
        for position in (1, 2, 3):
            store.save(Snapshot("m", position, bytes([position])))
        execute(postgres_url, "UPDATE gatecast.parts SET bytes = 'x' WHERE position = 3")
        assert store.latest("m") == Snapshot("m", 2, b"\2")
        execute(postgres_url, "DELETE FROM gatecast.parts")
        assert store.latest("m") is None
