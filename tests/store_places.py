"""Places for stores: a folder, and a database on a private PostgreSQL server; what is written can be opened again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from gatecast.server.store import StateStore
from gatecast.server.store.opening import open_store

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
AS_POSTGRES = ("runuser", "-u", "postgres", "--") if os.name == "posix" and os.geteuid() == 0 else ()


class Place(NamedTuple):
    """Where a store is, as a user would say it."""

    where: str

    @property
    def is_folder(self) -> bool:
        return "://" not in self.where

    def open(self, keep_days: float | None = None) -> StateStore:
        return open_store(self.where, keep_days)


@pytest.fixture(params=["folder", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Runs the test once with each kind of store."""
    if request.param == "folder":
        return Place(str(tmp_path / "store"))
    return Place(request.getfixturevalue("postgres_url"))


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> str:
    """The URL of a new database."""
    name = f"t{abs(hash(request.node.nodeid))}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server that listens on a socket in a folder of its own."""
    if not BINARIES:
        pytest.skip("no PostgreSQL server in /usr/lib/postgresql/*/bin")
    folder = Path(tempfile.mkdtemp(prefix="gatecast-postgres-"))
    if AS_POSTGRES:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
    try:
        _tool("initdb", "--auth=trust", "--username=postgres", "--no-sync", f"--pgdata={folder / 'data'}")
        options = f"-k {folder} -c listen_addresses= -c shared_buffers=16MB"
        _tool("pg_ctl", "start", "-w", f"--pgdata={folder / 'data'}", f"--log={folder / 'log'}", "-o", options)
        yield f"postgresql://postgres@/postgres?host={folder}"
        _tool("pg_ctl", "stop", "-w", "-m", "immediate", f"--pgdata={folder / 'data'}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tool(name: str, *arguments: str) -> None:
    command = [*AS_POSTGRES, str(BINARIES[-1] / name), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
