"""Different cells are found once, in the order in which they appear."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data import stamps
from gatecast.data.columns import TableOptions
from gatecast.data.reading import load_panel
from gatecast.data.values import distinct


@given(cells=st.lists(st.sampled_from(["a", "b", "", None, "é"]), min_size=1, max_size=12))
def test_distinct_cells_equal_a_slow_loop(cells: list[str | None]) -> None:
    seen: list[str | None] = []
    for cell in cells:
        if cell not in seen:
            seen.append(cell)
    first, codes = distinct(pl.Series(cells, dtype=pl.String))
    assert [cells[row] for row in first.tolist()] == seen
    assert first.tolist() == sorted(first.tolist())
    assert codes.tolist() == [seen.index(cell) for cell in cells]


def test_times_read_in_stretches_equal_times_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = [f"{1 + row // 24}/2/2024 {row % 24}:00" for row in range(100)]
    table = pl.DataFrame({"when": [*hours, *hours], "k": ["a"] * 100 + ["b"] * 100, "y": [*range(0, 400, 2)]})
    whole = load_panel(table, TableOptions(day_first=True))[0]
    monkeypatch.setattr(stamps, "_STRETCH", 7)
    assert (load_panel(table, TableOptions(day_first=True))[0].times == whole.times).all()


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"])
@pytest.mark.parametrize(
    "wrong", [None, "2024-02-30 10:00:00", "2024-02-28 24:00:00", "2024-02-28 10:00:60", "soon", ""]
)
def test_times_as_programs_write_them_equal_the_careful_reading(
    form: str, wrong: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = pl.datetime(1900, 1, 1)
    cells = pl.datetime_range(start, start + pl.duration(days=80_000), "1003h7m13s", eager=True).dt.strftime(form)
    cells = cells if wrong is None else pl.concat([cells, pl.Series([wrong[: len(cells[0])]])])
    assert (stamps._read_plain(cells) is not None) or wrong is not None
    fast = stamps._read_cells(cells, stamps._YEAR_FIRST, day_first=False)
    monkeypatch.setattr(stamps, "_PLAIN", {})
    careful = stamps._read_cells(cells, stamps._YEAR_FIRST, day_first=False)
    assert all(np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "M") for pair in zip(fast, careful, strict=True))


def test_the_row_that_decides_the_order_of_dates_is_named_where_series_share_their_times() -> None:
    days = [f"02/{day:02}/2024" for day in range(1, 15)]
    table = pl.DataFrame({"when": [*days, *days], "k": ["a"] * 14 + ["b"] * 14, "y": [*range(0, 56, 2)]})
    guesses = load_panel(table)[1]
    assert 'dates = month first (row 13 (counted from 0) says "02/14/2024")' in map(str, guesses)


def test_few_months_in_many_series_still_tell_the_order_of_dates() -> None:
    months = [f"01/{month:02}/2024" for month in range(1, 11)]
    table = pl.DataFrame({"when": [*months, *months], "k": ["a"] * 10 + ["b"] * 10, "y": [*range(0, 40, 2)]})
    panel, guesses = load_panel(table)
    assert "dates = day first (that number never changes: monthly data)" in map(str, guesses)
    assert panel.frequency.label == "1mo"
