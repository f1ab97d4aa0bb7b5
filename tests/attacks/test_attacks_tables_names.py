"""Names of columns: none, twice, invisible, commands, markup, endless."""

from pathlib import Path

import pytest
from tables_tried import hold_read, hold_refused_everywhere, hold_streamed_alike, written

ROOM = "Tables: names of columns"
READ: dict[str, tuple[str, str]] = {  # the name in the file, and what the column is called
    "a name of nothing": ("", "c2"),
    "a name of spaces": ("   ", "c2"),
    "a name of a no-break space": ("\xa0", "c2"),
    "a name that cannot be seen, U+200B": ("\u200b", "c2"),
    "a name that is a delete character": ("\x7f", "c2"),
    "a name with a command to the terminal": ("\x1b[31mload", "[31mload"),
    "a name that turns the direction of writing": ("\u202eload", "load"),
    "a name with a tab": ('"a\tb"', "a b"),
    "a name with a newline, as spreadsheets allow": ('"load\n[MW]"', "load [MW]"),
    "a name that is a script": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "a name that is a formula": ("=1+1", "=1+1"),
    "a name that is a path": ("../../etc/passwd", "../../etc/passwd"),
    "a name that is code of a format": ("{0.__class__}", "{0.__class__}"),
    "a name that is code of a template": ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
    "a name in quotes": ('"""load"""', '"load"'),
    "a name with joiners, as families of emoji have": ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    "a name of 1,000 characters": ("a" * 1000, "a" * 1000),
}
REFUSED: dict[str, str] = {
    "a name of 10,000 characters": "a" * 10_000,
    "a name of a letter and 5,000 accents": "y" + "\u0301" * 5000,
    "a quoted name that runs over 2,000 lines": '"' + "a\n" * 2000 + '"',
}
VALUES = (1, 2, 4)


def table(name: str) -> str:
    rows = [f"2024-01-0{day},{value}" for day, value in enumerate(VALUES, start=1)]
    return "\n".join([f"ds,{name}", *rows, ""])


@pytest.mark.parametrize("abuse", READ)
def test_names_are_one_line_that_can_be_seen(abuse: str, tmp_path: Path) -> None:
    given, called = READ[abuse]
    path = written(tmp_path, table(given))
    panel = hold_read(ROOM, abuse, path, tmp_path, VALUES)
    assert panel.columns.target == (called,)
    hold_streamed_alike(path, tmp_path)


@pytest.mark.parametrize("abuse", REFUSED)
def test_endless_names_are_refused(abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, table(REFUSED[abuse]))
    message = hold_refused_everywhere(ROOM, abuse, path, tmp_path, capsys)
    assert len(message) < 400, "the name is not said in full"


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    rows = "2024-01-01,1,5\n2024-01-02,2,6\n2024-01-03,4,9\n"
    panel = hold_read(ROOM, "one name twice", written(tmp_path, f"ds,y,y\n{rows}"), tmp_path, VALUES)
    assert panel.columns.past == ("y_2",)
    panel = hold_read(ROOM, "y and Y", written(tmp_path, f"ds,Y,y\n{rows}"), tmp_path, VALUES)
    assert panel.columns.channels == ("Y", "y")
    accents = written(tmp_path, f"ds,e\u0301,\xe9\n{rows}")
    panel = hold_read(ROOM, "one letter spelt in two ways, U+00E9 and e U+0301", accents, tmp_path, (5, 6, 9))
    assert panel.columns.past == ("e\u0301",)


def test_dates_twice_are_one_time(tmp_path: Path) -> None:
    rows = "2024-01-01,2023-01-01,1\n2024-01-02,2023-01-02,2\n2024-01-03,2023-01-03,4\n"
    panel = hold_read(ROOM, "ds twice", written(tmp_path, f"ds,ds,y\n{rows}"), tmp_path, VALUES)
    assert str(panel.times[0]).startswith("2024-01-01")
