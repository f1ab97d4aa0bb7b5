"""Text tables: any bytes are read or refused, and the fast reading reads what the careful one reads.

The first byte chooses what is done with the rest, which is the file: `KINDS`, by its place in the alphabet.
"""

import random
from typing import Any, get_args
from unittest import mock

import numpy as np

from fuzz.places import BytesMutation, folder, words
from gatecast.data import csvfile
from gatecast.data.columns import Layout, TableOptions
from gatecast.data.reading import load_panel
from gatecast.data.sources import open_table
from gatecast.errors import GatecastError

KINDS = tuple((layout, whole) for whole in (False, True) for layout in get_args(Layout))
ENDS = (b"\n", b"\r\n", b"\r")


def one(data: bytes) -> None:
    """Read one file.

    Raises:
        AssertionError: the fast reading and the careful one differ, or a panel has an infinite value.
    """
    layout, whole = KINDS[(data[0] - ord("a")) % len(KINDS)] if data else KINDS[0]
    (folder("csv") / "t.csv").write_bytes(data[1:])
    if whole:
        _panel(layout)
        return
    found = _read(layout)
    with mock.patch.object(csvfile, "read_plain", return_value=None):
        expected = _read(layout)
    assert found == expected, f"fast: {found}\ncareful: {expected}"


def _read(layout: Layout) -> tuple[Any, ...] | None:
    """What came of the file, so that two roads to it can be compared; None for a refusal, whatever it says."""
    try:
        table = open_table(folder("csv") / "t.csv", layout)
    except GatecastError:
        return None
    lines = () if table.lines is None else tuple(table.lines.tolist())
    columns = tuple((column.name, *column.to_list()) for column in table.frame)
    return columns, lines, table.guesses, table.comma


def _panel(layout: Layout) -> None:
    try:
        panel, _ = load_panel(folder("csv") / "t.csv", TableOptions(layout=layout))
    except GatecastError:
        return
    assert not np.isinf(panel.values).any(), "a value is infinite"
    assert (panel.lengths > 0).all(), "a series has no rows"
    assert len(set(panel.ids)) == len(panel.ids), "two series have one name"


def mutate(change_bytes: BytesMutation, data: bytes, most: int, seed: int) -> bytes:
    """Half of the time any bytes; else cells, lines and columns of the table change as wholes."""
    draw = random.Random(seed)  # noqa: S311 - inputs, not secrets
    if len(data) < 2 or draw.random() < 0.5:
        return change_bytes(data, most)
    mark = max((b",", b";", b"\t", b"|"), key=data.count)
    rows = [line.split(mark) for line in data[1:].split(b"\n")]
    for _ in range(draw.randint(1, 3)):
        draw.choice((_cell, _cell, _line, _column))(draw, rows)
    mark = draw.choice((mark, mark, mark, b",", b";", b"\t", b"|"))
    end = draw.choice((*ENDS, b"\n", b"\n", b"\n"))
    return (data[:1] + end.join(mark.join(row) for row in rows))[:most]


def _cell(draw: random.Random, rows: list[list[bytes]]) -> None:
    """A cell becomes a word of the dictionary, another cell, or a quoted one."""
    row, other = draw.choice(rows), draw.choice(draw.choice(rows))
    place = draw.randrange(len(row))
    row[place] = draw.choice((draw.choice(words("csv")), other, b'"' + row[place] + b'"', row[place] + other, b""))


def _line(draw: random.Random, rows: list[list[bytes]]) -> None:
    """A line goes, comes twice, or moves."""
    place = draw.randrange(len(rows))
    row = rows[place] if draw.random() < 0.5 or len(rows) == 1 else rows.pop(place)
    if draw.random() < 0.7:
        rows.insert(draw.randrange(len(rows) + 1), list(row))


def _column(draw: random.Random, rows: list[list[bytes]]) -> None:
    """A column goes, or comes again elsewhere."""
    place, again, other = draw.randrange(len(rows[0])), draw.random() < 0.5, draw.randrange(len(rows[0]) + 1)
    for row in rows:
        if place < len(row) and again:
            row.insert(other, row[place])
        elif place < len(row) > 1:
            del row[place]
