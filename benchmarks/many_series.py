"""Does one net for many series train in little memory, and does a step cost the same however many there are?

Series of 500 rows each, simulated (a level, a season of 24 rows, noise); lookback 48, horizon 12, one GRU of 64 units,
for windows and for sequences.  Each row is a process of its own: memory is the most it ever held beyond what it held
once gatecast was imported.  A step is a median over 200 of them; preparing includes scaling and laying out the table.

    python benchmarks/many_series.py [--series 100 1000 10000]
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
import torch

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import split_by_time
from gatecast.forecaster import ForecasterConfig, Mode, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import train
from report import environment, write_section

ROWS, SEASON, LOOKBACK, HORIZON, STEPS = 500, 24, 48, 12, 200


def simulated(series: int) -> Panel:
    """So many series, hourly."""
    rng = np.random.default_rng(0)
    steps = np.arange(ROWS)
    arrays = {
        f"s{i}": (10 * rng.random() + np.sin(2 * np.pi * steps / SEASON) + 0.3 * rng.normal(size=ROWS))[:, None]
        for i in range(series)
    }
    return panel_from_arrays(arrays, Columns(target=("y",), id="unique_id", time="ds"), parse_frequency("1h"))


def measure(series: int, mode: Mode) -> dict[str, float]:
    """Prepare, train, and look at the clock and at memory."""
    torch.set_num_threads(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    panel = simulated(series)
    config = ForecasterConfig(
        lookback=LOOKBACK,
        horizon=HORIZON,
        mode=mode,
        season=SEASON,
        normalise="causal" if mode == "sequences" else "last",
        calendar=(),
        flags=False,
        ahead=False,
        network=NetworkConfig(),
        training=TrainingConfig(steps=STEPS, evaluate_every=STEPS),
    )
    started = time.perf_counter()
    network, course, state = RecurrentForecaster(config).prepare(panel, split_by_time(panel, HORIZON))
    prepared = time.perf_counter() - started
    times = []
    last = time.perf_counter()
    for record in train(network, course, config.training, state):
        now = time.perf_counter()
        times += [now - last] if record.validation is None else []
        last = now
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"prepare": prepared, "step": 1e3 * statistics.median(times), "memory": (held - before) / 2**20}


def apart(series: int, mode: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--alone", str(series), mode]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def main() -> None:
    """Measure every size, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        mode: Mode = "sequences" if asked.alone[1] == "sequences" else "windows"
        print(json.dumps(measure(int(asked.alone[0]), mode)))
        return
    rows = []
    for mode in ("windows", "sequences"):
        for series in asked.series:
            found = apart(series, mode)
            rows.append(
                f"| {mode} | {series:,} | {found['prepare']:.1f} | {found['step']:.1f} | {found['memory']:.2f} |"
            )
    head = "| mode | series | prepare s | step ms | memory beyond import GiB |"
    lines = [environment(threads=1), "", head, "|---" * 5 + "|", *rows]
    write_section("many_series", "Many series", __doc__, lines)


if __name__ == "__main__":
    main()
