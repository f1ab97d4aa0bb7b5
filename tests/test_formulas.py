"""CSV that spreadsheets may open: text is no formula, and is read again as it was."""

import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.formulas import as_csv, without_marks
from gatecast.data.longtable import long_table
from gatecast.data.reading import read_table

BEGINS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def again(text: bytes) -> pl.Series:
    return without_marks(pl.read_csv(text, infer_schema=False)["id"])


@given(cells=st.lists(st.text(alphabet=BEGINS + "'a1.;,\"", min_size=1, max_size=5), min_size=1, max_size=5))
def test_any_text_is_marked_where_it_would_act_and_read_as_it_was(cells: list[str]) -> None:
    text = as_csv(pl.DataFrame({"id": cells}))
    assert again(text).to_list() == cells
    raw = pl.read_csv(text, infer_schema=False)["id"]
    assert not [cell for cell in raw if cell[0] in BEGINS and not re.fullmatch(r"[+-]?[\d.]+", cell)]


def test_numbers_are_never_touched_even_as_text() -> None:
    frame = pl.DataFrame({"id": ["-5", "+1.5e-3", "-.5"], "mean": [-1.5, 2.0, -1e300]})
    assert as_csv(frame) == b"id,mean\n-5,-1.5\n+1.5e-3,2.0\n-.5,-1e+300\n"


def test_text_that_another_separator_would_cut_stands_in_quotes() -> None:
    assert as_csv(pl.DataFrame({"id": ["a;=1+1", "b"]})) == b'"id"\n"a;=1+1"\n"b"\n'


@pytest.mark.parametrize("quoted", [False, True])
def test_tables_and_stretches_of_them_lose_the_mark_alike(tmp_path: Path, *, quoted: bool) -> None:
    cell = '"\'=1,1"' if quoted else "'=1+1"
    (tmp_path / "t.csv").write_text(f"'@id,y\n{cell},-1\n''=b,2\n'c,3\n")
    whole = read_table(tmp_path / "t.csv")
    assert whole.columns == ["@id", "y"]
    assert whole["@id"].to_list() == ["=1,1" if quoted else "=1+1", "'=b", "'c"]
    assert pl.concat(long_table(tmp_path / "t.csv").stretches()).equals(whole)
