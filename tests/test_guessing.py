"""Guesses: which column is the time, the series, the target, a covariate, or noise."""

import numpy as np
import polars as pl
import pytest

from gatecast.data.columns import Columns, Guess, TableOptions
from gatecast.data.frequency import parse_frequency
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel, load_panel_like
from gatecast.errors import ColumnError, TableError, TimeError

HOURS = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 2, 23), "1h", eager=True)
WAVE = np.round(np.sin(np.arange(48)), 3)


def load(frame: dict[str, object], **options: object) -> tuple[Panel, dict[str, Guess]]:
    panel, guesses = load_panel(pl.DataFrame(frame), TableOptions(**options))  # type: ignore[arg-type]
    return panel, {f"{guess.what} {guess.value}": guess for guess in guesses}


def dated(texts: list[str], **options: object) -> tuple[list[str], dict[str, Guess]]:
    panel, guesses = load({"when": texts, "y": list(range(0, 3 * len(texts), 3))}, **options)
    return [str(time) for time in panel.times.astype("datetime64[s]")], guesses


@pytest.mark.parametrize(
    ("texts", "first", "second"),
    [
        (["1949-01", "1949-02", "1949-03"], "1949-01-01T00:00:00", "1949-02-01T00:00:00"),
        (["1990/1/1 0:00", "1990/1/2 0:00", "1990/1/3 0:00"], "1990-01-01T00:00:00", "1990-01-02T00:00:00"),
        (["13/01/2006", "14/01/2006", "15/01/2006"], "2006-01-13T00:00:00", "2006-01-14T00:00:00"),
        (["01/13/2006", "01/14/2006", "01/15/2006"], "2006-01-13T00:00:00", "2006-01-14T00:00:00"),
        (["01.02.2006", "02.02.2006", "03.02.2006"], "2006-02-01T00:00:00", "2006-02-02T00:00:00"),
        (["Jan 1990", "Feb 1990", "Mar 1990"], "1990-01-01T00:00:00", "1990-02-01T00:00:00"),
        (["1-Jan-1990", "2-Jan-1990", "3-January-1990"], "1990-01-01T00:00:00", "1990-01-02T00:00:00"),
        (["1990Q1", "1990-Q2", "1990 q3"], "1990-01-01T00:00:00", "1990-04-01T00:00:00"),
        (["2024-01-01T00:30", "2024-01-01 01:30", "2024-01-01 02:30:00"], "2024-01-01T00:30:00", "2024-01-01T01:30:00"),
        (
            ["1/13/2024 11:00 AM", "1/13/2024 12:00 PM", "1/13/2024 1:00 pm"],
            "2024-01-13T11:00:00",
            "2024-01-13T12:00:00",
        ),
        (
            ["2024-01-01 00:00:00.25", "2024-01-01 00:00:00.5", "2024-01-01 00:00:00.75"],
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00",
        ),
    ],
)
def test_dates_are_read_as_people_write_them(texts: list[str], first: str, second: str) -> None:
    times, _ = dated(texts)
    assert times[:2] == [first, second]


def test_fractions_of_seconds_are_kept() -> None:
    panel, _ = load({"t": ["2024-01-01 00:00:00.25", "2024-01-01 00:00:00.5"], "y": [1, 2]})
    assert panel.frequency.label == "250000us"


def test_day_order_that_no_row_decides_is_asked_for() -> None:
    texts = ["01/02/2006", "02/03/2006", "03/04/2006"]
    with pytest.raises(TimeError, match=r'column "when", row 0 .*day_first=true or day_first=false'):
        dated(texts)
    texts = ["01/02/2006", "02/02/2006", "03/02/2006"]
    assert dated(texts, day_first=True)[0][1] == "2006-02-02T00:00:00"
    assert dated(["02/01/2006", "02/02/2006"], day_first=False)[0] == ["2006-02-01T00:00:00", "2006-02-02T00:00:00"]


def test_a_day_that_never_changes_is_monthly_data() -> None:
    times, guesses = dated([f"01/{month:02}/{year}" for year in (2006, 2007) for month in range(1, 13)])
    assert times[1] == "2006-02-01T00:00:00"
    assert "dates day first" in guesses


@pytest.mark.parametrize(
    ("name", "unit", "scale"),
    [("time", "seconds", 1), ("Timestamp", "milliseconds", 1000), ("ts", "microseconds", 10**6)],
)
def test_epochs_are_times_when_the_name_says_so(name: str, unit: str, scale: int) -> None:
    epochs = [(1_704_067_200 + 3600 * hour) * scale for hour in range(4)]
    panel, guesses = load({name: epochs, "y": [1, 3, 2, 4]})
    assert (str(panel.times[0]), panel.frequency.label) == ("2024-01-01T00:00:00.000000", "1h")
    assert f"epoch {unit}" in guesses
    panel, _ = load({"money": epochs, "y": [1, 3, 2, 4]})
    assert panel.columns.past == ("money",)


