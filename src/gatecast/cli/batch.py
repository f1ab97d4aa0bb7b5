"""The commands for tables of millions of series, which are worked on partition by partition."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Group, Parameter

from gatecast.cli.flags import OutputFlags, WorkerFlags
from gatecast.errors import OptionError

Json = Annotated[bool, Parameter(negative=())]


@Parameter(name="*", group=Group.create_ordered("Partitions"))
@dataclass(frozen=True)
class EngineFlags:
    """Where work on partitions runs; a single file is then a partition too.

    Parameters
    ----------
    engine
        Processes of this machine, or a Ray cluster (default: local).
    workers
        Partitions that are worked on side by side (default: one a core).
    address
        Of the Ray cluster (default: that of RAY_ADDRESS, else a new one on this machine).
    quiet
        No progress on stderr.
    """

    engine: Literal["local", "ray"] | None = None
    workers: int | None = None
    address: str | None = None
    quiet: Annotated[bool, Parameter(negative=())] = False


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

    if not more:
        raise OptionError(f"name the new folder after the tables: gatecast partition {data} FOLDER.")
    *others, out = more
    done = partition_table([data, *others], out, PartitionOptions(parts, rows, id))
    if json:
        show.dump({"out": str(out), "partitions": done.partitions, "rows": done.rows})
    else:
        show.line(f"{done.rows:,} rows in {done.partitions:,} partitions written to {out}")


def in_partitions(data: Path | None, flags: EngineFlags | None) -> bool:
    """Whether work goes by partitions: the data are a folder, or somebody says where it runs."""
    said = flags is not None and (flags.engine or flags.workers or flags.address) is not None
    return said or (data is not None and data.is_dir())


def predict_folder(
    run: Path,
    data: Path | None,
    out: Path | None,
    horizon: int | None,
    flags: EngineFlags | None,
    *,
    as_json: bool,
) -> None:
    """Forecast a folder of partitions, and say what was done."""
    from gatecast.cli import show  # noqa: PLC0415 - torch is loaded when there is work
    from gatecast.scale import predict_partitions  # noqa: PLC0415

    data, out, engine, told = _settled(data, out, flags, as_json=as_json)
    show.batch(predict_partitions(run, data, out, engine, horizon, told), as_json=as_json)


def backtest_folder(
    run: Path,
    data: Path | None,
    out: Path | None,
    windows: int | None,
    flags: EngineFlags | None,
    *,
    as_json: bool,
) -> None:
    """Score a net on a folder of partitions, and say what was done and found."""
    from gatecast.cli import show  # noqa: PLC0415
    from gatecast.scale import backtest_partitions  # noqa: PLC0415

    data, out, engine, told = _settled(data, out, flags, as_json=as_json)
    show.batch(backtest_partitions(run, data, out, engine, windows, told), as_json=as_json)


def fit_on_cluster(data: Path, options: Any, out: Path, flags: tuple[OutputFlags, WorkerFlags], listener: Any) -> Any:  # noqa: ANN401 - their types load torch
    """Train one net by the workers of a Ray cluster."""
    from gatecast.engines import EngineOptions  # noqa: PLC0415
    from gatecast.scale.training import Task, fit_over_ray  # noqa: PLC0415

    output, workers = flags
    if output.watch or output.film:
        raise OptionError("--watch and --film look at the net while it learns, and over Ray it learns elsewhere.")
    engine = EngineOptions("ray", workers.workers, workers.address)
    return fit_over_ray(Task(data, out, options, output.tensorboard), engine, resume=output.resume, listener=listener)


def _settled(
    data: Path | None, out: Path | None, flags: EngineFlags | None, *, as_json: bool
) -> tuple[Path, Path, Any, Any]:
    """What must be said, where work runs, and who is told."""
    from gatecast.engines import EngineOptions  # noqa: PLC0415
    from gatecast.scale import Telling  # noqa: PLC0415

    if data is None or out is None:
        raise OptionError("work by partitions reads new data and writes a folder: name DATA, and the folder by --out.")
    flags = flags or EngineFlags()
    options = EngineOptions(flags.engine or "local", flags.workers, flags.address)
    return data, out, options, Telling(quiet=flags.quiet or as_json)
