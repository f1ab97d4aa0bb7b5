"""Files that are larger than they look: bombs, endless lines and cells, a million columns; held to time and memory."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tables_tried import hold_command_refuses, hold_read, hold_refused, written
from trying import tried

from gatecast.data.longtable import long_table

ROOM = "Tables: sizes"
MANY = 100_000_000
MEBI = 1 << 20
ROW = b"2024-01-01,1\n"


def text(*parts: bytes) -> Callable[[Path], Path]:
    return lambda folder: written(folder, b"".join(parts))


def bomb(start: bytes, part: bytes, times: int) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with gzip.open(folder / "t.csv", "wb", 6) as file:
            file.write(start)
            for _ in range(times):
                file.write(part)
        return folder / "t.csv"

    return write


def parquet(cell: float | str | list[int], rows: int) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        pl.select(pl.repeat(cell, rows).alias("y")).write_parquet(folder / "t.csv")
        return folder / "t.csv"

    return write


def lying(folder: Path) -> Path:
    path = bomb(b"ds,y\n", ROW * (MEBI // len(ROW)), 96)(folder)
    with path.open("r+b") as file:
        file.seek(-4, 2)
        file.write(bytes(4))
    return path


REFUSED: dict[str, Callable[[Path], Path]] = {
    "gzip of 512 MiB of rows, in 1 MB": bomb(b"ds,y\n", ROW * (MEBI // len(ROW)), 512),
    "gzip of 256 MiB of zeros": bomb(b"", bytes(MEBI), 256),
    "gzip of 256 MiB of newlines": bomb(b"ds,y\n", b"\n" * MEBI, 256),
    "gzip of 256 MiB of one cell": bomb(b"ds,y\n2024-01-01,", b"1" * MEBI, 256),
    "gzip of 256 MiB within a quote": bomb(b'ds,y\n2024-01-01,"', b"1\n" * (MEBI // 2), 256),
    "a cell of 100 MB": text(b"ds,y\n2024-01-01,", b"1" * MANY, b"\n"),
    "a quoted cell of 100 MB": text(b'ds,y\n2024-01-01,"', b"1" * MANY, b'"\n'),
    "a quoted cell of 100 MB in lines of two letters": text(b'ds,y\n2024-01-01,"', b"1\n" * (MANY // 2), b'"\n'),
    "a cell of 20,000 characters": text(b"ds,y\n2024-01-01,", b"1" * 20_000, b"\n"),
    "a cell of 2 MB": text(b"ds,y\n2024-01-01,", b"1" * 2_000_000, b"\n"),
    "a name of 100 MB": text(b"ds,", b"a" * MANY, b"\n2024-01-01,1\n"),
    "a quote that never closes, and 100 MB of rows": text(b'ds,y\n2024-01-01,"1\n', ROW * (MANY // len(ROW))),
    "100 MB of numbers in one line": text(b"1," * (MANY // 2)),
    "100 MB of spaces": text(b" " * MANY),
    "100 MB of quotes": text(b'"' * MANY),
    "100 million blank lines": text(b"ds,y\n", b"\n" * MANY, b"2024-01-01,1\n"),
    "10 million lines of one quote": text(b"ds,y\n2024-01-01,1\n", b'"\n' * 10_000_000),
    "a million columns": text(b",".join(b"a%d" % i for i in range(10**6)), b"\n", b",".join([b"1"] * 10**6), b"\n"),
    "a million columns without a name": text(b"," * 10**6, b"\n", b"," * 10**6, b"\n"),
    "10,001 columns": text(b",".join(b"a%d" % i for i in range(10_001)), b"\n", b",".join([b"1"] * 10_001), b"\n"),
    "Parquet of 200 million rows, in 0.6 MB": parquet(0.0, 200_000_000),
    "Parquet of 50 million rows, in 0.2 MB": parquet(0.0, 50_000_000),
    "gzip of 96 MiB of rows, whose last bytes say that it is small": lying,
}
# Typed cells stay as they are where a table of any size is cut, a stretch of rows at a time.
NOT_STREAMED: dict[str, Callable[[Path], Path]] = {
    "Parquet of 2 GB of text, in a few kB": parquet("x" * 9_999, 200_000),
    "Parquet of 1.2 GB of lists, in a few kB": parquet([0] * 1_000, 150_000),
}


@pytest.mark.parametrize("abuse", [*REFUSED, *NOT_STREAMED])
def test_what_is_larger_than_it_looks_is_refused_in_time(
    abuse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = (REFUSED | NOT_STREAMED)[abuse](tmp_path)
    message = hold_refused(ROOM, abuse, path, tmp_path)
    hold_command_refuses(path, tmp_path, message, capsys)
    if abuse not in NOT_STREAMED:
        tried(lambda: sum(frame.height for frame in long_table(path).stretches()), tmp_path).refused()
    path.unlink()  # temporary folders are kept for a while


def test_a_wide_table_is_read_in_time(tmp_path: Path) -> None:
    numbers = [[day * place % 97 + day * day % 89 for place in range(4_999)] for day in range(1, 31)]
    header = ",".join(["ds", *(f"a{place}" for place in range(4_999))])
    rows = [f"2024-01-{day:02d},{','.join(map(str, cells))}" for day, cells in enumerate(numbers, start=1)]
    path = written(tmp_path, "\n".join([header, *rows, ""]))
    last = [cells[-1] for cells in numbers]
    panel = hold_read(ROOM, "5,000 columns", path, tmp_path, last)
    assert (panel.values[:, 1 + panel.columns.past.index("a2500")] == np.asarray(numbers)[:, 2500]).all()
