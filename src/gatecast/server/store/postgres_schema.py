"""The tables on a PostgreSQL server, and whether those that are there are ours."""

from typing import Any

import psycopg

from gatecast.server.store.troubles import StoreError

VERSION = 1

# `received` is in seconds since 1970.  Parts of a snapshot are small beside the server's limit of 1 GB a value.
TABLES = """
CREATE SCHEMA gatecast;
CREATE TABLE gatecast.about(version integer NOT NULL, compacted bigint NOT NULL);
CREATE TABLE gatecast.series(id bigint PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE gatecast.observations(position bigint PRIMARY KEY, series bigint NOT NULL REFERENCES gatecast.series,
    time bigint NOT NULL, y double precision[] NOT NULL, x bytea, received bigint NOT NULL);
CREATE TABLE gatecast.requests(key text PRIMARY KEY, digest bytea NOT NULL, accepted bigint NOT NULL,
    received bigint NOT NULL);
CREATE INDEX ON gatecast.requests(received);
CREATE TABLE gatecast.snapshots(model text, position bigint, sha256 bytea NOT NULL, PRIMARY KEY(model, position));
CREATE TABLE gatecast.parts(model text, position bigint, part integer, bytes bytea NOT NULL,
    PRIMARY KEY(model, position, part),
    FOREIGN KEY(model, position) REFERENCES gatecast.snapshots ON DELETE CASCADE);
ALTER TABLE gatecast.parts ALTER bytes SET STORAGE EXTERNAL;
"""


def prepare(connection: psycopg.Connection[Any], place: str) -> None:
    """Make the tables if they are missing; the connection holds the lock of the one writer.

    Raises:
        StoreError: they are another program's, or of a newer gatecast, or the database cannot keep all text.
    """
    if not _holds(connection, "SELECT 1 WHERE current_setting('server_encoding') = 'UTF8'"):
        raise StoreError(f"{place} cannot keep all text: make one with CREATE DATABASE ... ENCODING 'UTF8'")
    if not _holds(connection, "SELECT 1 FROM pg_namespace WHERE nspname = 'gatecast'"):
        with connection.transaction():
            connection.execute(TABLES)
            connection.execute("INSERT INTO gatecast.about VALUES(%s, 0)", (VERSION,))
    if not _holds(connection, "SELECT 1 FROM pg_tables WHERE schemaname = 'gatecast' AND tablename = 'about'"):
        raise StoreError(f"the schema gatecast of {place} is another program's: give gatecast a database of its own")
    ((version,),) = connection.execute("SELECT version FROM gatecast.about")
    if version != VERSION:
        raise StoreError(
            f"{place} was written by a newer gatecast (version {version} of the tables, this one knows {VERSION}): "
            "run: pip install --upgrade gatecast"
        )


def _holds(connection: psycopg.Connection[Any], query: str) -> bool:
    return connection.execute(query).fetchone() is not None
