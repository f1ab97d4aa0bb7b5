"""Sources in: text in every common dress, Parquet, Arrow, data frames.  What is hostile is tried in `attacks`."""

import contextlib
import gzip
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatecast.data import table
from gatecast.data.columns import TableOptions
from gatecast.data.reading import load_panel, read_table
from gatecast.errors import GatecastError, TableError

PLAIN = "ds,y\n2024-01-01,1.5\n2024-01-02,2.5\n2024-01-03,-3\n"


def write(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def targets(source: object, **options: object) -> list[float]:
    return load_panel(source, TableOptions(**options))[0].targets[:, 0].tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ", "),
        PLAIN.replace("\n", "\n\n"),
        '"ds","y"\n"2024-01-01","1.5"\n"2024-01-02","2.5"\n"2024-01-03","-3"',
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        gzip.compress(PLAIN.encode()),
        gzip.compress(PLAIN.encode("utf-16")),
    ],
    ids=[
        "comma",
        "semicolon",
        "tab",
        "bar",
        "decimal comma",
        "crlf",
        "spaces",
        "blank lines",
        "quotes",
        "bom",
        "utf16",
        "gzip",
        "gzip utf16",
    ],
)
def test_every_dress_of_a_text_table_reads_alike(tmp_path: Path, content: str | bytes) -> None:
    assert targets(write(tmp_path, content)) == [1.5, 2.5, -3.0]


def test_text_stays_text_until_it_is_understood(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path, PLAIN))
    assert frame.schema == {"ds": pl.String, "y": pl.String}
    assert frame["y"].to_list() == ["1.5", "2.5", "-3"]


def test_latin_1_is_read_and_said(tmp_path: Path) -> None:
    content = "ds,T (°C)\n2024-01-01,1\n2024-01-02,2\n".encode("latin-1")
    panel, guesses = load_panel(write(tmp_path, content))
    assert panel.columns.target == ("T (°C)",)
    assert "encoding = Latin-1 (the bytes are not UTF-8)" in map(str, guesses)


def test_quoted_cells_may_hold_separators_and_newlines(tmp_path: Path) -> None:
    path = write(tmp_path, 'ds,note,y\n2024-01-01,"a, b\nc ""d""",1\n2024-01-02,e,x\n2024-01-03,f,3\n')
    assert read_table(path)["note"].to_list() == ['a, b\nc "d"', "e", "f"]
    with pytest.raises(TableError, match=r'column "y", line 4: "x" is not a number; 1 of 3'):
        load_panel(path)


def test_a_table_without_a_header_gets_names(tmp_path: Path) -> None:
    panel, guesses = load_panel(write(tmp_path, "2024-01-01,1,5\n2024-01-02,2,4\n"))
    assert panel.columns.channels == ("c3", "c2")
    assert any(guess.what == "header" for guess in guesses)


def test_repeated_and_empty_names_are_renamed(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path, "ds,a,a,,a_2,a\n2024-01-01,1,2,3,4,5\n"))
    assert frame.columns == ["ds", "a", "a_3", "c4", "a_2", "a_4"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.234,5", "2.000", "7"], [1234.5, 2000, 7]),
        (["0,5", "1,25", "-3,0"], [0.5, 1.25, -3]),
        (["true", "FALSE", "True"], [1, 0, 1]),
        ([" 1e3", "+.5 ", "-2."], [1000, 0.5, -2]),
    ],
)
def test_numbers_are_read_as_people_write_them(tmp_path: Path, cells: list[str], expected: list[float]) -> None:
    assert targets(write(tmp_path, "k;y\n" + "".join(f"a;{cell}\n" for cell in cells)), target=("y",)) == expected


def test_commas_group_thousands_in_a_comma_table(tmp_path: Path) -> None:
    assert targets(write(tmp_path, 'k,y\na,"1,234"\na,"12,000.5"\n'), target=("y",)) == [1234, 12000.5]


def test_a_dot_in_a_decimal_comma_column_is_refused_when_it_groups_nothing(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r'line 3: "2\.5" is not a number'):
        targets(write(tmp_path, "k;y\na;1,5\na;2.5\na;3,5\n"), target=("y",))


@pytest.mark.parametrize("word", ["", "NA", "n/a", "NaN", "null", "None", "-", "--", "?", ".", "missing", "#N/A", " "])
def test_words_for_missing_are_missing(tmp_path: Path, word: str) -> None:
    values = targets(write(tmp_path, f"k,y\na,1\na,{word}\na,3\n"), target=("y",))
    assert values[::2] == [1, 3]
    assert np.isnan(values[1])


