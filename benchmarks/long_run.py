"""Does anything leak, or slow down, in an hour at full load?

One process trains nets of every kind in turn, writes checkpoints and reports, reads the models back and forecasts.
Beside it `gatecast serve` takes observations over 8 connections, one row a request, and over one more 100 rows a
request, while two others ask for forecasts and one for the list of series, each as soon as it has its answer.  It keeps
ten minutes of observations beyond its newest snapshot, of which it writes one every 1,000,000 observations.  After 15 s
the connections are broken off, two requests are made that must be refused, and what each process (with its children)
holds is noted; then comes the next stretch.  Growth is the median of all slopes between two minutes (Theil 1950, Sen
1968) after a tenth of the time, with a 95 % interval.  A process leaks where the interval lies above 0 and the slope
above 10 MiB an hour, or where its last three looks found more descriptors than the first three.  All figures are left
in the folder that is printed first.  Where others use the machine too, milliseconds and seconds are theirs as much.

    python benchmarks/long_run.py [--minutes 60] [--every 15]
"""

import argparse
import csv
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from live_process import fit_run, started
from long_load import first_rows, stretch
from long_looks import Look, answers, fits, growth
from long_training import train_for_ever
from process_watch import folder, held
from report import environment, write_section

NAMES = ["s0", "s1"]
KEEP_DAYS = 10 / 24 / 60


def main() -> None:
    """Run, and put the tables into RESULTS.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=15.0)
    asked = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="long_run_"))
    print(f"noting in {place}", flush=True)
    looks = run(place, asked.minutes, asked.every)
    trained = [json.loads(line) for line in (place / "fits.jsonl").read_text().splitlines()]
    lines = [*growth(looks), "", *answers(looks), "", *fits(trained)]
    about = f"{asked.minutes:g} minutes. {environment(threads=2)}"
    write_section("long_run", "A long run at full load", __doc__, [*lines, "", about])


def run(place: Path, minutes: float, every: float) -> list[Look]:
    """Train, serve and look, for so long."""
    model = fit_run(place / "model", NAMES)
    trainer = multiprocessing.get_context("spawn").Process(target=train_for_ever, args=(place,))
    trainer.start()
    with (place / "server.log").open("wb") as log:
        flags = ("--port", "0", "--keep-days", str(KEEP_DAYS))
        server = started(model, place / "store", log.fileno(), flags)
        ids = {"training": trainer.pid or 0, "server": server.process.pid, "clients": os.getpid()}
        try:
            return list(looks(place, server.port, ids, minutes, every))
        finally:
            trainer.terminate()
            trainer.join()
            server.end()


def looks(place: Path, port: int, ids: dict[str, int], minutes: float, every: float) -> Iterator[Look]:
    """A look after each stretch, each also a row of looks.csv."""
    rows, began, errors = first_rows(port), time.perf_counter(), 0
    with (place / "looks.csv").open("w", newline="") as file:
        table = csv.writer(file)
        while (time.perf_counter() - began) / 60 < minutes:
            found, wrong = stretch(port, rows, every)
            errors += wrong
            processes = {name: held(process, ids.values()) for name, process in ids.items()}
            folders = {name: folder(place / name) for name in ("run", "store")}
            look = Look((time.perf_counter() - began) / 60, processes, folders, found, errors)
            table.writerows([look.row()] if file.tell() else [look.names(), look.row()])
            file.flush()
            yield look


if __name__ == "__main__":
    main()
