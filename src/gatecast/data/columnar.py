"""Parquet and Arrow files: what they say of their size is looked at before their cells are unpacked."""

from pathlib import Path

import polars as pl

from gatecast.data.unpacking import refuse_bomb

MOST_PACKED = 1_000  # times: columns of flags that are mostly zero pack to a few hundredths
_NUMBER = 8  # bytes


def scan_columnar(path: Path, start: bytes) -> pl.LazyFrame | None:
    """A Parquet or Arrow file to be read; None when its first bytes say that it is neither."""
    if start.startswith(b"PAR1"):
        return pl.scan_parquet(path, glob=False)
    return pl.scan_ipc(path) if start.startswith(b"ARROW1") else None


def rows_of(path: Path, scan: pl.LazyFrame) -> int:
    """How many rows there are, without unpacking them.

    Raises:
        TableError: they would take much more room than the file does.
    """
    rows = int(scan.select(pl.len()).collect().item())
    refuse_bomb(path, path.stat().st_size, rows * len(scan.collect_schema()) * _NUMBER, MOST_PACKED)
    return rows


def text_bytes(scan: pl.LazyFrame) -> int:
    """How many bytes the text cells hold together; cells that share one text count each for itself."""
    names = [name for name, kind in scan.collect_schema().items() if kind == pl.String]
    lengths = scan.select(pl.col(name).str.len_bytes().cast(pl.Int64).sum() for name in names) if names else None
    return 0 if lengths is None else sum(count or 0 for count in lengths.collect().row(0))
