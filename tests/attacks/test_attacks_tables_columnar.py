"""Parquet and Arrow files and data frames: types without a meaning, cells out of every range, damage."""

import datetime as dt
import io
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tables_tried import VALUES, hold_command_refuses, hold_read, hold_refused, looked, written
from trying import tried

from gatecast.data.longtable import long_table

ROOM = "Tables: Parquet, Arrow and data frames"
DAYS = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 4), "1d", eager=True)
ROWS = VALUES[:4]
KINDS = ("parquet", "ipc")


def frame(y: object = ROWS, ds: object = DAYS, **more: object) -> pl.DataFrame:
    return pl.DataFrame({"ds": ds, "y": y, **more}, strict=False)


def packed(table: pl.DataFrame, kind: str) -> bytes:
    memory = io.BytesIO()
    getattr(table, f"write_{kind}")(memory)
    return memory.getvalue()


def typed(cells: list[Any], kind: Any) -> pl.Series:
    return pl.Series(cells, dtype=kind)


def far(unit: str, stamp: int) -> pl.Series:
    return pl.Series([stamp + step for step in range(4)]).cast(pl.Datetime(unit))  # type: ignore[arg-type]


def berlin() -> pl.Series:
    hours = pl.datetime_range(
        pl.datetime(2024, 3, 30, 22), pl.datetime(2024, 3, 31, 1), "1h", time_zone="UTC", eager=True
    )
    return hours.dt.convert_time_zone("Europe/Berlin")


REFUSED: dict[str, pl.DataFrame] = {
    "lists as the target": frame(y=[[1.0], [2.0], [4.0], [3.0]]),
    "structs as the target": frame(y=[{"a": value} for value in ROWS]),
    "arrays as the target": frame(y=pl.Series([[1.0], [2.0], [4.0], [3.0]], dtype=pl.Array(pl.Float64, 1))),
    "bytes as the target": frame(y=[b"1", b"2", b"\xff", b"3"]),
    "durations as the target": frame(y=[dt.timedelta(value) for value in ROWS]),
    "times of day as the target": frame(y=[dt.time(value) for value in ROWS]),
    "nulls of the type null as the target": frame(y=pl.Series([None] * 4)),
    "infinity among floats": frame(y=[1.0, float("inf"), 4.0, 3.0]),
    "2^53 + 1 and its neighbours as whole numbers": frame(y=[2**53 + 1, 2**53 + 2, 2**53 + 4, 2**53 + 7]),
    "a null among the dates": frame(ds=[dt.date(2024, 1, 1), None, dt.date(2024, 1, 3), dt.date(2024, 1, 4)]),
    "a word among dates that are text": frame(ds=["2024-01-01", "x", "2024-01-03", "2024-01-04"]),
    "days 270,000 years ago": frame(ds=pl.Series([-(10**8) + day for day in range(4)], dtype=pl.Int32).cast(pl.Date)),
    "milliseconds 146 million years from now": frame(ds=far("ms", 2**62)),
    "microseconds 146 thousand years from now": frame(ds=far("us", 2**62)),
    "nanoseconds one apart": frame(ds=far("ns", 0)),
    "a cell of 20,000 characters": frame(note=["a" * 20_000, "b", "c", "d"]),
    "a name of 20,000 characters": frame().rename({"y": "a" * 20_000}),
    "no rows": frame().clear(),
    "no columns": pl.DataFrame(),
    "nothing but lists": pl.DataFrame({"a": [[1], [2]], "b": [[1], [2]]}),
}
READ: dict[str, tuple[pl.DataFrame, list[float | None]]] = {
    "a column of lists beside the target": (frame(tags=[[1], [2], [3], []]), list(ROWS)),
    "columns of structs, bytes, durations and times of day beside the target": (
        frame(
            box=[{"a": value} for value in ROWS],
            raw=[b"\xff\x00", b"a", b"b", b"c"],
            took=[dt.timedelta(value) for value in ROWS],
            at=[dt.time(value) for value in ROWS],
        ),
        list(ROWS),
    ),
    "decimals, one of them null": (
        frame(y=[Decimal("1.10"), Decimal("2.20"), Decimal("4.40"), None]),
        [1.1, 2.2, 4.4, None],
    ),
    "categories that are words for numbers": (
        frame(y=pl.Series(["1", "2", "4", "3"], dtype=pl.Categorical)),
        list(ROWS),
    ),
    "a column of nulls of the type null": (frame(x=pl.Series([None] * 4)), list(ROWS)),
    "the largest whole number of 64 bits": (
        frame(y=pl.Series([2**64 - 1, 1, 2, 3], dtype=pl.UInt64)),
        [2**64, 1, 2, 3],
    ),
    "a whole number of 128 bits": (frame(y=typed([2**100, 1, 2, 3], pl.Int128)), [2**100, 1, 2, 3]),
    "nan and null among floats": (frame(y=[1.0, float("nan"), None, 3.0]), [1, None, None, 3]),
    "dates of Berlin over the change of clocks": (
        frame(ds=berlin()),
        list(ROWS),
    ),
}


