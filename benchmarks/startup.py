"""How long until something happens: `import gatecast`, and from process start to the first training step?

Imports are timed in fresh processes that take turns, as the ratio of medians to `import torch` alone.  The first step
is that of `gatecast fit` on a table of 17,420 hourly rows and 7 columns, from the start of the process until the first
line of the training log: reading, guessing, splitting and building the net included.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from report import environment, write_section

ROUNDS = 9
IMPORTS = ("import torch", "import gatecast", "import gatecast.workflow", "from gatecast.cli import main")
RUN = "import sys; from gatecast.cli import main; sys.exit(main())"


def seconds(code: str) -> float:
    """Wall seconds of a fresh process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def write_table(path: Path) -> None:
    """Seven hourly random walks."""
    rows = 17_420
    start = np.datetime64("2016-07-01T00:00:00", "us")
    times = start + np.arange(rows) * np.timedelta64(3600, "s")
    walks = np.random.default_rng(0).normal(size=(rows, 7)).cumsum(axis=0)
    pl.DataFrame({"date": times} | {f"x{i}": walks[:, i] for i in range(7)}).write_csv(path)


def first_step(table: Path, out: Path) -> float:
    """Wall seconds from the start of `gatecast fit` to its first training step."""
    started = time.perf_counter()
    command = [sys.executable, "-c", RUN, "fit", str(table), "--horizon", "24", "--out", str(out), "--quiet"]
    process = subprocess.Popen(command)
    log = out / "steps.jsonl"
    while not (log.exists() and log.stat().st_size):
        if process.poll() is not None:
            sys.exit("gatecast fit ended before its first step")
        time.sleep(0.001)
    elapsed = time.perf_counter() - started
    process.kill()
    process.wait()
    return elapsed


def main() -> None:
    """Print the tables and put them into RESULTS.md."""
    times: dict[str, list[float]] = {code: [] for code in IMPORTS}
    for _ in range(ROUNDS):
        for code, found in times.items():
            found.append(seconds(code))
    medians = {code: statistics.median(found) for code, found in times.items()}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        write_table(table)
        steps = [first_step(table, Path(folder) / f"run{number}") for number in range(ROUNDS)]
    lines = [environment(threads=1), "", "| fresh process | median s | times `import torch` |", "|---|---|---|"]
    lines += [f"| `{code}` | {s:.2f} | {s / medians['import torch']:.2f} |" for code, s in medians.items()]
    spread = f"median {statistics.median(steps):.2f} s of {ROUNDS}, from {min(steps):.2f} to {max(steps):.2f} s"
    lines += ["", f"Process start to the first training step: {spread}."]
    write_section("startup", "Start-up", __doc__, lines)


if __name__ == "__main__":
    main()
