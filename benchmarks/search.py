"""What does a search bring beside the defaults, and beside a random search of the same time?

Both searches run in the same space for the same time, side by side, each in a process with one thread: what else the
machine does slows both alike.  Ours begins with the defaults and two other points, goes on by what it has seen (TPE),
and ends trials that lag behind; the random search does none of that.  The validation loss is what a search makes low;
the test MASE is that of its best settings, fitted once more, on the last 20 % of each table, which no trial has seen.
Every training takes the same steps, few enough that some tens of trials fit into the time.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gatecast.engines import EngineOptions
from gatecast.tuning.listening import SilentSearch
from gatecast.tuning.proposing import PLAIN_RANDOM, USUAL, Strategy
from gatecast.tuning.result import Search
from gatecast.tuning.searching import Plan, search
from gatecast.workflow import fit
from report import environment, write_section

MOST_TRIALS = 100_000  # the time is the limit


@dataclass(frozen=True)
class Table:
    """One table, what kind it is, and what is said of it."""

    file: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Without its ending."""
        return self.file.split(".")[0]


TABLES = (
    Table("taylor.csv", "half-hourly", {"horizon": 48}),
    Table("us_births_daily.csv.gz", "daily", {"horizon": 30, "target": "births"}),
    Table("national_illness.csv", "weekly, covariates", {"horizon": 24, "target": "OT"}),
    Table("hospital.csv.gz", "monthly, 767 series", {"horizon": 12, "layout": "columns"}),
    Table("bike_sharing_hourly.csv.gz", "hourly, covariates", {"horizon": 24}),
)


@dataclass(frozen=True)
class Outcome:
    """What a search came to."""

    trials: int
    loss: float
    usual: float | None
    mase: float


def searched(table: Table, seconds: float, fixed: dict[str, Any], strategy: Strategy) -> Outcome:
    """Search, fit the best, and score it on the test part."""
    torch.set_num_threads(1)
    plan = Plan(MOST_TRIALS, seconds, EngineOptions(workers=1), strategy)
    found: Search = search(path_of(table), table.settings | fixed, plan, SilentSearch(), None, resume=False)
    mase = found.model.backtest().metrics.scores[0].mase
    usual = found.defaults.loss if found.defaults is not None else None
    return Outcome(len(found.trials), found.best.loss or 0.0, usual, mase)


def path_of(table: Table) -> Path:
    """Where the table lies."""
    return Path(os.environ["GATECAST_DATA"]) / table.file


def compare(table: Table, seconds: float, seed: int, steps: int) -> tuple[str, np.ndarray]:
    """A row of the table, and the ratios to the defaults: loss and MASE of ours, and of the random search."""
    fixed = {"seed": seed, "steps": steps, "baselines": ("naive",)}
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        ours, random = pool.map(partial(searched, table, seconds, fixed), (USUAL, PLAIN_RANDOM))
    usual = fit(path_of(table), **table.settings, **fixed).backtest().metrics.scores[0].mase
    default = ours.usual or ours.loss
    losses = f"{default:.4f} | **{ours.loss:.4f}** | {random.loss:.4f}"
    scores = f"{usual:.3f} | **{ours.mase:.3f}** | {random.mase:.3f}"
    row = f"| {table.name} | {table.kind} | {ours.trials} | {random.trials} | {losses} | {scores} |"
    print(row, flush=True)
    ratios = (ours.loss / default, random.loss / default, ours.mase / usual, random.mase / usual)
    return row, np.array(ratios)


def main() -> None:
    """Search the tables, print a row of each and put them into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=[table.name for table in TABLES])
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    if not os.environ.get("GATECAST_DATA"):
        sys.stderr.write("search skipped: GATECAST_DATA is not set\n")
        return
    torch.set_num_threads(1)
    found = [compare(table, said.seconds, said.seed, said.steps) for table in TABLES if table.name in said.tables]
    means = np.exp(np.mean([np.log(ratios) for _, ratios in found], axis=0))
    lines = [
        f"{environment(threads=1, seeds=(said.seed,))} {said.seconds:g} s for each search, {said.steps} steps.",
        "",
    ]
    lines += [
        "| table | rows | trials | random | loss: defaults | search | random | MASE: defaults | search | random |"
    ]
    lines += ["|---" * 10 + "|", *(row for row, _ in found), ""]
    lines.append(
        f"Geometric means beside the defaults: validation loss {means[0]:.3f} by the search and {means[1]:.3f} at "
        f"random; test MASE {means[2]:.3f} and {means[3]:.3f}."
    )
    write_section("search", "The search for good settings", __doc__, lines)


if __name__ == "__main__":
    main()
