"""How long does a table of ten million rows take from the file to a Panel, and how much memory?

Nothing is said about the table: separator, header, time, id, target and frequency are guessed, every cell is checked,
and the rows are put on their grid.  Each reading is a process of its own; seconds are from the call of `load_panel`
until it returns, without the start of Python, "busy" adds up the seconds of every core (which other work on the
machine hardly changes, as it does the median), and the peak memory is that of the whole process.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from report import environment, write_section

ROUNDS = 3
SERIES, ROWS = 10_000, 1_000
READ = """
import json, resource, sys, time
from gatecast.data.reading import load_panel
before, started = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), time.perf_counter()
panel, _ = load_panel(sys.argv[1])
seconds = time.perf_counter() - started
busy = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - before
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([seconds, busy, peak, len(panel.ids)]))
"""


def write_tables(folder: Path) -> dict[str, Path]:
    """Ten thousand hourly series under two kinds of names, as text and as Parquet; and one series of seconds."""
    rows = SERIES * ROWS
    y = np.random.default_rng(0).normal(size=rows).round(4)
    start = np.datetime64("2020-01-01T00:00:00", "us")
    hours = np.tile(start + np.arange(ROWS) * np.timedelta64(1, "h"), SERIES)
    names = np.repeat([f"series_{number}" for number in range(SERIES)], ROWS)
    long = pl.DataFrame({"unique_id": names, "ds": hours, "y": y})
    one = pl.DataFrame({"ds": start + np.arange(rows) * np.timedelta64(1, "s"), "y": y})
    tables = {
        "CSV, columns unique_id, ds, y": (long, ".csv"),
        "CSV, columns shop, date, sales": (long.rename({"unique_id": "shop", "ds": "date", "y": "sales"}), ".csv"),
        "CSV, one series of seconds": (one, ".csv"),
        "Parquet, columns unique_id, ds, y": (long, ".parquet"),
    }
    return {name: _write(frame, folder / f"{name}{end}") for name, (frame, end) in tables.items()}


def _write(frame: pl.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
    else:
        frame.write_parquet(path)
    return path


def read(path: Path) -> tuple[float, float, float, int]:
    """Seconds, busy seconds, peak GiB and number of series of one reading in a fresh process."""
    done = subprocess.run([sys.executable, "-c", READ, str(path)], check=True, capture_output=True, text=True)
    seconds, busy, peak, series = json.loads(done.stdout)
    return seconds, busy, peak, series


def main() -> None:
    """Print the table and put it into RESULTS.md."""
    threads = pl.thread_pool_size()
    lines = [environment(threads), ""]
    lines += ["| file | size MB | series | median s | from - to | busy s | peak GiB |", "|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, path in write_tables(Path(folder)).items():
            found = [read(path) for _ in range(ROUNDS)]
            seconds, busy = ([times[kind] for times in found] for kind in (0, 1))
            _, _, peak, series = found[0]
            spread = f"{min(seconds):.1f} - {max(seconds):.1f}"
            lines.append(
                f"| {name} | {path.stat().st_size / 1e6:.0f} | {series:,} | **{statistics.median(seconds):.1f}** "
                f"| {spread} | {statistics.median(busy):.1f} | {peak:.1f} |"
            )
    write_section("reading", "Reading a large table", __doc__, lines)


if __name__ == "__main__":
    main()
