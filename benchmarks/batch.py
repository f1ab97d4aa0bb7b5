"""How fast are forecasts and backtests of many series in partitions, and does memory stay where it is?

Simulated hourly series (a level, a season of 24 rows, noise) in Parquet partitions of about 250,000 rows.  The net is a
GRU of 64 units with three quantiles, calibrated, which forecasts 12 rows; it reads windows of 24 rows, or the whole
series with a carried state.  It was trained for 100 steps on 200 of the series, so nearly all of them are new to it.  A
backtest has every window of the rows after its training, and four baselines beside the net.  Work runs in one process
a core, each with one thread.

Busy seconds are those that all pieces together kept their cores at work, which other work on the machine hardly
changes; rows a second are those of the table by them, so they are of one core.  The start of a process is not in them:
loading torch and the model takes some seconds, once for each worker.
Peak memory is VmHWM of the process that used most; "imported" is that of one that has imported
everything, loaded the model and done nothing.

Below that, a CSV file is cut into partitions of 1,000,000 rows in a process of its own.

    python benchmarks/batch.py
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

import gatecast
from gatecast.data.partitioning import PartitionOptions, partition_table
from gatecast.data.partitions import partitions_of
from gatecast.engines import EngineOptions, engine_for
from gatecast.scale.folder import Results, record_of
from gatecast.scale.judging import judge_piece
from gatecast.scale.pieces import Asked, Finished, Piece, loaded, seal_of
from gatecast.scale.predicting import predict_piece
from report import environment, write_section

TABLES = {"10,000 series of 100 rows": (10_000, 100), "20,000 of 100": (20_000, 100), "10,000 of 200": (10_000, 200)}
ROWS, TRAINED, SEEN = 250_000, 200, 60
LONG = (2, 8)  # million rows
SEASON, LOOKBACK, HORIZON = 24, 24, 12


class Measured(NamedTuple):
    """One piece: what became of it, busy seconds, and the most memory in MiB that its process ever held."""

    finished: Finished
    busy: float
    peak: float


def measured(piece: Piece) -> Measured:
    """Do a piece, and look at the clock and at memory."""
    loaded(piece.run, piece.seal)
    begun = time.process_time()
    finished = predict_piece(piece) if piece.asked.kind == "predict" else judge_piece(piece)
    return Measured(finished, time.process_time() - begun, peak())


def idle(piece: Piece) -> float:
    """Load the model, and nothing more."""
    loaded(piece.run, piece.seal)
    return peak()


def peak() -> float:
    """The most memory that this process ever held, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10


def simulated(series: int, rows: int) -> pl.DataFrame:
    """So many series, hourly."""
    rng, steps = np.random.default_rng(0), np.arange(rows)
    level = np.repeat(5 + 10 * rng.random(series), rows)
    y = level + np.tile(np.sin(2 * np.pi * steps / SEASON), series) + 0.3 * rng.normal(size=series * rows)
    hours = np.datetime64("2024-01-01T00", "us") + steps * np.timedelta64(1, "h")
    names = np.repeat([f"series_{number}" for number in range(series)], rows)
    return pl.DataFrame({"unique_id": names, "ds": np.tile(hours, series), "y": y.round(3)})


def cut(names: tuple[str, str]) -> tuple[float, float]:
    """Cut a file; busy seconds, and the most memory that the process ever held, in MiB."""
    begun = time.process_time()
    partition_table([Path(names[0])], Path(names[1]))
    return time.process_time() - begun, peak()


def cutting(folder: Path) -> Iterator[str]:
    """One line for each size of a CSV file."""
    for times in LONG:
        with (folder / "long.csv").open("wb") as file:
            for number in range(times):
                part = simulated(1_000, 1_000).with_columns(f"{number}_" + pl.col("unique_id"))
                part.write_csv(file, include_header=not number, datetime_format="%Y-%m-%d %H:%M:%S")
        size = (folder / "long.csv").stat().st_size / 1e6
        shutil.rmtree(folder / "cut", ignore_errors=True)
        with engine_for(EngineOptions(workers=2)) as engine:
            seconds, most = next(iter(engine.run(cut, [(str(folder / "long.csv"), str(folder / "cut"))]))).result
        yield f"| {times:,},000,000 | {size:,.0f} | {seconds:.1f} | {most:,.0f} |"


def model_in(folder: Path, mode: str) -> Path:
    """A model that has seen the first rows of a few series."""
    early = simulated(TRAINED, 100).filter(pl.int_range(pl.len()).over("unique_id") < SEEN + 2 * HORIZON)
    early.write_parquet(folder / "early.parquet")
    model = gatecast.fit(
        folder / "early.parquet",
        horizon=HORIZON,
        lookback=LOOKBACK,
        season=SEASON,
        hidden_size=64,
        steps=100,
        mode=mode,
        baselines=("naive", "seasonal_naive", "drift", "mean"),
    )
    return gatecast.save(model, folder / mode)


def run(model: Path, data: Path, out: Path, asked: Asked) -> tuple[list[Measured], float]:
    """The pieces, and the memory of an idle process."""
    shutil.rmtree(out, ignore_errors=True)
    sources = partitions_of(data)
    results = Results(out, sources, record_of(seal_of(model), asked, sources))
    pieces = [results.piece(place, model) for place in results.places()]
    with engine_for(EngineOptions()) as engine:
        found = [done.result for done in engine.run(measured, pieces)]
    with engine_for(EngineOptions(workers=2)) as engine:
        unused = next(iter(engine.run(idle, pieces[:1]))).result
    return found, unused


def row_of(name: str, kind: str, found: list[Measured], unused: float) -> str:
    """One line of the table."""
    rows, forecasts = (sum(getattr(each.finished, what) for each in found) for what in ("rows", "forecasts"))
    busy = sum(each.busy for each in found)
    most = max(each.peak for each in found)
    return (
        f"| {name} | {kind} | {busy:.2f} | **{rows / busy:,.0f}** | {forecasts / busy:,.0f} | {forecasts:,} "
        f"| {most:,.0f} | {unused:,.0f} |"
    )


def main() -> None:
    """Measure every table, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    lines = [
        "| table | work | busy s | rows/s a core | forecast rows/s a core | forecast rows | peak MiB | imported MiB |"
    ]
    lines += ["|---" * 8 + "|"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        models = {mode: model_in(folder, mode) for mode in ("windows", "sequences")}
        for name, (series, length) in TABLES.items():
            simulated(series, length).write_parquet(folder / "all.parquet")
            shutil.rmtree(folder / "in", ignore_errors=True)
            partition_table([folder / "all.parquet"], folder / "in", PartitionOptions(rows=ROWS))
            for mode, model in models.items():
                for kind in ("predict", "backtest"):
                    found = run(model, folder / "in", folder / "out", Asked(kind))
                    lines.append(row_of(f"{name}, {mode}", kind, *found))
                    print(lines[-1], file=sys.stderr)
        lines += ["", "| rows of CSV | MB | busy s | peak MiB |", "|---|---|---|---|", *cutting(folder)]
    write_section("batch", "Many series in partitions", __doc__, [environment(threads=1), "", *lines])


if __name__ == "__main__":
    main()
