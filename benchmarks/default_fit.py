"""How good is `gatecast fit` when nothing is said but the horizon, what does it cost, and does it beat simple methods?

Every row is one run of the command line in a process of its own, on the last 20 % of each table, which nothing was
fitted on, chosen by or scaled with.  MASE is that of metrics.json; skill is 1 - net / best baseline, so a negative one
is a loss.  Wall time and peak memory are those of the whole process, the baselines, the report and the pictures
included.

Two things to know.  The defaults (lookback, learning rate, steps) were chosen by the validation parts of most of these
tables, with their test parts in sight.  The longest lag of the AutoReg baseline was set with the test parts of M4
Hourly and taylor in sight, which flatters the baseline there, not the net.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gatecast.evaluation.results import Metrics
from gatecast.workflow.runs import read_metrics
from report import environment, write_section


@dataclass(frozen=True)
class Task:
    """One table and what is said about it."""

    file: str
    horizon: int
    extra: tuple[str, ...] = ()


TASKS = (
    Task("ETTh1.csv.gz", 24),
    Task("QQQ.csv", 5, ("--target", "Close")),
    Task("Rainfall_data.csv", 1),
    Task("Rainfall_data.csv", 12),
    Task("beijing_pm25.csv.gz", 24),
    Task("beijing_pm25.csv.gz", 24, ("--target", "pm2.5")),
    Task("bike_sharing_hourly.csv.gz", 24),
    Task("airline-passengers.csv", 12),
    Task("monthly-sunspots.csv", 12),
    Task("m4/Hourly-train.csv.gz", 48, ("--layout", "rows")),
    Task("peyton_manning.csv", 30),
    Task("taylor.csv", 48),
)


def run(task: Task, data: Path, out: Path) -> tuple[Metrics, float, float]:
    """Scores, wall seconds and peak MB of one fit."""
    words = ["fit", str(data / task.file), "--horizon", str(task.horizon), *task.extra, "--out", str(out), "--json"]
    code = "import sys; from gatecast.cli import main; sys.exit(main())"
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"gatecast {' '.join(words)} failed")
    return read_metrics(out), seconds, usage.ru_maxrss / 1024


def row(task: Task, metrics: Metrics, seconds: float, memory: float) -> str:
    """One line of the table."""
    mase = {score.model: score.mase for score in metrics.scores}
    net, verdict = metrics.scores[0], metrics.verdict
    cells = (
        f"{task.file.split('.')[0]} {' '.join(task.extra)}".strip(),
        str(task.horizon),
        f"{metrics.windows:,}",
        f"**{net.mase:.3f}**",
        f"{mase.get('seasonal_naive', mase['naive']):.3f}",
        f"{verdict.best_baseline} {mase[verdict.best_baseline]:.3f}",
        f"{verdict.skill:+.1%}",
        f"{verdict.p_value:.2g}",
        f"{seconds:.0f}",
        f"{memory:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run every task, print the table and put it into RESULTS.md."""
    folder = os.environ.get("GATECAST_DATA")
    if not folder:
        sys.stderr.write("default_fit skipped: GATECAST_DATA is not set\n")
        return
    rows, beaten = [], 0
    with tempfile.TemporaryDirectory() as out:
        for number, task in enumerate(TASKS):
            metrics, seconds, memory = run(task, Path(folder), Path(out) / str(number))
            mase = {score.model: score.mase for score in metrics.scores}
            beaten += metrics.scores[0].mase < mase.get("seasonal_naive", mase["naive"])
            rows.append(row(task, metrics, seconds, memory))
            print(rows[-1], flush=True)
    head = "| table | horizon | windows | gru MASE | seasonal naive | best baseline | skill | p | wall s | peak MB |"
    lines = [environment(threads=1), "", head, "|---|---|---|---|---|---|---|---|---|---|", *rows, ""]
    lines.append(f"The default net beats seasonal naive on {beaten} of {len(TASKS)} rows.")
    write_section("default_fit", "The default fit on twelve tasks", __doc__, lines)


if __name__ == "__main__":
    main()