def test_a_year_column_is_the_time() -> None:
    panel, _ = load({"YEAR": [1700.0, 1701.0, 1702.0], "spots": [5.0, 11.0, 16.0]})
    assert (panel.frequency.label, str(panel.times[0])[:10]) == ("1y", "1700-01-01")


def test_compact_dates_are_times_when_the_name_says_so() -> None:
    panel, _ = load({"date": [20240130, 20240131, 20240201], "y": [1, 3, 2]})
    assert (panel.frequency.label, str(panel.times[2])[:10]) == ("1d", "2024-02-01")


def test_times_are_put_together_from_their_parts() -> None:
    parts = {"Year": [2024] * 3, "MONTH": [2] * 3, "day": [28, 29, 29], "hour": [23, 0, 1]}
    panel, guesses = load({**parts, "y": [1, 3, 2]}, frequency="1h")
    assert panel.times.astype("datetime64[h]").astype(str).tolist() == [
        "2024-02-28T23",
        "2024-02-29T00",
        "2024-02-29T01",
    ]
    assert (panel.columns.time, panel.columns.time_parts) == ("ds", ("Year", "MONTH", "day", "hour"))
    assert "time Year + MONTH + day + hour" in guesses


def test_quarters_are_put_together_with_the_year() -> None:
    panel, _ = load({"year": [2023.0, 2023, 2024], "quarter": [3.0, 4, 1], "gdp": [1, 3, 2]})
    assert panel.frequency.label == "1q"


def test_parts_that_make_no_date_are_named() -> None:
    with pytest.raises(TimeError, match=r"row 1 .*: year=2023, month=2, day=29 is no date"):
        load({"year": [2023, 2023], "month": [2, 2], "day": [28, 29], "y": [1, 2]})
    with pytest.raises(TimeError, match=r"row 1 .*: year=2023.5, month=2 is no date"):
        load({"year": [2023.0, 2023.5], "month": [1, 2], "y": [1, 2]})
    with pytest.raises(TimeError, match=r"row 1 .*: year=2023.0, month=inf is no date"):
        load({"year": [2023.0, 2023.0], "month": [1.0, np.inf], "y": [1, 2]})


@pytest.mark.parametrize("name", ["shop_id", "date", "year"])
def test_an_infinite_number_is_no_code_and_no_date(name: str) -> None:
    with pytest.raises(TableError, match=f'column "{name}", row 1 .*: the value is infinite'):
        load({"y": [1, 3, 2, 4], name: [1.0, np.inf, 2.0, 1.0]})


@pytest.mark.parametrize("names", [("y",), ("month", "day"), ("year", "day")])
def test_a_model_whose_time_is_made_of_no_year_and_month_is_refused(names: tuple[str, ...]) -> None:
    table = pl.DataFrame({"year": [2024, 2024], "month": [1, 2], "day": [1, 1], "y": [1.0, 2.0]})
    columns = Columns(target=("y",), time="ds", time_parts=names)
    with pytest.raises(ColumnError, match="no time can be without a year and a month"):
        load_panel_like(table, columns, parse_frequency("1mo"))


def test_rows_are_numbered_when_nothing_is_a_time() -> None:
    panel, guesses = load({"month": ["1-01", "1-02", "1-03"], "sales": [2.0, 1.0, 4.0]})
    assert (panel.columns.time, panel.frequency.label, panel.times.tolist()) == (None, "1row", [0, 1, 2])
    assert "time none" in guesses


def test_a_text_column_tells_series_apart_when_times_repeat() -> None:
    frame = {
        "ds": [*HOURS, *HOURS],
        "weather": ["dry", "wet"] * 48,
        "shop": ["a"] * 48 + ["b"] * 48,
        "y": [*WAVE, *WAVE],
    }
    panel, _ = load(frame)
    assert panel.columns.id == "shop"
    assert panel.ids == ("a", "b")
    mixed = pl.DataFrame(frame).sort("ds").to_dict(as_series=False)
    assert (load(mixed)[0].values == panel.values).all()


def test_a_text_column_is_no_id_when_times_do_not_repeat() -> None:
    panel, guesses = load({"ds": HOURS, "weather": ["dry", "wet"] * 24, "y": WAVE})
    assert panel.columns.id is None
    assert guesses["categorical, past weather (2 words)"].why == "few different words, not known ahead"


def test_a_code_tells_series_apart_when_its_name_says_so() -> None:
    panel, _ = load({"ds": [*HOURS, *HOURS], "store_id": [7.0] * 48 + [9.0] * 48, "y": [*WAVE, *-WAVE]})
    assert panel.ids == ("7", "9")


def test_without_times_an_id_comes_in_blocks() -> None:
    assert load({"k": ["a"] * 3 + ["b"] * 3, "y": [1, 2, 4, 1, 3, 9]})[0].ids == ("a", "b")
    assert load({"k": ["a", "b"] * 3, "y": [1, 2, 4, 1, 3, 9]})[0].ids == ("series",)