@pytest.mark.parametrize(
    ("cell", "lesson"),
    [
        ("abc", r'column "y", line 3: "abc" is not a number'),
        ("inf", r'column "y", line 3: the value is infinite'),
        ("-inf", r'column "y", line 3: the value is infinite'),
        ("1e39", r'column "y", line 3: 1e\+39 is too large for 32-bit floats'),
    ],
)
def test_a_cell_that_is_no_number_is_named(tmp_path: Path, cell: str, lesson: str) -> None:
    with pytest.raises(TableError, match=lesson):
        load_panel(write(tmp_path, f"ds,y\n2024-01-01,1\n2024-01-02,{cell}\n2024-01-03,4\n2024-01-04,5\n"))


@pytest.mark.parametrize(("line", "word"), [("2024-01-02", "1 cell, fewer"), ("2024-01-02,2,3", "3 cells, more")])
def test_a_ragged_line_is_named(tmp_path: Path, line: str, word: str) -> None:
    with pytest.raises(TableError, match=rf"line 3 has {word} than the 2"):
        read_table(write(tmp_path, f"ds,y\n2024-01-01,1\n{line}\n"))


def frame() -> pl.DataFrame:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 3), "1d", eager=True)
    return pl.DataFrame({"ds": days, "y": [1.5, 2.5, -3.0], "flag": [True, False, True]})


@pytest.mark.parametrize(
    "convert",
    [
        lambda f: f,
        lambda f: f.lazy(),
        lambda f: f.to_arrow(),
        lambda f: f.to_pandas(),
        lambda f: duckdb.from_arrow(f.to_arrow()),
    ],
    ids=["polars", "lazy", "pyarrow", "pandas", "duckdb"],
)
def test_data_frames_of_any_library_read_alike(convert: object) -> None:
    panel, _ = load_panel(convert(frame()))  # type: ignore[operator]
    assert panel.columns.channels == ("y", "flag")
    assert panel.values.tolist() == [[1.5, 1], [2.5, 0], [-3, 1]]


def test_parquet_and_arrow_files_read_like_the_frame(tmp_path: Path) -> None:
    frame().write_parquet(tmp_path / "a.data")
    frame().write_ipc(tmp_path / "b.data")
    assert targets(tmp_path / "a.data") == targets(str(tmp_path / "b.data")) == [1.5, 2.5, -3]


def test_a_pandas_index_of_dates_becomes_the_time() -> None:
    index = pd.date_range("2024-01-01", periods=3, freq="h")
    panel, _ = load_panel(pd.DataFrame({"y": [1, 2, 4]}, index=index))
    assert (panel.columns.time, panel.frequency.label) == ("ds", "1h")
    panel, _ = load_panel(pd.Series([1, 2, 4], index=index.rename("when"), name="load"))
    assert (panel.columns.time, panel.columns.target) == ("when", ("load",))


def test_a_pandas_period_index_becomes_the_time() -> None:
    panel, _ = load_panel(pd.DataFrame({"y": [1, 2, 4]}, index=pd.period_range("2024-01", periods=3, freq="M")))
    assert panel.times.astype("datetime64[M]").astype(str).tolist() == ["2024-01", "2024-02", "2024-03"]


WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
import pandas as pd
from gatecast.data.columns import TableOptions
from gatecast.data.reading import load_panel
days = pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin")
source = pd.DataFrame({"ds": days, "shop": pd.Categorical(["a"] * 3), "y": pd.array([1, None, 3], dtype="Int64")})
panel, _ = load_panel(source, TableOptions(id="shop"))
print(panel.ids, panel.targets[:, 0].tolist(), panel.times[0])
"""


def test_pandas_needs_no_pyarrow() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PYARROW], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "('a',) [1.0, nan, 3.0] 2024-01-01T00:00:00.000000"


def test_a_pandas_column_twice_is_renamed() -> None:
    source = pd.DataFrame([[1, 2], [3, 5]], columns=["y", "y"])
    assert read_table(source).columns == ["y", "y_2"]


def test_row_numbers_of_frames_count_from_zero() -> None:
    with pytest.raises(TableError, match=r'column "y", row 1 \(counted from 0\): the value is infinite'):
        load_panel(pl.DataFrame({"y": [1.0, np.inf, 2.0]}))


@pytest.mark.parametrize("source", [[1, 2, 3], np.zeros(3), None, 7, {"y": [1]}])
def test_something_that_is_no_table_is_refused(source: object) -> None:
    with pytest.raises(TableError, match="a table is expected, got"):
        read_table(source)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False)), min_size=3, max_size=30),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["1h", "1d", "1mo", "15m"]),
)
def test_a_frame_survives_csv(tmp_path: Path, values: list[float | None], separator: str, every: str) -> None:
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:
        return
    ends = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2030, 1, 1), every, eager=True).head(len(values))
    source = pl.DataFrame({"ds": ends, "y": pl.Series(values, dtype=pl.Float64)})
    source.write_csv(tmp_path / "t.csv", separator=separator)
    direct, _ = load_panel(source)
    through, _ = load_panel(tmp_path / "t.csv")
    assert through.frequency == direct.frequency
    assert (through.times == direct.times).all()
    assert np.array_equal(through.values, direct.values, equal_nan=True)
    assert np.array_equal(direct.targets[:, 0], np.array(values, dtype=np.float32), equal_nan=True)


def test_more_than_a_table_may_hold_is_refused_at_the_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_BYTES", 1 << 20)
    rows = gzip.compress(b"ds,y\n" + b"2024-01-01,1\n" * 400_000)
    with pytest.raises(TableError, match="holds more than 1,048,576 bytes once unpacked"):
        read_table(write(tmp_path, rows, "t.csv.gz"))


def test_a_large_parquet_file_is_refused_before_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_BYTES", 1 << 20)
    pl.DataFrame({"y": np.zeros(1 << 18)}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match="262,144 rows of 1 column, more than 1,048,576 bytes"):
        read_table(tmp_path / "t.parquet")


def test_too_many_cells_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_CELLS", 5)
    with pytest.raises(TableError, match="more than 5 cells"):
        read_table(write(tmp_path, PLAIN))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(alphabet='0123456789abc-:,;"\n\r\t.T Z/', max_size=200)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes | str) -> None:
    with contextlib.suppress(GatecastError):  # anything else fails the test
        load_panel(write(tmp_path, content))


data = pytest.mark.skipif("GATECAST_DATA" not in os.environ, reason="GATECAST_DATA names no folder with real data")


@data
@pytest.mark.parametrize(
    ("name", "label", "rows", "target"),
    [
        ("ETTh1.csv.gz", "1h", 17420, "OT"),
        ("ETTm1.csv.gz", "15min", 69680, "OT"),
        ("weather.csv.gz", "10min", 52704, "OT"),
        ("QQQ.csv", "1b", 3922, "Volume"),
        ("national_illness.csv", "1w", 966, "OT"),
        ("us_births_daily.csv.gz", "1d", 7305, "births"),
        ("bike_sharing_hourly.csv.gz", "1h", 17544, "users"),
        ("beijing_pm25.csv.gz", "1h", 43824, "Ir"),
        ("monthly-sunspots.csv", "1mo", 2820, "Sunspots"),
        ("shampoo.csv", "1row", 36, "Sales"),
    ],
)
def test_real_tables_are_understood(name: str, label: str, rows: int, target: str) -> None:
    panel, _ = load_panel(Path(os.environ["GATECAST_DATA"]) / name)
    assert (panel.frequency.label, len(panel.values), panel.columns.target) == (label, rows, (target,))


@data
@pytest.mark.parametrize("name", ["ETTh1.csv.gz", "exchange_rate.csv.gz", "peyton_manning.csv"])
def test_real_values_agree_with_pandas(name: str) -> None:
    path = Path(os.environ["GATECAST_DATA"]) / name
    expected = pd.read_csv(path)
    panel, _ = load_panel(path)
    known = ~np.isnan(panel.targets[:, 0])
    assert panel.targets[known, 0].tolist() == expected.iloc[:, -1].astype(np.float32).tolist()
    assert (panel.times[known] == pd.to_datetime(expected.iloc[:, 0]).to_numpy()).all()


def test_arrow_tables_with_time_zones_keep_their_instants() -> None:
    stamps = pa.array([0, 3600, 7200], pa.timestamp("s", tz="America/New_York"))
    panel, _ = load_panel(pa.table({"ds": stamps, "y": [1, 2, 4]}))
    assert str(panel.times[0]) == "1970-01-01T00:00:00.000000"
