"""Tables as Chinese programs and people write them: GBK, 年月日, 上午, 万, wide digits, names of columns."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import holidays
import numpy as np
import pandas as pd
import polars as pl
import pytest

from gatecast.data.columns import TableOptions
from gatecast.data.encodings import CHINESE, WESTERN, encoding_of
from gatecast.data.longtable import long_table
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel, load_panel_like, read_table
from gatecast.errors import TableError


def every(first: str, step: str, count: int) -> list[datetime]:
    return pd.date_range(first, freq=step, periods=count).to_pydatetime().tolist()


HOURS = every("2024-02-28 09:00", "h", 40)  # over noon, midnight and a leap day
MINUTES = every("2024-02-28 22:51", "7min", 40)
SECONDS = every("2024-02-28 23:59:00", "7s", 40)
DAYS = every("2023-12-20", "D", 40)
MONTHS = every("2022-01-01", "MS", 30)
QUARTERS = every("2022-01-01", "QS", 12)
YEARS = every("1990-01-01", "YS", 20)


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "销量表.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read(folder: Path, *lines: str, encoding: str = "utf-8") -> Panel:
    return load_panel(written(folder, "\n".join([*lines, ""]), encoding))[0]


def half(time: datetime) -> str:
    return f"{'上午' if time.hour < 12 else '下午'}{(time.hour - 1) % 12 + 1}"


STYLES: dict[str, tuple[Callable[[datetime], str], list[datetime]]] = {
    "2024年3月1日": (lambda t: f"{t.year}年{t.month}月{t.day}日", DAYS),
    "2024年03月01日": (lambda t: f"{t:%Y年%m月%d日}", DAYS),
    "2024年3月1号": (lambda t: f"{t.year}年{t.month}月{t.day}号", DAYS),
    "2024年3月1日星期五": (lambda t: f"{t.year}年{t.month}月{t.day}日星期{'一二三四五六日'[t.weekday()]}", DAYS),
    "2024-03-01（周五）": (lambda t: f"{t:%Y-%m-%d}（周{'一二三四五六日'[t.weekday()]}）", DAYS),
    "2024年3月": (lambda t: f"{t.year}年{t.month}月", MONTHS),
    "2024年03月份": (lambda t: f"{t:%Y年%m月份}", MONTHS),
    "2024年第1季度": (lambda t: f"{t.year}年第{t.month // 3 + 1}季度", QUARTERS),
    "2024年一季度": (lambda t: f"{t.year}年{'一二三四'[t.month // 3]}季度", QUARTERS),
    "2024年Q1": (lambda t: f"{t.year}年Q{t.month // 3 + 1}", QUARTERS),
    "2024年": (lambda t: f"{t.year}年", YEARS),
    "2024年3月1日 8时": (lambda t: f"{t.year}年{t.month}月{t.day}日 {t.hour}时", HOURS),
    "2024年3月1日8点整": (lambda t: f"{t.year}年{t.month}月{t.day}日{t.hour}点整", HOURS),
    "2024年3月1日 8时05分": (lambda t: f"{t.year}年{t.month}月{t.day}日 {t.hour}时{t.minute:02}分", HOURS),
    "2024年3月1日 8时5分": (lambda t: f"{t.year}年{t.month}月{t.day}日 {t.hour}时{t.minute}分", MINUTES),
    "2024年3月1日 8点5分3秒": (lambda t: f"{t.year}年{t.month}月{t.day}日 {t.hour}点{t.minute}分{t.second}秒", SECONDS),
    "2024年3月1日08时00分00秒": (lambda t: f"{t:%Y年%m月%d日%H时%M分%S秒}", HOURS),
    "2024年3月1日 08:00:00": (lambda t: f"{t:%Y年%m月%d日 %H:%M:%S}", HOURS),
    "2024/3/1 上午8:00": (lambda t: f"{t.year}/{t.month}/{t.day} {half(t)}:00", HOURS),
    "2024/3/1 上午 8:00:00": (lambda t: f"{t:%Y/%m/%d} {half(t)[:2]} {half(t)[2:]}:00:00", HOURS),
    "2024年3月1日 下午2时30分": (lambda t: f"{t.year}年{t.month}月{t.day}日 {half(t)}时{t.minute:02}分", HOURS),
    "２０２４－０３－０１": (lambda t: f"{t:%Y-%m-%d}".translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)}), DAYS),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_chinese_date_is_the_time_it_says(style: str, tmp_path: Path) -> None:
    write, times = STYLES[style]
    panel = read(tmp_path, "日期,销量", *(f"{write(time)},{row * 3 % 7}" for row, time in enumerate(times)))
    assert panel.columns.time == "日期"
    assert panel.times.tolist() == times


def test_chinese_dates_of_a_data_frame_are_read_alike() -> None:
    cells = [f"{time.year}年{time.month}月{time.day}日" for time in DAYS]
    panel = load_panel(pd.DataFrame({"日期": cells, "销量": np.arange(40) * 3 % 7}))[0]
    assert panel.times.tolist() == DAYS


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("日期", [f"{time:%Y%m%d}" for time in DAYS]),
        ("交易日", [f"{time:%Y%m%d}" for time in DAYS]),
        ("时间戳", [f"{1_703_030_400 + 86_400 * day}" for day in range(40)]),
    ],
)
def test_numbers_are_times_under_a_chinese_name(name: str, cells: list[str], tmp_path: Path) -> None:
    panel = read(tmp_path, f"{name},销量", *(f"{cell},{row * 3 % 7}" for row, cell in enumerate(cells)))
    assert panel.columns.time == name
    assert panel.times.tolist() == DAYS


def test_years_are_times_under_a_chinese_name(tmp_path: Path) -> None:
    panel = read(tmp_path, "年份,产量", *(f"{1990 + row},{row * 3 % 7}" for row in range(20)))
    assert panel.times[0] == np.datetime64("1990-01-01")


def test_a_time_is_put_together_from_chinese_columns_and_found_again(tmp_path: Path) -> None:
    lines = ["年,月,日,小时,负荷", *(f"{t.year},{t.month},{t.day},{t.hour},{t.hour * 3 % 7}" for t in HOURS)]
    panel = read(tmp_path, *lines)
    assert panel.columns.time_parts == ("年", "月", "日", "小时")
    assert panel.times.tolist() == HOURS
    again = load_panel_like(tmp_path / "销量表.csv", panel.columns, panel.frequency)
    assert again.times.tolist() == HOURS


@pytest.mark.parametrize("name", ["编号", "门店编号", "商品编码", "股票代码", "站点"])
def test_a_column_of_codes_tells_series_apart_by_its_chinese_name(name: str, tmp_path: Path) -> None:
    rows = [f"{day:%Y-%m-%d},{code},{day.day * code % 11}" for code in (1002, 1003) for day in DAYS]
    assert read(tmp_path, f"日期,{name},销量", *rows).ids == ("1002", "1003")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.2万", "3亿", "1.05万亿", "7"], [12_000, 3e8, 1.05e12, 7]),
        (["-1.1万", "+.5万", "2 万", "0"], [-11_000, 5_000, 20_000, 0]),
        (["１２３", "４．５", "－６", "7"], [123, 4.5, -6, 7]),
        (["1", "—", "缺失", "3"], [1, np.nan, np.nan, 3]),
    ],
)
def test_chinese_numbers_are_the_numbers_they_say(cells: list[str], expected: list[float], tmp_path: Path) -> None:
    panel = read(tmp_path, "序,销量", *(f"a,{cell}" for cell in cells))
    assert np.array_equal(panel.targets[:, 0], np.float32(expected), equal_nan=True)


def test_ten_thousands_lose_no_digit() -> None:
    """1.1 times 10,000 is 11000.000000000002 in floats; as an exponent it is 11,000."""
    table = pl.DataFrame({"日期": ["2024-01-01", "2024-01-02"], "销量": ["1.1万", "6.7亿"]})
    values = load_panel(table)[0].values[:, 0]
    assert values.tolist() == [11_000, 670_000_000]


def test_what_ten_thousands_are_is_said(tmp_path: Path) -> None:
    guesses = load_panel(written(tmp_path, "日期,销量\n2024-01-01,1.2万\n2024-01-02,9000\n"))[1]
    assert [guess.value for guess in guesses if guess.what == "万, 亿"] == ["10,000 and 100,000,000"]


def test_a_first_line_of_chinese_values_is_no_header(tmp_path: Path) -> None:
    lines = [f"{day.year}年{day.month}月{day.day}日,{1 + row % 7}.5万" for row, day in enumerate(DAYS)]
    assert read(tmp_path, *lines).times.tolist() == DAYS


TABLE = "日期,门店,销量\n2024年1月1日,朝阳店,3\n2024年1月2日,朝阳店,5\n2024年1月1日,海淀店,4\n2024年1月2日,海淀店,6\n"


@pytest.mark.parametrize("encoding", ["gbk", "gb2312", "gb18030", "utf-8-sig", "utf-16"])
def test_every_encoding_of_a_chinese_table_reads_alike(encoding: str, tmp_path: Path) -> None:
    path = written(tmp_path, TABLE, encoding)
    panel, guesses = load_panel(path)
    assert (panel.columns.id, panel.ids, panel.columns.target) == ("门店", ("朝阳店", "海淀店"), ("销量",))
    assert any(guess == CHINESE.guess for guess in guesses) == encoding.startswith("gb")
    assert pl.concat(list(long_table(path).stretches())).equals(read_table(path))


def test_gbk_whose_second_byte_is_a_separator_is_cut_at_separators_alone(tmp_path: Path) -> None:
    """The second byte of 亅 and of thousands of others is that of a bar or a letter of ASCII."""
    assert b"|" in "亅".encode("gbk")
    path = written(tmp_path, "日期|名称|销量\n2024-01-01|亅店|1\n2024-01-02|亅店|2\n", "gbk")
    assert read_table(path)["名称"].to_list() == ["亅店", "亅店"]


def test_letters_of_four_bytes_may_cross_the_end_of_a_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatecast.data.encodings.AT_ONCE", 3)
    assert encoding_of(written(tmp_path, "日期,销量,𠮷\n2024-01-01,1,𠮷\n", "gb18030")) is CHINESE


COUNTRIES = {"DE": "de", "FR": "fr", "ES": "es", "BR": "pt_BR", "SE": "sv", "FI": "fi", "EE": "et", "AL": "sq"}


def western_words() -> set[str]:
    """The names of holidays in languages of Windows-1252: words that nobody chose for this test."""
    found = [holidays.country_holidays(code, years=2024, language=said) for code, said in COUNTRIES.items()]
    return {word for names in found for word in names.values() if not word.isascii()}


def test_western_names_are_never_taken_for_chinese(tmp_path: Path) -> None:
    words = western_words()
    found = {encoding_of(written(tmp_path, f"ds,{word},y\n", "cp1252")).name for word in words}
    assert len(words) > 50
    assert found == {WESTERN.name}


def test_names_that_could_be_chinese_or_korean_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"whether its letters are Chinese ones .* cannot be told\. Save it as CSV"):
        read_table(written(tmp_path, "ds,판매량\n2024-01-01,1\n", "euc_kr"))


def test_a_word_in_utf_8_within_gbk_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "表.csv"
    path.write_bytes("日期,天气,销量\n2024-01-01,多云,1\n".encode("gbk") + "2024-01-02,小雨,2\n".encode())
    with pytest.raises(TableError, match=r"表\.csv, line 3: the file mixes encodings"):
        load_panel(path, TableOptions())
