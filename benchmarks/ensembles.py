"""What does an ensemble cost beside one net, and what does its median bring?

The error is that of `model.backtest()` on the last 20 % of each table, after a fit with defaults by one net and by an
ensemble, whose nets share out what each training step reads.  The milliseconds are those of a training step, in the
process's own time: a median of the steps of both in turn, without the looks at the validation part.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from default_tables import TABLES, Table
from gatecast.forecaster import RecurrentForecaster
from gatecast.training.loop import StepRecord, train
from gatecast.workflow import Model, fit
from report import environment, write_section

NAMES = ("ETTh1", "airline", "monthly", "daily", "Rainfall")


def fitted(table: Table, nets: int, seed: int) -> tuple[Model, float]:
    """A fit with defaults, and its MASE."""
    path = Path(os.environ["GATECAST_DATA"]) / table.file
    model = fit(path, horizon=table.horizon, target=table.target, seed=seed, ensemble=nets)
    return model, model.backtest().metrics.scores[0].mase


def steps(model: Model, nets: int) -> Iterator[StepRecord]:
    """The training steps of a net, or an ensemble, of the same configuration."""
    network = msgspec.structs.replace(model.forecaster.config.network, ensemble=nets)
    config = msgspec.structs.replace(model.forecaster.config, network=network)
    net, course, state = RecurrentForecaster(config).prepare(model.panel, model.split)
    return train(net, course, config.training, state)


def milliseconds(model: Model, counts: tuple[int, ...], rounds: int) -> list[float]:
    """The median step of each, taken in turn."""
    running = {nets: steps(model, nets) for nets in counts}
    taken: dict[int, list[float]] = {nets: [] for nets in counts}
    for _ in range(rounds):
        for nets, each in running.items():
            started = time.process_time()
            if next(each).validation is None:
                taken[nets].append(1e3 * (time.process_time() - started))
    return [statistics.median(taken[nets][3:]) for nets in counts]


def main() -> None:
    """Fit the tables, print a row of each and put them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nets", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    said = parser.parse_args()
    if not os.environ.get("GATECAST_DATA"):
        sys.stderr.write("ensembles skipped: GATECAST_DATA is not set\n")
        return
    torch.set_num_threads(1)
    counts = (1, said.nets)
    lines = [environment(threads=1, seeds=said.seeds), ""]
    lines += [f"| table | mode | seed | MASE of one | of {said.nets} | step of one, ms | of {said.nets} | ratio |"]
    lines += ["|---" * 8 + "|"]
    for table in (table for table in TABLES if table.file.startswith(NAMES)):
        for seed in said.seeds:
            (model, one), (_, many) = (fitted(table, nets, seed) for nets in counts)
            alone, together = milliseconds(model, counts, said.rounds)
            first = f"{table.file.split('.')[0]} | {model.forecaster.config.mode} | {seed} | {one:.3f} | {many:.3f}"
            lines.append(f"| {first} | {alone:.2f} | {together:.2f} | {together / alone:.2f} |")
            print(lines[-1], flush=True)
    write_section("ensembles", "An ensemble beside one net", __doc__, lines)


if __name__ == "__main__":
    main()