def test_row_counts_and_parts_of_the_date_are_left_out() -> None:
    at = HOURS.dt
    frame = {
        "No": range(1, 49),
        "ds": HOURS,
        "temp": WAVE,
        "load": 2 * WAVE + 1,
        "const": [7.0] * 48,
        "month0": at.month() - 1,
        "hour": at.hour(),
        "weekday": (at.weekday() + 3) % 7,
        "doy": at.ordinal_day(),
    }
    panel, guesses = load(frame)
    assert panel.columns.channels == ("load", "temp")
    assert guesses["left out No"].why == "only counts the rows"
    assert guesses["left out hour, weekday, doy"].why == "follows from the time"
    assert guesses["left out const, month0"].why == "never changes"


def test_named_columns_are_obeyed() -> None:
    frame = {"ds": HOURS, "hour": HOURS.dt.hour(), "const": [7.0] * 48, "y": WAVE, "z": WAVE}
    panel, guesses = load(frame, target=("z",), past=("const",), future=("hour",))
    assert panel.columns.channels == ("z", "const", "hour")
    assert not any(name.startswith(("target", "past")) for name in guesses)


def test_a_lone_count_is_still_a_target() -> None:
    assert load({"n": [1, 2, 3, 4]})[0].columns.target == ("n",)


def test_a_column_called_y_is_the_target() -> None:
    assert load({"ds": HOURS, "y": WAVE, "x": -WAVE})[0].columns.channels == ("y", "x")


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(
        ColumnError, match=r'no column "Tmep" \(past=\)\. Did you mean "temp"\? The columns are: ds, temp, y'
    ):
        load({"ds": HOURS, "temp": WAVE, "y": WAVE}, past=("Tmep",))


def test_a_column_in_two_parts_is_refused() -> None:
    with pytest.raises(ColumnError, match='"temp" is named as target and as past'):
        load({"ds": HOURS, "temp": WAVE}, target=("temp",), past=("temp",))


def test_words_as_the_target_are_refused() -> None:
    with pytest.raises(ColumnError, match=r'column "sky" must hold numbers, but row 0 .* says "dry"'):
        load({"ds": HOURS, "sky": ["dry"] * 48, "y": WAVE}, target=("sky",))


def test_words_as_the_time_are_refused() -> None:
    with pytest.raises(ColumnError, match=r'time column "sky" holds no dates: row 0 .* says "dry"'):
        load({"sky": ["dry"] * 48, "y": WAVE}, time="sky")


def test_a_table_without_numbers_is_refused() -> None:
    with pytest.raises(TableError, match="no column holds numbers that could be forecast"):
        load({"ds": HOURS, "sky": ["dry"] * 48})


def test_a_date_that_fits_no_other_is_named() -> None:
    with pytest.raises(TimeError, match=r'column "when", row 1 .*: "2024-02-30" is no date'):
        dated(["2024-02-29", "2024-02-30", "2024-03-01"])
    with pytest.raises(TimeError, match=r'column "when", row 1 .*: "soon" is no date'):
        dated(["2024-02-29", "soon", "2024-03-01"])


def test_a_missing_time_is_named() -> None:
    with pytest.raises(TimeError, match=r'column "when", row 1 .*: the time is missing'):
        dated(["2024-02-29", "NA", "2024-03-01"])


def test_offsets_become_utc_across_the_change_of_clocks() -> None:
    texts = ["2024-10-27T01:30+02:00", "2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00", "2024-10-27T03:30+0100"]
    times, guesses = dated(texts)
    assert times == [f"2024-10-{day}:30:00" for day in ("26T23", "27T00", "27T01", "27T02")]
    assert guesses["time zone UTC"].why == "the stamps carry offsets: UTC +1 h and +2 h"


def test_daily_stamps_at_local_midnight_keep_their_dates() -> None:
    days = pl.datetime_range(
        pl.datetime(2024, 3, 29), pl.datetime(2024, 4, 3), "1d", time_zone="Europe/Berlin", eager=True
    )
    panel, guesses = load({"ds": days, "y": [1, 3, 2, 5, 4, 6]})
    assert panel.frequency.label == "1d"
    assert panel.times.astype("datetime64[D]").astype(str).tolist()[0] == "2024-03-29"
    assert "time zone local dates" in guesses


@pytest.mark.parametrize("other", ["2024-01-01T02:00", "2024-01-01T02:00-05:00"])
def test_mixed_zones_are_refused_with_both_rows(other: str) -> None:
    with pytest.raises(TimeError, match=r"mixed time zones: row \d .* and row \d"):
        dated(["2024-01-01T00:00+01:00", "2024-01-01T01:00+01:00", other])


def test_guesses_come_in_the_order_they_are_made_and_with_reasons() -> None:
    _, guesses = load({"No": range(48), "ds": HOURS, "temp": WAVE, "load": 2 * WAVE})
    assert [str(guess) for guess in guesses.values()] == [
        "time = ds (it holds dates)",
        "target = load (the last column with numbers)",
        "past = temp (the other columns with numbers, not known ahead)",
        "left out = No (only counts the rows)",
        "frequency = 1h (hourly: the step between most rows)",
    ]
