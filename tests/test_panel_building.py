"""Rows to a regular panel: gaps, repeats, order, layouts, statics, and new data for an old model."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.datasets import co2, elnino

from gatecast.data.calendar import Frequency, parse_frequency
from gatecast.data.columns import Columns, TableOptions
from gatecast.data.reading import load_panel, load_panel_like
from gatecast.errors import ColumnError, OptionError, TableError, TimeError

HOURS = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 2, 23), "1h", eager=True)
WAVE = np.round(np.sin(np.arange(48)), 3)


def hourly() -> pl.DataFrame:
    return pl.DataFrame({"ds": HOURS, "y": WAVE})


def test_gaps_become_missing_rows_and_are_said() -> None:
    panel, guesses = load_panel(hourly().filter(~pl.Series(range(48)).is_in([5, 6, 30])))
    assert len(panel.values) == 48
    assert np.flatnonzero(np.isnan(panel.targets[:, 0])).tolist() == [5, 6, 30]
    assert (panel.times == HOURS.to_numpy()).all()
    assert "gaps = 3 rows added as missing (6.2 % of the rows: the times skip them)" in map(str, guesses)


@given(st.permutations(range(48)), st.sets(st.integers(1, 46), max_size=20))
def test_order_and_gaps_do_not_matter(order: list[int], gone: set[int]) -> None:
    frame = hourly()[[row for row in order if row not in gone]]
    panel, _ = load_panel(frame, TableOptions(frequency="1h"))
    expected = np.where(np.isin(np.arange(48), list(gone)), np.nan, WAVE.astype(np.float32)).astype(np.float32)
    assert np.array_equal(panel.targets[:, 0], expected, equal_nan=True)


def test_unsorted_rows_are_sorted_and_said() -> None:
    panel, guesses = load_panel(hourly().reverse())
    assert panel.targets[:, 0].tolist() == WAVE.astype(np.float32).tolist()
    assert "order of rows" in [guess.what for guess in guesses]


def repeated(value: float) -> pl.DataFrame:
    return pl.concat([hourly(), pl.DataFrame({"ds": [HOURS[2]], "y": [value]}, schema=hourly().schema)])


def test_a_repeated_time_is_refused_with_both_rows() -> None:
    with pytest.raises(
        TimeError, match=r"2024-01-01 02:00:00: row 2 .* and row 48 .*duplicates=last.*with their offset"
    ):
        load_panel(repeated(7))


@pytest.mark.parametrize(("duplicates", "expected"), [("last", 7), ("mean", (WAVE[2] + 7) / 2)])
def test_a_repeated_time_is_settled_as_asked(duplicates: str, expected: float) -> None:
    panel, _ = load_panel(repeated(7), TableOptions(duplicates=duplicates))  # type: ignore[arg-type]
    assert panel.targets[2, 0] == pytest.approx(expected)
    assert len(panel.values) == 48


def test_the_mean_of_repeats_ignores_missing_values() -> None:
    assert load_panel(repeated(np.nan), TableOptions(duplicates="mean"))[0].targets[2, 0] == pytest.approx(WAVE[2])


def test_an_equal_row_twice_counts_once() -> None:
    panel, guesses = load_panel(repeated(WAVE[2]))
    assert len(panel.values) == 48
    assert "repeated rows" in [guess.what for guess in guesses]


def test_an_absurd_grid_is_refused() -> None:
    times = ["2024-01-01 00:00:00", "2024-01-01 00:00:01", "2024-01-01 00:00:02", "2094-01-01 00:00:00"]
    with pytest.raises(TimeError, match=r"4 rows become 2,\d{3},\d{3},\d{3}"):
        load_panel(pl.DataFrame({"ds": times, "y": [1, 2, 3, 4]}))


def test_a_named_frequency_wins() -> None:
    panel, _ = load_panel(hourly()[::2], TableOptions(frequency="1h"))
    assert (len(panel.values), panel.frequency.label) == (47, "1h")


def test_irregular_times_can_be_numbered_instead() -> None:
    irregular = hourly()[[0, 1, 5, 6, 18, 20, 33]].reverse()
    panel, _ = load_panel(irregular, TableOptions(frequency="row"))
    assert (panel.columns.time, panel.times.tolist()) == (None, list(range(7)))
    assert panel.targets[0, 0] == WAVE.astype(np.float32)[0]


def test_rows_without_times_may_say_their_step() -> None:
    panel, _ = load_panel(pl.DataFrame({"y": WAVE}), TableOptions(frequency="30min"))
    assert (panel.frequency.label, panel.times[-1], panel.horizon_times(0, 48, 2).tolist()) == ("30min", 47, [48, 49])


def test_month_ends_stay_month_ends() -> None:
    ends = pl.date_range(pl.date(2023, 1, 1), pl.date(2024, 6, 1), "1mo", eager=True).dt.month_end()
    for options in (TableOptions(), TableOptions(frequency="1mo")):
        panel, _ = load_panel(pl.DataFrame({"ds": ends, "y": range(0, 36, 2)}), options)
        assert panel.frequency == Frequency("mo", month_end=True)
        assert (panel.times == ends.to_numpy()).all()


def test_the_grid_agrees_with_the_steps_of_the_horizon() -> None:
    for label in ("15min", "1d", "1b", "1w", "1mo", "1q"):
        frequency = parse_frequency(label)
        start = np.datetime64("2024-01-01", "us")
        times = np.concatenate([[start], frequency.steps_from(start, 39)])
        kept = np.r_[0:10, 13:40]
        panel, _ = load_panel(pl.DataFrame({"ds": times[kept], "y": np.sin(kept)}))
        assert (panel.frequency.label, (panel.times == times).all()) == (label, True)


def test_series_keep_their_own_starts_and_ends() -> None:
    long = pl.concat([hourly().with_columns(k=pl.lit("a")), hourly()[10:30].with_columns(k=pl.lit("b"))])
    panel, _ = load_panel(long)
    assert panel.lengths.tolist() == [48, 20]
    assert (panel.times[panel.rows(1)] == HOURS[10:30].to_numpy()).all()


def test_short_series_are_dropped_when_asked() -> None:
    long = pl.concat([hourly().with_columns(k=pl.lit("a")), hourly()[10:30].with_columns(k=pl.lit("b"))])
    panel, guesses = load_panel(long, TableOptions(min_rows=30))
    assert (panel.ids, panel.offsets.tolist()) == (("a",), [0, 48])
    assert "series dropped = b (fewer than min_rows=30 rows)" in map(str, guesses)
    with pytest.raises(TableError, match="min_rows=100 drops every series: the longest has 48 rows"):
        load_panel(long, TableOptions(min_rows=100))


def test_static_covariates_have_one_value_a_series() -> None:
    size = pl.DataFrame(
        {"ds": [*HOURS, *HOURS], "k": ["a"] * 48 + ["b"] * 48, "size": [3] * 48 + [5] * 48, "y": [*WAVE] * 2}
    )
    options = TableOptions(id="k", static=("size",))
    assert load_panel(size, options)[0].static.tolist() == [[3], [5]]
    wrong = size.with_columns(size=pl.Series([3] * 48 + [5] * 20 + [6] * 28))
    with pytest.raises(TableError, match=r'series "b" has 5 \(row 48 .*\) and 6 \(row 68'):
        load_panel(wrong, options)
    with pytest.raises(TableError, match='series "b" has no value of static="size"'):
        load_panel(size.with_columns(size=pl.Series([3] * 48 + [None] * 48)), options)


def test_a_constant_target_is_refused_by_series() -> None:
    long = pl.DataFrame({"ds": [*HOURS, *HOURS], "k": ["a"] * 48 + ["b"] * 48, "y": [*WAVE, *[4.0] * 48]})
    with pytest.raises(TableError, match='target "y" of series "b" is 4 in every row'):
        load_panel(long)
    with pytest.raises(TableError, match=r'target "y" is 4 in every row: there is nothing to learn\. Name another'):
        load_panel(pl.DataFrame({"ds": HOURS, "y": [4.0] * 48}))


def test_a_target_without_values_is_refused() -> None:
    with pytest.raises(TableError, match='column "y" has no values'):
        load_panel(hourly().with_columns(y=pl.lit(None, pl.Float64)), TableOptions(target=("y",)))
    long = pl.DataFrame(
        {"ds": [*HOURS, *HOURS], "k": ["a"] * 48 + ["b"] * 48, "y": [*WAVE, *[None] * 48]}, strict=False
    )
    with pytest.raises(TableError, match='series "b" has no value of y'):
        load_panel(long)


def test_one_row_is_refused() -> None:
    with pytest.raises(TableError, match="the table has one row"):
        load_panel(hourly()[:1])


def test_columns_layout_equals_the_melted_table() -> None:
    wide = pl.DataFrame({"ds": HOURS, "A": WAVE, "B": [None] * 5 + (-WAVE[5:40]).tolist() + [None] * 8}, strict=False)
    panel, _ = load_panel(wide, TableOptions(layout="columns"))
    long = wide.unpivot(index="ds", variable_name="unique_id", value_name="y").drop_nulls()
    expected, _ = load_panel(long)
    assert (panel.ids, panel.columns) == (expected.ids, Columns(target=("y",), id="unique_id", time="ds"))
    assert panel.offsets.tolist() == expected.offsets.tolist()
    assert (panel.values == expected.values).all()
    assert (panel.times == expected.times).all()


def test_columns_layout_names_the_cell_and_takes_a_choice() -> None:
    wide = pl.DataFrame({"ds": HOURS, "A": WAVE, "B": -WAVE, "C": 2 * WAVE})
    assert load_panel(wide, TableOptions(layout="columns", target=("C", "A")))[0].ids == ("C", "A")
    with pytest.raises(TimeError, match=r'column "A", row 0 .*, at 2024-01-01 00:07:00, is off the 1h'):
        load_panel(
            wide.with_columns(ds=pl.Series(["2024-01-01 00:07:00", *HOURS[1:].cast(pl.String)])),
            TableOptions(layout="columns"),
        )
    with pytest.raises(OptionError, match="layout=columns has no columns for past="):
        load_panel(wide, TableOptions(layout="columns", past=("A",)))


def test_rows_layout_trims_the_empty_tail(tmp_path: Path) -> None:
    path = tmp_path / "m4.csv"
    path.write_text('"V1","V2","V3","V4","V5"\n"H1","1","2","",""\n"H2","3","NA","5","6"\n')
    panel, _ = load_panel(path, TableOptions(layout="rows"))
    assert (panel.ids, panel.offsets.tolist(), panel.dated) == (("H1", "H2"), [0, 2, 6], False)
    assert np.array_equal(panel.targets[:, 0], np.array([1, 2, 3, np.nan, 5, 6], np.float32), equal_nan=True)
    path.write_text("H1,1,2,4\nH2,3,5,6\n")
    assert load_panel(path, TableOptions(layout="rows"))[0].ids == ("H1", "H2")
    path.write_text("1,2,3\n3,5,6\n")
    assert load_panel(path, TableOptions(layout="rows"))[0].ids == ("s1", "s2")


@pytest.mark.parametrize(
    ("content", "lesson"),
    [
        ("id,v1,v2\na,1,2\na,3,4\n", 'series "a" has two rows, line 2 and line 3'),
        ("id,v1,v2\na,1,2\nb,,\n", 'line 3: series "b" has no values'),
        ("id,v1,v2\na,1,2\nb,1,x\nc,1,4\n", 'column "v2", line 3: "x" is not a number'),
        ("id,v1,v2\na,1,2\n,1,3\n", 'column "id", line 3: the series has no name'),
    ],
)
def test_rows_layout_refuses_by_line(tmp_path: Path, content: str, lesson: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(TableError, match=lesson):
        load_panel(tmp_path / "t.csv", TableOptions(layout="rows"))


def test_new_data_are_matched_by_name() -> None:
    old = pl.DataFrame({"ds": HOURS, "temp": WAVE**2, "y": WAVE})
    panel, _ = load_panel(old)
    new = old.select("y", pl.lit("noise").alias("note"), "temp", "ds")[40:]
    like = load_panel_like(new, panel.columns, panel.frequency)
    assert like.columns == panel.columns
    assert (like.values == panel.values[40:]).all()


def test_new_data_may_be_flat_or_one_row() -> None:
    panel, _ = load_panel(hourly())
    assert load_panel_like(hourly()[:1], panel.columns, panel.frequency).lengths.tolist() == [1]
    flat = hourly().with_columns(y=pl.lit(1.0))
    assert load_panel_like(flat, panel.columns, panel.frequency).lengths.tolist() == [48]


def test_new_data_that_lack_a_column_are_refused_with_the_difference() -> None:
    columns = Columns(target=("y",), time="ds", past=("temp", "wind"))
    with pytest.raises(
        ColumnError, match=r"the model needs past=temp, wind, which the new data lack; they have: ds, y\."
    ):
        load_panel_like(hourly(), columns, parse_frequency("1h"))


def test_new_data_of_another_step_are_refused_with_both() -> None:
    columns = Columns(target=("y",), time="ds")
    with pytest.raises(TimeError, match=r"rows 15min apart .* rows 1h apart \(hourly\)"):
        load_panel_like(hourly(), columns, parse_frequency("15min"))
    with pytest.raises(TimeError, match=r"rows 2h apart .* rows 1h apart \(hourly\)"):
        load_panel_like(hourly(), columns, parse_frequency("2h"))


def test_a_few_new_rows_keep_the_step_of_the_model() -> None:
    columns = Columns(target=("y",), time="ds")
    days = pl.date_range(pl.date(2024, 1, 4), pl.date(2024, 1, 9), "1d", eager=True)
    week = pl.DataFrame({"ds": days, "y": range(6)}).filter(pl.col("ds").dt.weekday() < 6)
    assert load_panel_like(week, columns, parse_frequency("1b")).lengths.tolist() == [4]
    ends = pl.DataFrame({"ds": ["2024-01-31", "2024-02-29"], "y": [1, 2]})
    assert load_panel_like(ends, columns, Frequency("mo", month_end=True)).lengths.tolist() == [2]


def test_new_data_compose_their_time_again() -> None:
    parts = {"year": [2024] * 48, "month": [1] * 48, "day": HOURS.dt.day(), "hour": HOURS.dt.hour(), "y": WAVE}
    panel, _ = load_panel(pl.DataFrame(parts))
    like = load_panel_like(pl.DataFrame(parts)[24:], panel.columns, panel.frequency)
    assert (like.times == panel.times[24:]).all()
    with pytest.raises(ColumnError, match="the model needs time=hour, which the new data lack"):
        load_panel_like(pl.DataFrame(parts).drop("hour"), panel.columns, panel.frequency)


@pytest.mark.parametrize("layout", ["columns", "rows"])
def test_new_data_keep_their_layout(layout: str) -> None:
    columns = {"ds": HOURS, "A": WAVE, "B": -WAVE}
    rows = {"k": ["A", "B"], **{f"v{i}": [WAVE[i], -WAVE[i]] for i in range(48)}}
    options, source = TableOptions(layout=layout), pl.DataFrame(columns if layout == "columns" else rows)  # type: ignore[arg-type]
    panel, _ = load_panel(source, options)
    like = load_panel_like(source, panel.columns, panel.frequency, options)
    assert (like.ids, like.columns, (like.values == panel.values).all()) == (panel.ids, panel.columns, True)


def test_weekly_carbon_dioxide_of_statsmodels_reads() -> None:
    panel, _ = load_panel(co2.load_pandas().data)
    assert (panel.frequency.label, panel.columns.target, len(panel.values)) == ("1w", ("co2",), 2284)
    assert np.isnan(panel.targets).sum() == co2.load_pandas().data["co2"].isna().sum()


def test_monthly_el_nino_of_statsmodels_reads() -> None:
    wide = elnino.load_pandas().data
    long = wide.melt(id_vars="YEAR", var_name="month", value_name="sst")
    long["ds"] = pd.to_datetime(long["month"].str.title() + long["YEAR"].astype(int).astype(str), format="%b%Y")
    panel, _ = load_panel(long[["ds", "sst"]])
    assert (panel.frequency.label, len(panel.values)) == ("1mo", 12 * len(wide))
    assert panel.targets[:12, 0] == pytest.approx(wide.iloc[0, 1:].to_numpy(float))


data = pytest.mark.skipif("GATECAST_DATA" not in os.environ, reason="GATECAST_DATA names no folder with real data")


@data
def test_m4_hourly_series_have_their_published_lengths() -> None:
    panel, _ = load_panel(Path(os.environ["GATECAST_DATA"]) / "m4/Hourly-train.csv.gz", TableOptions(layout="rows"))
    assert (len(panel.ids), panel.lengths.min(), panel.lengths.max()) == (414, 700, 960)


@data
def test_hospital_reads_as_767_monthly_series() -> None:
    panel, _ = load_panel(Path(os.environ["GATECAST_DATA"]) / "hospital.csv.gz", TableOptions(layout="columns"))
    assert (len(panel.ids), panel.frequency.label, set(panel.lengths.tolist())) == (767, "1mo", {84})
