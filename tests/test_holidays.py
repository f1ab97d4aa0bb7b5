"""Holidays as features of rows, against the package that knows them and a slow loop."""

import datetime as dt
import sys

import numpy as np
import polars as pl
import pytest

from gatecast.data.calendar import calendar_feature_names, calendar_features
from gatecast.data.columns import TableOptions
from gatecast.data.frequency import Frequency, parse_frequency
from gatecast.data.holidays import holiday_days, holiday_feature_names, holiday_features
from gatecast.data.reading import load_panel, load_panel_like
from gatecast.errors import MissingExtraError, OptionError

package = pytest.importorskip("holidays", reason="the extra gatecast[holidays] is not installed")


def days(first: str, count: int, step: str = "1d") -> np.ndarray:
    start = np.datetime64(first, "us")
    return np.concatenate([[start], parse_frequency(step).steps_from(start, count - 1)])


def date(time: np.datetime64) -> dt.date:
    return time.astype("datetime64[D]").astype(object)


@pytest.mark.parametrize(("country", "subdivision"), [("DE", None), ("US", "CA"), ("GB", "SCT"), ("JP", None)])
def test_days_equal_a_slow_loop_over_the_calendar(country: str, subdivision: str | None) -> None:
    known = package.country_holidays(country, subdiv=subdivision, years=range(2022, 2027))
    times = days("2023-01-01", 800)
    found = holiday_features(times, parse_frequency("1d"), f"{country}-{subdivision}" if subdivision else country)
    for time, (today, ahead, back) in zip(times, found.tolist(), strict=True):
        day = date(time)
        far = [[step for step in range(1, 8) if day + sign * dt.timedelta(step) in known] for sign in (1, -1)]
        expected = [float(day in known), *(min(steps, default=7) / 7 for steps in far)]
        assert [today, ahead, back] == pytest.approx(expected, abs=1e-7), day


def test_christmas_in_germany_by_hand() -> None:
    found = holiday_features(days("2024-12-23", 6), parse_frequency("1d"), "DE")
    assert found[:, 0].tolist() == [0, 0, 1, 1, 0, 0]
    assert found[:, 1] * 7 == pytest.approx([2, 1, 1, 6, 5, 4], abs=1e-6), "then New Year"
    assert found[:, 2] * 7 == pytest.approx([7, 7, 7, 1, 1, 2], abs=1e-6)


def test_every_hour_has_the_holidays_of_its_date() -> None:
    hours = days("2024-12-20", 24 * 10, "1h")
    by_hour = holiday_features(hours, parse_frequency("1h"), "DE")
    by_day = holiday_features(days("2024-12-20", 10), parse_frequency("1d"), "DE")
    assert (by_hour == np.repeat(by_day, 24, axis=0)).all()


@pytest.mark.parametrize(
    ("frequency", "first", "span"),
    [
        (parse_frequency("1w"), "2023-01-02", lambda day: (day, day + dt.timedelta(7))),
        (parse_frequency("2d"), "2023-01-02", lambda day: (day, day + dt.timedelta(2))),
        (parse_frequency("1mo"), "2023-01-01", lambda day: (day, (day + dt.timedelta(31)).replace(day=1))),
        (Frequency("mo", month_end=True), "2023-01-31", lambda day: (day.replace(day=1), day + dt.timedelta(1))),
        (parse_frequency("1y"), "2020-01-01", lambda day: (day, day.replace(year=day.year + 1))),
    ],
    ids=["weeks", "two days", "months", "month ends", "years"],
)
def test_longer_steps_count_the_holidays_of_their_period(frequency: Frequency, first: str, span: object) -> None:
    start = np.datetime64(first, "us")
    times = np.concatenate([[start], frequency.steps_from(start, 39)])
    known = sorted(package.country_holidays("DE", years=range(2019, 2062)))
    found = holiday_features(times, frequency, "DE")
    assert holiday_feature_names(frequency) == ("holiday_count",)
    for time, count in zip(times, found[:, 0].tolist(), strict=True):
        begin, end = span(date(time))  # type: ignore[operator]
        assert count == sum(begin <= day < end for day in known), time


