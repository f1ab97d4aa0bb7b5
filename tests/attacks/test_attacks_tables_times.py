"""Times as people, programs and calendars write them: read as what they mean, or refused by cell."""

from pathlib import Path

import numpy as np
import pytest
from ledger import BOOK, sections
from tables_tried import VALUES, dated, hold_read, hold_refused_everywhere, written

ROOM = "Tables: times"
SHOPS = [("a", 3), ("b", 100)]
EPOCH = 1_704_067_200
ARABIC, WIDE = "\u0662\u0660\u0662\u0664", "\uff12\uff10\uff12\uff14"  # 2024
REFUSED: dict[str, str] = {
    "01/02/2024 to 03/02/2024, which may be days or months": dated("01/02/2024", "02/02/2024", "03/02/2024"),
    "13/02/2024 and 02/15/2024 in one column": dated("13/02/2024", "14/02/2024", "02/15/2024"),
    "2024-01-01 and 03/01/2024 in one column": dated("2024-01-01", "2024-01-02", "03/01/2024"),
    "24:00 for midnight": dated("2024-01-01 22:00", "2024-01-01 23:00", "2024-01-01 24:00"),
    "25:00": dated("2024-01-01 23:00", "2024-01-02 00:00", "2024-01-02 25:00"),
    "a leap second: 23:59:60": dated("2016-12-31 23:59:58", "2016-12-31 23:59:59", "2016-12-31 23:59:60"),
    "30 February": dated("2024-02-28", "2024-02-29", "2024-02-30"),
    "29 February of 2023": dated("2023-02-27", "2023-02-28", "2023-02-29"),
    "month 13": dated("2024-11-01", "2024-12-01", "2024-13-01"),
    "31 April": dated("2024-04-29", "2024-04-30", "2024-04-31"),
    "year 0": dated("0000-01-01", "0001-01-01", "0002-01-01"),
    "year 10000": dated("9999-12-30", "9999-12-31", "10000-01-01"),
    "year -1": dated("-0001-01-01", "0001-01-01", "0002-01-01"),
    "one year mistyped: 2924": dated("2024-01-01", "2024-01-02", "2924-01-03", "2024-01-04"),
    "1970 where the clock of a sensor failed": dated("2024-01-01", "2024-01-02", "1970-01-01", "2024-01-04"),
    "years 1 and 9999 in one column": dated("0001-01-01", "0001-01-02", "9999-12-31"),
    "two stamps a microsecond apart, and one in December": dated(
        "2024-01-01 00:00:00.000001", "2024-01-01 00:00:00.000002", "2024-12-01 00:00:00"
    ),
    "the hour that comes twice in autumn, without an offset": dated(
        "2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"
    ),
    "offsets of two continents": dated("2024-01-01T00:00+01:00", "2024-01-01T01:00-05:00", "2024-01-01T02:00+01:00"),
    "offsets in some rows alone": dated("2024-01-01T00:00Z", "2024-01-01T01:00", "2024-01-01T02:00Z"),
    "three offsets": dated("2024-01-01T00:00Z", "2024-01-01T01:00+00:30", "2024-01-01T02:00+01:00"),
    "an offset of 25 hours in one row": dated(
        "2024-01-01T00:00+01:00", "2024-01-01T01:00+01:00", "2024-01-01T02:00+25:00"
    ),
    "13:00 PM": dated("2024-01-01 11:00 PM", "2024-01-02 13:00 PM", "2024-01-02 2:00 AM"),
    "quarter 5": dated("2024Q3", "2024Q4", "2024Q5"),
    "202413": dated("202411", "202412", "202413"),
    "20240230": dated("20240228", "20240229", "20240230"),
    "months in German": dated("1. Mai 2024", "2. Mai 2024", "3. Mai 2024"),
    "a month that only begins like one: 5 Mayhem 2024": dated("5 Mayhem 2024", "6 Mayhem 2024", "7 Mayhem 2024"),
    "30 February in Chinese": dated("2024年2月28日", "2024年2月29日", "2024年2月30日"),
    "13:00 in the afternoon in Chinese": dated("2024/1/1 下午11:00", "2024/1/2 下午13:00", "2024/1/2 上午2:00"),
    "midnight as 12 in the evening in Chinese": dated(
        "2024年1月1日 22时", "2024年1月1日 23时", "2024年1月1日 晚上12点"
    ),
    "a time is missing": dated("2024-01-01", "", "2024-01-03"),
    "NaT, as pandas writes a missing time": dated("2024-01-01", "NaT", "2024-01-03"),
    "a word among dates": dated("2024-01-01", "yesterday", "2024-01-03"),
    "one time twice with other values": dated("2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"),
    "every row at one time": dated("2024-01-01", "2024-01-01", "2024-01-01"),
    "two series row by row, and no column that tells them apart": "ds,y\n"
    + "".join(f"2024-01-{day:02d},{level + day % 5}\n" for day in range(1, 8) for _, level in SHOPS),
    "year, month and day in columns, and 30 February": "year,month,day,y\n2024,2,28,1\n2024,2,29,2\n2024,2,30,4\n",
    "hour 24 in a column of its own": "year,month,day,hour,y\n2024,2,28,22,1\n2024,2,28,23,2\n2024,2,28,24,4\n",
    "steps of 1, 2, 4 and 9 days less an hour": dated(
        "2024-01-01 00:00", "2024-01-02 00:00", "2024-01-03 23:00", "2024-01-07 22:00", "2024-01-16 21:00"
    ),
}
READ: dict[str, tuple[str, list[float | None], str]] = {  # with the first time
    "01/02/2024 to 13/02/2024, of which the last decides": (
        dated("11/02/2024", "12/02/2024", "13/02/2024"),
        [1, 2, 4],
        "2024-02-11",
    ),
    "01/30/2024 to 02/01/2024, of which the first decides": (
        dated("01/30/2024", "01/31/2024", "02/01/2024"),
        [1, 2, 4],
        "2024-01-30",
    ),
    "1.2.2024 with dots": (dated("1.2.2024", "2.2.2024", "3.2.2024"), [1, 2, 4], "2024-02-01"),
    "AM and PM over midnight": (
        dated("2024-01-01 11:00 PM", "2024-01-02 12:00 AM", "2024-01-02 1:00 AM"),
        [1, 2, 4],
        "2024-01-01T23",
    ),
    "5 Jan 2024, 6 January 2024 and 7 jan. 2024": (
        dated("5 Jan 2024", "6 January 2024", "7 jan. 2024"),
        [1, 2, 4],
        "2024-01-05",
    ),
    "the hour that is skipped in spring, without an offset": (
        dated("2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 03:00", "2024-03-31 04:00"),
        [1, 2, None, 4, 3],
        "2024-03-31",
    ),
    "the hour that comes twice in autumn, with offsets": (
        dated("2024-10-27T01:00+02:00", "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00", "2024-10-27T03:00+01:00"),
        [1, 2, 4, 3],
        "2024-10-26T23",
    ),
    "full-width digits": (dated(*(f"{WIDE}-01-0{day}" for day in (1, 2, 3))), [1, 2, 4], "2024-01-01"),
    "one full-width digit": (dated("2024-01-01", "2024-01-02", "2024-01-0\uff13"), [1, 2, 4], "2024-01-01"),
    "noon and midnight in Chinese": (
        dated("2024/1/1 上午11:00", "2024/1/1 下午12:00", "2024/1/2 上午12:00"),
        [1, 2, *[None] * 11, 4],
        "2024-01-01T11",
    ),
    "epoch seconds": (dated(*(str(EPOCH + 3600 * hour) for hour in range(3))), [1, 2, 4], "2024-01-01"),
    "epoch milliseconds": (dated(*(f"{EPOCH + 3600 * hour}000" for hour in range(3))), [1, 2, 4], "2024-01-01"),
    "epoch microseconds": (dated(*(f"{EPOCH + 3600 * hour}000000" for hour in range(3))), [1, 2, 4], "2024-01-01"),
    "epoch nanoseconds": (dated(*(f"{EPOCH + 3600 * hour}000000000" for hour in range(3))), [1, 2, 4], "2024-01-01"),
    "epoch seconds in scientific notation": (
        dated("1.7040672e9", "1.7040708e9", "1.7040744e9"),
        [1, 2, 4],
        "2024-01-01",
    ),
    "years 1 to 3": (dated("0001-01-01", "0002-01-01", "0003-01-01"), [1, 2, 4], "0001-01-01"),
    "the last days of year 9999": (dated("9999-12-29", "9999-12-30", "9999-12-31"), [1, 2, 4], "9999-12-29"),
    "rows in no order": (dated("2024-01-03", "2024-01-01", "2024-01-02"), [2, 4, 1], "2024-01-01"),
    "rows from new to old": (dated("2024-01-03", "2024-01-02", "2024-01-01"), [4, 2, 1], "2024-01-01"),
    "a row twice, word for word": ("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,2\n", [1, 2], "2024-01-01"),
    "a table twice, one below the other": (
        "ds,y\n" + "2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n" * 2,
        [1, 2, 4],
        "2024-01-01",
    ),
    "steps of 1, 3 and 6 days": (
        dated("2024-01-01", "2024-01-02", "2024-01-05", "2024-01-06", "2024-01-12"),
        [1, 2, None, None, 4, 3, *[None] * 5, 5],
        "2024-01-01",
    ),
    "1582-10-15, the day after 1582-10-04 in Rome": (
        dated("1582-10-04", "1582-10-15", "1582-10-16"),
        [1, *[None] * 10, 2, 4],
        "1582-10-04",
    ),
}
UNDATED: dict[str, str] = {
    "years of two digits: 01/02/24": dated("01/02/24", "02/02/24", "13/02/24"),
    "zones by name: 00:00 CET": dated("2024-01-01 00:00 CET", "2024-01-01 01:00 CET", "2024-01-01 02:00 CET"),
    "weeks of ISO 8601: 2024-W01": dated("2024-W01", "2024-W02", "2024-W03"),
    "days of the year: 2024-001": dated("2024-001", "2024-002", "2024-003"),
    "the time of day alone": dated("00:00", "01:00", "02:00"),
    "Arabic digits": dated(*(f"{ARABIC}-01-0{day}" for day in (1, 2, 3))),
    "days and months without a year in Chinese": dated("1月1日", "1月2日", "1月3日"),
    "hyphens that do not break": dated("2024\u201101\u201101", "2024\u201101\u201102", "2024\u201101\u201103"),
    "an offset of 25 hours in every row": dated("2024-01-01T00:00+25:00", "2024-01-01T01:00+25:00"),
    "days as spreadsheets count them: 45292": dated("45292", "45293", "45294"),
    "epoch seconds, then milliseconds": dated(str(EPOCH), str(EPOCH + 3600), f"{EPOCH + 7200}000"),
}


