"""The fast reading of plain text equals the careful one, or leaves the file to it."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data import csvplain, table
from gatecast.data.csvfile import _lines, _parse, read_csv
from gatecast.data.table import Table
from gatecast.errors import TableError

PLAIN = "ds,y\n2024-01-01,1.5\n2024-01-02,2.5\n2024-01-03,-3\n"


def fast(content: str | bytes) -> Table | None:
    data = content.encode() if isinstance(content, str) else content
    return csvplain.read_plain(io.BytesIO(data), "utf-8", "long")


def careful(content: str) -> Table:
    text = io.TextIOWrapper(io.BytesIO(content.encode()), encoding="utf-8", newline="")
    return _parse(Path("t.csv"), _lines(Path("t.csv"), text), "long")


def assert_read_alike(content: str) -> None:
    """Where the fast reading takes a file, the careful one takes it too, and both say the same."""
    found = fast(content)
    if found is None:
        return
    expected = careful(content)
    assert found.frame.equals(expected.frame)
    assert found.frame.schema == expected.frame.schema
    assert found.lines is not None
    assert expected.lines is not None
    assert found.lines.tolist() == expected.lines.tolist()
    assert (found.guesses, found.comma) == (expected.guesses, expected.comma)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ",  "),
        PLAIN.removesuffix("\n"),
        PLAIN + "\n\n",
        PLAIN.replace("2.5", "").replace("1.5", "Zürich"),
        PLAIN.replace("ds,", '"ds",').replace("1.5", '"1.5"').replace("2.5", '""'),
        PLAIN.partition("\n")[2],
    ],
    ids=["comma", "semicolon", "tab", "crlf", "spaces", "no end", "blank end", "gaps", "quotes", "no header"],
)
def test_what_programs_write_is_read_fast_and_alike(content: str) -> None:
    assert fast(content) is not None
    assert_read_alike(content)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN + "2024-01-04\n",
        PLAIN + "2024-01-04,1,2\n",
        PLAIN + "2024-01-04,1,2\n2024-01-05\n",
        PLAIN + "2024-01-05\n2024-01-04,1,2\n",
        PLAIN + "\n2024-01-04,1\n",
        "\n" + PLAIN,
        PLAIN + '"2024-01-04,1"\n',
        PLAIN + '2024-01-04,"1\n2"\n',
        PLAIN + '2024-01-04,"1""2"\n',
        PLAIN + '2024-01-04,1"2"\n',
        PLAIN + '2024-01-04,"1" \n',
        PLAIN + '"2024-01-04,1"\n"2024-01-05,1"\n',
        PLAIN + "2024-01-04,1\r2024-01-05,1\n",
        PLAIN + "2024-01-04,\x00\n",
        "y\n1\n2\n",
        "ds,y\n",
        "",
    ],
)
def test_what_is_not_plain_is_left_to_the_careful_reading(content: str) -> None:
    assert fast(content) is None


@pytest.mark.parametrize("stretch", [csvplain.STRETCH, 16])
def test_a_byte_order_mark_within_a_file_is_read_alike(monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    monkeypatch.setattr(csvplain, "STRETCH", stretch)
    assert_read_alike("ds,y\n\ufeffds,y\n2024-01-01,1\n")
    assert_read_alike("ds,y\n2024-01,1\n\ufeff2024-02,1\n")


def test_a_cell_of_absurd_length_is_left_to_the_careful_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_CELL", 5)
    assert fast("ds,y\na,12345\n") is not None
    assert fast("ds,y\na,123456\n") is None


cells = st.text(alphabet='ab1. \t;"é\n\r', max_size=4)
lines = st.lists(st.lists(cells, min_size=1, max_size=3).map(",".join), max_size=8)


@settings(max_examples=400, deadline=None)
@given(lines=lines, end=st.sampled_from(["\n", "\r\n"]))
def test_any_text_that_is_read_fast_is_read_alike(lines: list[str], end: str) -> None:
    assert_read_alike(end.join(lines))


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.lists(st.sampled_from(["1", '"b"', " c", "", '"']), min_size=2, max_size=2), min_size=1),
    stretch=st.integers(min_value=12, max_value=40),
)
def test_where_the_stretches_end_changes_nothing(rows: list[list[str]], stretch: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvplain, "STRETCH", stretch)
        assert_read_alike("x,y\n" + "".join(f"{','.join(row)}\n" for row in rows))


def test_latin_1_and_byte_order_marks_are_read_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvplain, "STRETCH", 32)
    content = "ds,é\n" + "".join(f"2024-01-{day:02},ü{day}\n" for day in range(1, 29))
    for encoding in ("utf-8", "utf-8-sig", "latin-1"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(content.encode(encoding))
        assert read_csv(path).frame.equals(careful(content).frame), encoding


def test_a_late_ragged_line_is_named_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvplain, "STRETCH", 32)
    path = tmp_path / "t.csv"
    path.write_text(PLAIN + "2024-01-04,4\n2024-01-05\n")
    with pytest.raises(TableError, match="line 6 has 1 cell, fewer than the 2"):
        read_csv(path)