def test_the_calendar_has_holidays_behind_its_circles_where_asked() -> None:
    times, frequency = days("2024-01-01", 30), parse_frequency("1d")
    names = calendar_feature_names(frequency, "DE")
    features = calendar_features(times, frequency, "DE")
    assert names == (*calendar_feature_names(frequency), "holiday_today", "holiday_next", "holiday_last")
    assert features.shape == (30, len(names))
    assert (features[:, :-3] == calendar_features(times, frequency)).all()
    assert (features[:, -3:] == holiday_features(times, frequency, "DE")).all()
    assert calendar_features(times[:0], frequency, "DE").shape == (0, len(names))


def test_a_day_off_in_lieu_counts() -> None:
    monday = days("2022-12-26", 1)  # Christmas 2022 fell on a Sunday
    assert holiday_features(monday, parse_frequency("1d"), "US")[0, 0] == 1


def test_codes_are_read_in_either_case() -> None:
    assert (holiday_days("us-ca", 2024, 2024) == holiday_days("US-CA", 2024, 2024)).all()
    assert len(holiday_days("US-CA", 2024, 2024)) != len(holiday_days("US", 2024, 2024))


@pytest.mark.parametrize(
    ("country", "lesson"),
    [
        (
            "germany",
            r"holidays=germany names no country that is known\. Did you mean DE \(Germany\) or GG .*\? Say its ISO",
        ),
        ("Frnce", r"Did you mean FR \(France\)"),
        ("XX", r"holidays=XX names no country that is known\. Say its ISO 3166 code, such as DE"),
        ("DE-Bavaria", r"DE has no subdivision 'Bavaria'\. Its subdivisions are BB, BE, BW, BY"),
    ],
)
def test_unknown_places_are_refused_with_near_ones(country: str, lesson: str) -> None:
    with pytest.raises(OptionError, match=lesson):
        holiday_days(country, 2024, 2024)


def test_rows_without_dates_have_no_holidays() -> None:
    with pytest.raises(OptionError, match="holidays=DE needs rows with dates; name the time column with time="):
        calendar_features(np.arange(3), parse_frequency("1h"), "DE")


def test_without_the_package_the_remedy_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    holiday_days.cache_clear()
    with pytest.raises(MissingExtraError, match=r"holidays=DE needs holidays.*pip install 'gatecast\[holidays\]'"):
        holiday_days("DE", 2024, 2024)


def daily(count: int = 60) -> pl.DataFrame:
    return pl.DataFrame({"ds": days("2024-11-20", count), "y": np.sin(np.arange(count))})


def test_the_panel_remembers_whose_holidays_are_read() -> None:
    panel, _ = load_panel(daily(), TableOptions(holidays="DE"))
    assert panel.columns.holidays == "DE"
    assert load_panel_like(daily(), panel.columns, panel.frequency).columns == panel.columns
    assert load_panel(daily())[0].columns.holidays is None


def test_a_table_with_a_column_a_series_remembers_them_too() -> None:
    options = TableOptions(layout="columns", holidays="DE")
    panel, _ = load_panel(daily(), options)
    assert panel.columns.holidays == "DE"
    assert load_panel_like(daily(), panel.columns, panel.frequency, options).columns == panel.columns


def test_a_wrong_country_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(OptionError, match="holidays=ZZ names no country"):
        load_panel(daily(), TableOptions(holidays="ZZ"))
    with pytest.raises(OptionError, match="holidays=DE needs rows with dates"):
        load_panel(daily(), TableOptions(holidays="DE", frequency="row"))
    with pytest.raises(OptionError, match="holidays=DE needs rows with dates"):
        load_panel(pl.DataFrame({"k": ["a"], "1": [1], "2": [2], "3": [4]}), TableOptions(layout="rows", holidays="DE"))