@pytest.mark.parametrize("abuse", REFUSED)
def test_what_is_no_time_is_refused_by_its_row(abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, REFUSED[abuse])
    message = hold_refused_everywhere(ROOM, abuse, path, tmp_path, capsys)
    assert "line " in message


@pytest.mark.parametrize("abuse", READ)
def test_times_are_read_as_what_they_mean(abuse: str, tmp_path: Path) -> None:
    content, values, first = READ[abuse]
    panel = hold_read(ROOM, abuse, written(tmp_path, content), tmp_path, values)
    assert panel.times[0] == np.datetime64(first)
    assert (np.diff(panel.times) > np.timedelta64(0)).all()


@pytest.mark.parametrize("abuse", UNDATED)
def test_times_that_nobody_reads_leave_rows_in_their_order_and_this_is_said(abuse: str, tmp_path: Path) -> None:
    content = UNDATED[abuse]
    panel = hold_read(ROOM, abuse, written(tmp_path, content), tmp_path, VALUES[: content.count("\n") - 1])
    assert panel.columns.time is None
    said = sections(BOOK.read_text(encoding="utf-8"))[ROOM][abuse]
    assert "time = none (no column holds dates" in said
    assert "in ds is none" in said, "the guess quotes a cell"


def test_epochs_under_any_name_are_times_when_the_column_is_said(tmp_path: Path) -> None:
    rows = "".join(f"{EPOCH + 3600 * hour},{value}\n" for hour, value in enumerate((1, 2, 4)))
    path = written(tmp_path, f"when,y\n{rows}")
    panel = hold_read(
        ROOM, "epoch seconds in a column called when, with time=when", path, tmp_path, [1, 2, 4], time="when"
    )
    assert panel.times[-1] == np.datetime64("2024-01-01T02")


def test_series_that_share_their_times_are_told_apart_by_a_column(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-{day:02d},{shop},{level + day % 5}\n" for day in range(1, 8) for shop, level in SHOPS)
    path = written(tmp_path, f"ds,shop,y\n{rows}")
    values = [level + day % 5 for _, level in SHOPS for day in range(1, 8)]
    panel = hold_read(ROOM, "two series row by row, and a column of names", path, tmp_path, values)
    assert panel.ids == ("a", "b")
