"""The date in one column and the time of day in another: one time, in every language."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import gatecast
from gatecast.data.columns import TableOptions
from gatecast.data.reading import load_panel, load_panel_like
from gatecast.errors import TimeError
from small_tables import SMALL, wave_table

HOURS: list[datetime] = pd.date_range("2024-02-27 20:00", freq="h", periods=80).to_pydatetime().tolist()
STYLES = {
    ("date", "time"): ("%Y-%m-%d", "%H:%M"),
    ("Date", "Time"): ("%d/%m/%Y", "%H:%M:%S"),
    ("Date", "Hour"): ("%Y-%m-%d", "%H"),
    ("日期", "时间"): ("%Y年%m月%d日", "%H:%M"),
    ("日期", "小时"): ("%Y%m%d", "%H时"),
    ("日期", "时刻"): ("%Y/%m/%d", "%H时%M分"),
}


def table(names: tuple[str, str], styles: tuple[str, str], shops: tuple[str, ...] = ("a",)) -> pl.DataFrame:
    day, clock = names
    rows = [(time, shop) for shop in shops for time in HOURS]
    return pl.DataFrame(
        {
            day: [f"{time:{styles[0]}}" for time, _ in rows],
            clock: [f"{time:{styles[1]}}" for time, _ in rows],
            "shop": [shop for _, shop in rows],
            "y": [float(place * 7 % 11) for place in range(len(rows))],
        }
    )


@pytest.mark.parametrize("names", STYLES)
@pytest.mark.parametrize("shops", [("a",), ("a", "b")])
def test_date_and_time_of_day_are_one_time(names: tuple[str, str], shops: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table(names, STYLES[names], shops).write_csv(path)
    panel, guesses = load_panel(path)
    assert panel.times[: len(HOURS)].tolist() == HOURS
    assert panel.frequency.label == "1h"
    assert len(panel.ids) == len(shops)
    assert [guess.value for guess in guesses if guess.what == "time"] == [" + ".join(names)]
    again = load_panel_like(path, panel.columns, panel.frequency)
    assert again.times.tolist() == panel.times.tolist()


def test_a_time_of_day_that_is_none_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = table(("date", "time"), STYLES["date", "time"])
    rows.with_columns(pl.col("time").replace("05:00", "24:00")).write_csv(path)
    with pytest.raises(TimeError, match=r'column "time", line 11: "24:00" is no time of day'):
        load_panel(path)


def test_a_named_time_stays_alone() -> None:
    rows = table(("date", "time"), STYLES["date", "time"])
    panel, _ = load_panel(rows, TableOptions(time="date", id="time"))
    assert panel.columns.time == "date"


@pytest.mark.parametrize("clock", ["closing time", "delivered"])
def test_other_times_of_day_tell_nothing_of_when_a_row_is(clock: str) -> None:
    rows = table(("date", clock), STYLES["date", "time"])
    assert load_panel(rows)[0].columns.time == "date"


def test_dates_that_do_not_repeat_need_no_time_of_day() -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 21)]
    rows = pl.DataFrame({"date": days, "time": [f"{day % 3 + 8}:30" for day in range(20)], "y": np.arange(20.0) % 7})
    assert load_panel(rows)[0].columns.time == "date"


@pytest.mark.parametrize(
    "columns",
    [
        {"date": "%Y-%m-%d", "time": "%H:%M"},
        {"年": "%Y", "月": "%m", "日": "%d", "小时": "%H"},
    ],
)
def test_a_model_of_a_time_in_several_columns_is_saved_and_read_again(columns: dict[str, str], tmp_path: Path) -> None:
    waves = wave_table()
    parts = waves.select(**{name: pl.col("ds").dt.strftime(form) for name, form in columns.items()})
    path = tmp_path / "t.csv"
    pl.concat([parts, waves.select("y")], how="horizontal").write_csv(path)
    model = gatecast.fit(path, **SMALL)
    gatecast.save(model, tmp_path / "model")
    times = gatecast.load(tmp_path / "model").predict(path).to_frame()["ds"]
    assert times[0] == waves["ds"][-1] + pd.Timedelta(hours=1).to_pytimedelta()
