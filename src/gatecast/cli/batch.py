"""The commands for tables of millions of series, which are worked on partition by partition."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

Json = Annotated[bool, Parameter(negative=())]


def add_batch_commands(app: App) -> None:
    """Put the commands beside the others."""
    app.command(partition)


def partition(
    data: Path,
    /,
    *more: Path,
    parts: int | None = None,
    rows: int = 1_000_000,
    id: str = "unique_id",  # noqa: A002 - as in every other command
    json: Json = False,
) -> None:
    """Cut tables of any size into a folder of partitions, each with whole series; the last name is that folder.

    Parameters
    ----------
    data
        A CSV, TSV, Parquet or Arrow file; text may be gzip.
    more
        More such files with the same columns, and at the end the new folder.
    parts
        How many partitions (default: as many as --rows asks for).
    rows
        About how many rows each of them holds.
    id
        The column that tells series apart.
    json
        What was written as JSON on stdout.
    """
    from gatecast.cli import show  # noqa: PLC0415 - polars is loaded when there is work
    from gatecast.data.partitioning import PartitionOptions, partition_table  # noqa: PLC0415
    from gatecast.errors import OptionError  # noqa: PLC0415

    if not more:
        raise OptionError(f"name the new folder after the tables: gatecast partition {data} FOLDER.")
    *others, out = more
    done = partition_table([data, *others], out, PartitionOptions(parts, rows, id))
    if json:
        show.dump({"out": str(out), "partitions": done.partitions, "rows": done.rows})
    else:
        show.line(f"{done.rows:,} rows in {done.partitions:,} partitions written to {out}")
