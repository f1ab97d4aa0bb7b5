"""Hostile names of files and folders, and names in what is stored."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hostile_names import NAMES, assert_shown
from ledger import Ledger
from trying import tried

import gatecast
from gatecast.cli.asking import new_folder
from gatecast.errors import TableError
from gatecast.server.store import Entry, Row
from gatecast.server.store.sqlite import SqliteStore
from small_tables import SMALL, wave_table

LEDGER = Ledger("Names")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.csv",
        "/etc/passwd",
        "..csv",
        ".csv",
        "CON.csv",
        "a\nb\x1b[2J.csv",
        "x" * 240 + ".csv",
        "é\u202e.csv",
    ],
)
def test_the_folder_of_a_run_is_called_after_the_file_but_lies_where_runs_do(name: str, tmp_path: Path) -> None:
    folder = new_folder(tmp_path, Path(name), "gru")
    folder.mkdir()
    assert folder.parent == tmp_path
    assert_shown(folder.name)
    shown = name if len(name) < 40 else f"{name[:8]}... of {len(name)} characters"
    LEDGER.enter(f"a table file called `{shown}`", f"read: its run is written into `{shortly(folder.name)}`")


def shortly(text: str) -> str:
    return text if len(text) < 40 else f"{text[:8]}... of {len(text)} characters"


def test_names_in_the_store_of_the_server_are_values_and_never_statements(tmp_path: Path) -> None:
    rows = [Row(name, place, (float(place),), {name: 1.0}) for place, name in enumerate(NAMES.values())]
    with SqliteStore(tmp_path / "store") as store:
        store.append([Entry(rows, NAMES["SQL"], b"digest")])
    with SqliteStore(tmp_path / "store") as store:
        assert [row for part in store.replay(0) for _, row in part] == rows
        assert store.receipt(NAMES["SQL"]) is not None
    LEDGER.enter("all these names in the store of the server", "read: the same rows again after a restart")
    assert all(path.name.replace(".", "").replace("-", "").isalnum() for path in (tmp_path / "store").iterdir())
    LEDGER.enter("all these names and the names of the store's files", "read: no name of a series is part of them")


@pytest.mark.parametrize("name", ["", "   ", "\t", "NaN", None])
def test_a_series_without_a_name_is_refused(name: str | None) -> None:
    table = wave_table(60, ("a", "b")).with_columns(
        shop=pl.when(pl.col("shop") == "b").then(pl.lit(name)).otherwise("shop")
    )
    refused = tried(lambda: gatecast.fit(table, id="shop", **SMALL)).refused()
    LEDGER.enter(f"{name!r} as the name of a series", f"refused: {refused}")


def test_half_a_character_is_refused_wherever_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    model = gatecast.fit(wave_table(60, ("a",)), id="shop", **SMALL)
    asks: dict[str, Any] = {
        "in a column's name": lambda: gatecast.fit(wave_table(60), target="\ud800", **SMALL),
        "in a series that is observed": lambda: model.stream().observe("\ud800", "2024-06-01", 1.0),
        "in the name of a table file": lambda: gatecast.fit("\ud800.csv", **SMALL),
    }
    for abuse, ask in asks.items():
        LEDGER.enter(f"half a character, {abuse}", f"refused: {tried(ask).refused()}")


def test_an_error_shows_its_names_in_python_too() -> None:
    error = TableError('column "\x1b]0;x\x07\u202e" and ' + "x" * 10_000 + ". Rename it.")
    assert_shown(str(error))
    assert len(str(error)) <= 2000
    assert str(error).startswith(r'column "\x1b]0;x\x07\u202e"')
    assert str(error).endswith("Rename it.")
    LEDGER.enter(
        "an error that quotes 10,000 characters with escapes among them",
        "read: one line of 2,000 characters at most, with its begin, its remedy, and escapes for what acts",
    )
