"""Names that lead to no file, devices and pipes, files without rights, and files that change while they are read."""

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger import Ledger
from tables_tried import daily, hold_command_refuses, hold_refused, written
from trying import tried

from gatecast.data import csvplain
from gatecast.data.columns import Layout
from gatecast.data.csvhead import Head, read_head
from gatecast.data.longtable import long_table
from gatecast.data.reading import load_panel

ROOM = "Tables: files that are none"
NOBODY = 65534


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "t.csv")
    return folder / "t.csv"


def link(folder: Path, to: str) -> Path:
    (folder / "t.csv").symlink_to(folder / to)
    return folder / "t.csv"


PLACES: dict[str, Callable[[Path], Path]] = {
    "no file of this name": lambda folder: folder / "t.csv",
    "a name of 300 characters": lambda folder: folder / ("a" * 300),
    "a name with a NUL": lambda folder: folder / "t\0.csv",
    "a name with bytes that are no letters": lambda folder: folder / "t\udcff.csv",
    "a pattern: *.csv": lambda folder: folder / "*.csv",
    "a link to itself": lambda folder: link(folder, "t.csv"),
    "a link to a file that is gone": lambda folder: link(folder, "gone.csv"),
    "a pipe that nobody writes to": fifo,
    "/dev/zero": lambda _: Path("/dev/zero"),
    "/dev/null": lambda _: Path("/dev/null"),
    "an address: https://example.com/t.csv": lambda _: Path("https://example.com/t.csv"),
    "an address: s3://bucket/t.parquet": lambda _: Path("s3://bucket/t.parquet"),
}


@pytest.mark.parametrize("abuse", PLACES)
def test_what_is_no_file_is_refused_and_never_waited_for(
    abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = PLACES[abuse](tmp_path)
    message = hold_refused(ROOM, abuse, path, tmp_path)
    assert tried(lambda: long_table(path), tmp_path).refused() == message
    if path.name.isprintable():
        hold_command_refuses(path, tmp_path, message, capsys)


def test_a_folder_is_refused_where_one_table_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    message = hold_refused(ROOM, "a folder", tmp_path / "t", tmp_path)
    assert tried(lambda: long_table(tmp_path / "t"), tmp_path).refused() == message


def test_a_socket_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as place:  # names of sockets are short
        place.bind(f"{name}/t.csv")
        hold_refused(ROOM, "a socket", Path(name) / "t.csv", Path(name))


def read_without_rights(path: Path) -> object:
    """Root may read everything, so somebody else does it."""
    if os.geteuid() != 0:
        return load_panel(path)
    os.seteuid(NOBODY)
    try:
        return load_panel(path)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("abuse", "file", "folder"),
    [("a file that nobody may read", 0o000, 0o755), ("a folder that nobody may enter", 0o644, 0o000)],
)
def test_a_file_without_rights_is_refused(abuse: str, file: int, folder: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name, "d")
        place.mkdir()
        path = written(place, daily(1, 2, 4))
        path.chmod(file)
        Path(name).chmod(0o755)
        place.chmod(folder)
        outcome = tried(lambda: read_without_rights(path), place)
        place.chmod(0o755)
    Ledger(ROOM).enter(abuse, f"refused: {outcome.refused()}")


@pytest.mark.parametrize(
    ("abuse", "change"),
    [
        ("a file that grows while it is read", lambda path: path.write_text(path.read_text() + "2024-01-04,3\n")),
        ("a file that is cut between two rows while it is read", lambda path: path.write_text(daily(1, 2))),
        ("a file that is cut within a row while it is read", lambda path: path.write_text(daily(1, 2)[:-4])),
        ("a file that is emptied while it is read", lambda path: path.write_text("")),
        ("a file that another one replaces while it is read", lambda path: other(path).rename(path)),
        ("a file that is deleted while it is read", lambda path: path.unlink()),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_refused(
    abuse: str, change: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, daily(1, 2, 4))

    def changing(cells: list[str], line: int, layout: Layout) -> Head:
        change(path)
        return read_head(cells, line, layout)

    with monkeypatch.context() as patch:
        patch.setattr(csvplain, "read_head", changing)
        hold_refused(ROOM, abuse, path, tmp_path)


@pytest.mark.parametrize("after", [daily(1, 2, 4, 3), daily(1, '"2"x', 4), ""])
def test_a_table_of_any_size_is_read_as_it_was_looked_through(after: str, tmp_path: Path) -> None:
    path = written(tmp_path, daily(1, 2, 4))
    table = long_table(path)
    path.write_text(after)
    message = tried(lambda: list(table.stretches()), tmp_path).refused()
    Ledger(ROOM).enter("a file that changes between the two readings of gatecast partition", f"refused: {message}")


def other(path: Path) -> Path:
    return written(path.parent, daily(7, 8, 9), "other.csv")
