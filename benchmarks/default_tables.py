"""How good is `gatecast.fit(table, horizon=...)` with nothing tuned, on ten tables?

Every row is one fit with defaults, scored as `model.backtest()` scores: on the last 20 % of each table, by MASE, beside
every baseline that is quick enough, on the same windows.  A ratio below 1 is better than the seasonal naive forecast.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gatecast
from gatecast.evaluation.results import Metrics
from report import environment, write_section

NAIVE = ("naive", "seasonal_naive", "drift", "mean")


@dataclass(frozen=True)
class Table:
    """One table, its horizon, and its target where there are several columns of numbers."""

    file: str
    horizon: int
    target: str | None = None


TABLES = (
    Table("ETTh1.csv.gz", 24, "OT"),
    Table("taylor.csv", 48),
    Table("us_births_daily.csv.gz", 30, "births"),
    Table("saugeenday.csv.gz", 30),
    Table("airline-passengers.csv", 12),
    Table("monthly-sunspots.csv", 12),
    Table("daily-min-temperatures.csv", 30),
    Table("bike_sharing_hourly.csv.gz", 24),
    Table("QQQ.csv", 5, "Close"),
    Table("Rainfall_data.csv", 12, "Precipitation"),
)


@dataclass(frozen=True)
class Outcome:
    """MASE of one fit with defaults, and of what stands beside it."""

    table: Table
    seed: int
    net: float
    best_naive: tuple[float, str]
    best: tuple[float, str]
    seasonal: float
    windows: int
    seconds: float

    @property
    def line(self) -> str:
        """One line of the table."""
        target = f" {self.table.target}" if self.table.target else ""
        beside = " | ".join(f"{name} {mase:.3f}" for mase, name in (self.best_naive, self.best))
        first = f"{self.table.file.split('.')[0]}{target} | {self.table.horizon} | {self.windows:,} | {self.seed}"
        return f"| {first} | **{self.net:.3f}** | {beside} | {self.net / self.seasonal:.3f} | {self.seconds:.0f} |"


def outcome(table: Table, seed: int) -> Outcome:
    """Fit with defaults and score."""
    started = time.perf_counter()
    path = Path(os.environ["GATECAST_DATA"]) / table.file
    model = gatecast.fit(path, horizon=table.horizon, target=table.target, seed=seed)
    seconds = time.perf_counter() - started
    metrics: Metrics = model.backtest().metrics
    net, *others = metrics.scores
    mase = {score.model: score.mase for score in others}
    naive = min((mase[name], name) for name in NAIVE if name in mase)
    best = min((value, name) for name, value in mase.items())
    seasonal = mase.get("seasonal_naive", mase["naive"])
    found = Outcome(table, seed, net.mase, naive, best, seasonal, metrics.windows, seconds)
    print(found.line, flush=True)
    return found


def summary(outcomes: Sequence[Outcome]) -> str:
    """How often the net is better, and by how much."""
    count = len(outcomes)
    naive = sum(each.net < each.best_naive[0] for each in outcomes)
    best = sum(each.net < each.best[0] for each in outcomes)
    mean = np.exp(np.mean([np.log(each.net / each.seasonal) for each in outcomes]))
    return (
        f"Seed {outcomes[0].seed}: below the best naive forecast on {naive} of {count} tables, below every baseline on "
        f"{best} of {count}; geometric mean of MASE relative to the seasonal naive forecast {mean:.3f}.  "
    )


def judge_tables(seeds: Sequence[int]) -> None:
    """Every table with every seed, written into RESULTS.md."""
    found = {seed: [outcome(table, seed) for table in TABLES] for seed in seeds}
    head = "| table | horizon | windows | seed | net MASE | best naive | best baseline | of seasonal naive | fit s |"
    rows = [found[seed][place].line for place in range(len(TABLES)) for seed in seeds]
    lines = [environment(threads=1, seeds=seeds), "", head, "|---" * 9 + "|", *rows, ""]
    lines += [summary(outcomes) for outcomes in found.values()]
    write_section("accuracy", "Accuracy: defaults on ten tables", __doc__, lines, arguments="tables")
