"""Frequencies: inferred from times, stepped along, put in words, turned into features."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.data.calendar import calendar_feature_names, calendar_features
from gatecast.data.frequency import Frequency, parse_frequency, season_candidates
from gatecast.data.grid import from_grid, infer_frequency, on_grid, to_grid
from gatecast.errors import OptionError, TimeError

STARTS = {"b": "2024-01-01T09:30", "mo": "2024-01-01", "q": "2024-01-01", "y": "2020-01-01"}
LABELS = [
    "250us",
    "1s",
    "30s",
    "1min",
    "15min",
    "1h",
    "6h",
    "1d",
    "2d",
    "1b",
    "1w",
    "2w",
    "1mo",
    "2mo",
    "1q",
    "1y",
    "2y",
]


def grid(label: str, count: int = 60) -> np.ndarray:
    frequency = parse_frequency(label)
    start = np.datetime64(STARTS.get(frequency.unit, "2024-01-01T00:10"), "us")
    return np.concatenate([[start], frequency.steps_from(start, count - 1)]).astype("datetime64[us]")


def infer(times: np.ndarray) -> str:
    return infer_frequency(times, np.array([0, len(times)])).label


@pytest.mark.parametrize("label", LABELS)
def test_a_regular_grid_is_recognised(label: str) -> None:
    assert infer(grid(label)) == label


@pytest.mark.parametrize("label", LABELS)
def test_gaps_and_a_duplicate_do_not_disturb_the_frequency(label: str) -> None:
    times = np.delete(grid(label), [7, 8, 20, 33, 34, 35])
    assert infer(np.sort(np.append(times, times[11]))) == label


@pytest.mark.parametrize("label", LABELS)
def test_places_and_rests_give_the_times_back(label: str) -> None:
    frequency, times = parse_frequency(label), grid(label)
    place, rest = to_grid(times, frequency)
    assert (np.diff(place) == 1).all()
    assert len(np.unique(rest)) == 1
    assert (from_grid(place, rest, frequency) == times).all()


@given(
    st.datetimes(
        min_value=np.datetime64("1900-01-01", "us").item(), max_value=np.datetime64("2100-01-01", "us").item()
    ),
    st.sampled_from([*LABELS, "3b", "5q"]),
    st.booleans(),
)
def test_any_time_survives_the_grid(moment: object, label: str, month_end: bool) -> None:  # noqa: FBT001
    frequency = parse_frequency(label)
    frequency = Frequency(
        frequency.unit, frequency.multiple, month_end=month_end and frequency.unit in ("mo", "q", "y")
    )
    times = np.array([moment], dtype="datetime64[us]")
    if frequency.unit == "b" and not np.is_busday(times.astype("datetime64[D]"))[0]:
        return
    assert from_grid(*to_grid(times, frequency), frequency)[0] == times[0]


def test_business_places_agree_with_numpy() -> None:
    days = np.arange(np.datetime64("1960-01-01"), np.datetime64("1980-01-01"))
    days = days[np.is_busday(days)]
    place, _ = to_grid(days.astype("datetime64[us]"), Frequency("b"))
    assert (np.diff(place) == np.busday_count(days[:-1], days[1:])).all()


def test_month_ends_are_recognised_and_stepped_along() -> None:
    ends = np.array(["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], dtype="datetime64[us]")
    frequency = infer_frequency(ends, np.array([0, 5]))
    assert frequency == Frequency("mo", month_end=True)
    assert frequency.steps_from(ends[0], 4).tolist() == ends[1:].tolist()


def test_quarter_ends_are_recognised() -> None:
    ends = np.array(["2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31", "2024-03-31"], dtype="datetime64[us]")
    assert infer_frequency(ends, np.array([0, 5])) == Frequency("q", month_end=True)


def test_four_weeks_are_not_a_month() -> None:
    assert infer(np.arange("2024-01-01", "2026-01-01", 28, dtype="datetime64[D]").astype("datetime64[us]")) == "4w"


def test_weekdays_in_a_short_table_are_days() -> None:
    assert infer(np.arange("2024-01-01", "2024-01-06", dtype="datetime64[D]").astype("datetime64[us]")) == "1d"


def test_the_spring_hour_lost_in_local_time_is_a_gap() -> None:
    times = np.delete(grid("1h", 72), 27)
    assert infer(times) == "1h"


def test_steps_across_a_series_border_do_not_count() -> None:
    times = np.concatenate([grid("1d", 3), grid("1d", 3) + np.timedelta64(5, "h")]).astype("datetime64[us]")
    assert infer_frequency(times, np.array([0, 3, 6])).label == "1d"


def test_one_stamp_off_the_grid_is_named() -> None:
    times = grid("1h", 50)
    times[10] += np.timedelta64(7 * 60, "s")
    with pytest.raises(TimeError, match=r"row 10, at 2024-01-01 10:17:00, is off the 1h \(hourly\) grid"):
        infer(times)


def test_a_first_stamp_off_the_grid_is_the_one_named() -> None:
    times = grid("1h", 50)
    times[0] -= np.timedelta64(60, "s")
    with pytest.raises(TimeError, match=r"row 0, at 2024-01-01 00:09:00, is off"):
        infer(times)


def test_irregular_times_are_refused_with_a_remedy() -> None:
    days = np.cumsum([1, 3, 2, 7, 5, 11, 1, 4, 9, 2, 8, 3])
    times = (np.datetime64("2024-01-01") + days).astype("datetime64[us]") + np.arange(12) ** 3 * np.timedelta64(61, "s")
    with pytest.raises(TimeError, match=r"no regular grid.*frequency=row"):
        infer(times.astype("datetime64[us]"))


def test_single_rows_have_no_frequency() -> None:
    with pytest.raises(TimeError, match="rows at two different times"):
        infer_frequency(grid("1h", 2), np.array([0, 1, 2]))


def test_a_named_frequency_that_does_not_fit_is_refused() -> None:
    with pytest.raises(
        TimeError, match=r"with 2h \(every 2 hours\) as the step, 30 of 60 rows are off it, the first in row 1,"
    ):
        on_grid(grid("1h"), np.array([0, 60]), parse_frequency("2h"))


@pytest.mark.parametrize(
    ("label", "name", "seasons"),
    [
        ("1h", "hourly", (24, 168)),
        ("30min", "every 30 minutes", (48, 336)),
        ("15min", "every 15 minutes", (96, 672)),
        ("10min", "every 10 minutes", (144, 1008)),
        ("12h", "every 12 hours", (2, 14)),
        ("24h", "every 24 hours", (7,)),
        ("7h", "every 7 hours", (24,)),
        ("1d", "daily", (7, 364)),
        ("1b", "business days", (5, 260)),
        ("1w", "weekly", (52,)),
        ("1mo", "monthly", (12,)),
        ("1q", "quarterly", (4,)),
        ("1y", "yearly", ()),
        ("row", "numbered rows", ()),
    ],
)
def test_a_step_has_a_name_and_seasons(label: str, name: str, seasons: tuple[int, ...]) -> None:
    assert parse_frequency(label).name == name
    assert season_candidates(parse_frequency(label)) == seasons


def test_features_lie_on_circles_of_the_right_length() -> None:
    names = calendar_feature_names(parse_frequency("1h"))
    times = np.array(["2024-01-01T06:00", "2024-01-04T12:00", "2024-07-02T00:00"], dtype="datetime64[us]")
    features = dict(zip(names, calendar_features(times, parse_frequency("1h")).T, strict=True))
    assert features["day_1_sin"][0] == pytest.approx(1)  # a quarter of the day
    assert features["week_1_cos"][1] == pytest.approx(-1)  # Thursday noon is half of the week
    assert features["year_1_cos"][2] == pytest.approx(-1)  # 183 of 366 days are half of a leap year
    assert features["season_2_cos"][2] == pytest.approx(1)  # the second wave is all round


def test_waves_of_the_week_tell_all_seven_days_apart() -> None:
    days = calendar_features(np.arange("2024-01-01", "2024-01-08", dtype="datetime64[D]"), parse_frequency("1d"))
    week = [i for i, name in enumerate(calendar_feature_names(parse_frequency("1d"))) if name.startswith("weekday")]
    assert np.linalg.matrix_rank(np.column_stack([np.ones(7), days[:, week]]), tol=1e-3) == 7


def test_the_feature_count_depends_on_the_frequency_alone() -> None:
    for label in [*LABELS, "row", "24h"]:
        frequency = parse_frequency(label)
        dated, numbered = calendar_features(grid("1d"), frequency), calendar_features(np.arange(60), frequency)
        assert dated.shape == numbered.shape == (60, len(calendar_feature_names(frequency)))
        assert (np.abs(dated) <= 1).all()


@pytest.mark.parametrize(
    ("label", "count"), [("1h", 20), ("24h", 18), ("1d", 18), ("1b", 18), ("1w", 10), ("1mo", 10), ("1q", 4)]
)
def test_waves_that_rows_cannot_show_give_no_feature(label: str, count: int) -> None:
    assert len(calendar_feature_names(parse_frequency(label))) == count


def test_row_numbers_repeat_with_the_season() -> None:
    features = calendar_features(np.arange(48), parse_frequency("1h"))
    assert features[:24, :2] == pytest.approx(features[24:, :2], abs=1e-6)


def test_rows_are_numbered_one_by_one_whatever_the_step() -> None:
    assert parse_frequency("30min").steps_from(7, 3).tolist() == [8, 9, 10]


def test_steps_agree_with_polars_ranges() -> None:
    start = np.datetime64("2024-01-01", "us")
    for label, every in (("15min", "15m"), ("1mo", "1mo"), ("1q", "1q"), ("2w", "2w")):
        expected = pl.datetime_range(start.item(), pl.datetime(2030, 1, 1), every, eager=True)[1:20].to_numpy()
        assert (parse_frequency(label).steps_from(start, 19) == expected).all()


def test_an_unknown_frequency_is_refused() -> None:
    with pytest.raises(OptionError, match="such as 15min"):
        parse_frequency("fortnight")