@pytest.mark.parametrize("abuse", REFUSED)
def test_typed_cells_without_a_meaning_are_refused_in_every_dress(
    abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = REFUSED[abuse]
    message = hold_refused(ROOM, abuse, table, tmp_path)
    for kind in KINDS if table.width else ():
        path = written(tmp_path, packed(table, kind))
        assert looked(path, tmp_path).refused() == message
        hold_command_refuses(path, tmp_path, message, capsys)


@pytest.mark.parametrize("abuse", READ)
def test_typed_cells_that_mean_one_thing_are_read_in_every_dress(abuse: str, tmp_path: Path) -> None:
    table, values = READ[abuse]
    panel = hold_read(ROOM, abuse, table, tmp_path, values)
    for kind in KINDS:
        again, _ = looked(written(tmp_path, packed(table, kind)), tmp_path).accepted()
        assert np.array_equal(again.values, panel.values, equal_nan=True)
        assert (again.times == panel.times).all()


@pytest.mark.parametrize("part", ["id", "time", "target", "past"])
def test_a_column_of_lists_plays_no_part(part: str, tmp_path: Path) -> None:
    said = "tags" if part in ("id", "time") else ("tags",)
    table = frame(tags=[[1], [2], [3], []])
    assert '"tags"' in hold_refused(ROOM, f"{part}=tags, a column of lists", table, tmp_path, **{part: said})


@pytest.mark.parametrize("kind", KINDS)
def test_cut_files_are_refused(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = packed(frame(), kind)
    name = {"parquet": "a Parquet file", "ipc": "an Arrow file"}[kind]
    for abuse, content in {
        f"{name}, its first 8 bytes": whole[:8],
        f"{name}, its first half": whole[: len(whole) // 2],
        f"{name} without its last byte": whole[:-1],
        f"{name} whose second half is zeros": whole[: len(whole) // 2] + bytes(len(whole) // 2 - 8) + whole[-8:],
    }.items():
        path = written(tmp_path, content)
        message = hold_refused(ROOM, abuse, path, tmp_path)
        hold_command_refuses(path, tmp_path, message, capsys)
        tried(partial(long_table, path), tmp_path).refused()


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits_crash_nothing(kind: str, tmp_path: Path) -> None:
    whole, rng = packed(frame(), kind), np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(whole)
        for place in rng.integers(8, len(whole) - 8, size=3):
            content[place] ^= int(rng.integers(1, 255))
        looked(written(tmp_path, bytes(content)), tmp_path)  # anything that is no refusal and no panel fails the test


def test_a_footer_that_lies_about_its_rows_is_refused(tmp_path: Path) -> None:
    memory = io.BytesIO()
    pq.write_table(pa.table({"ds": [f"2024-01-{day:02d}" for day in range(1, 21)], "y": list(range(20))}), memory)
    content = memory.getvalue()
    length = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - length : -8]
    # In Thrift's compact form a field of 64 bits begins with 0x16, and 20 rows are 0x28 after zigzag.
    assert footer.count(b"\x16\x28") >= 1
    path = written(tmp_path, content[: -8 - length] + footer.replace(b"\x16\x28", b"\x16\x7e") + content[-8:])
    hold_refused(ROOM, "a Parquet file of 20 rows whose footer says 63", path, tmp_path)
