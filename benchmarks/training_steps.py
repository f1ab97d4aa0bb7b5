"""How much do more training steps help, by how many rows there are to train on?

`gatecast.fit` takes one step for 50 rows of all training parts, from 1,000 to 5,000, and looks at the validation part
twenty times; this is what that rule stands on.  Everything else is chosen as `fit` chooses it, once for each table, and
kept while the steps vary.  Scores are MASE over the test part, one horizon apart, beside seasonal naive's; the seconds
are those of training.

    GATECAST_DATA=... python benchmarks/training_steps.py [--seeds 2]
"""

import argparse
import os
import sys
import time
from collections.abc import Callable

import torch
from msgspec import structs

import public_panels
from gatecast.choosing import Asked, choose
from gatecast.data.panel import Panel
from gatecast.data.splits import Split, scoring_origins, split_by_time
from gatecast.evaluation.backtest import backtest, score
from gatecast.evaluation.baselines import SeasonalNaive
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from report import environment, write_section

STEPS = (1000, 3000, 5000)
LOOKS = 20
TABLES: dict[str, Callable[[], tuple[Panel, int]]] = {
    "hospital": lambda: (public_panels.hospital(), 12),
    "M4 Weekly": lambda: public_panels.m4("Weekly"),
    "ETTm1": lambda: (public_panels.ett("ETTm1.csv.gz"), 96),
}


def relative(net: RecurrentForecaster, panel: Panel, split: Split, season: int) -> float:
    """The MASE of a net over the test part, divided by that of seasonal naive on the same windows."""
    horizon = net.config.horizon
    naive = SeasonalNaive(season).fit(panel, split.validation_end)
    origins = scoring_origins(split.validation_end, split.test_end, horizon)
    judged = backtest([net, naive], panel, origins, horizon)
    own, other = score(judged, season, split.validation_end, net.name, ()).scores
    return own.mase / other.mase


def trained(config: ForecasterConfig, panel: Panel, split: Split, steps: int, seed: int) -> RecurrentForecaster:
    """A net that took so many steps."""
    training = structs.replace(config.training, steps=steps, evaluate_every=steps // LOOKS, seed=seed)
    return RecurrentForecaster(structs.replace(config, training=training)).fit(panel, split)


def of_table(name: str, seeds: int) -> list[str]:
    """The rows of one table."""
    panel, horizon = TABLES[name]()
    split = split_by_time(panel, horizon)
    chosen = choose(panel, split, Asked(horizon=horizon))
    lines = []
    for seed in range(seeds):
        cells = []
        for steps in STEPS:
            started = time.perf_counter()
            net = trained(chosen.config, panel, split, steps, seed)
            seconds = time.perf_counter() - started
            cells.append(f"{relative(net, panel, split, chosen.season):.3f} ({seconds:.0f} s)")
        rows = f"{int(split.train_end.sum()):,}"
        lines.append(f"| {name} | {rows} | {chosen.config.training.steps:,} | {seed} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measure, print the table and put it into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    seeds = parser.parse_args().seeds
    if not os.environ.get("GATECAST_DATA"):
        sys.stderr.write("training_steps skipped: GATECAST_DATA is not set\n")
        return
    torch.set_num_threads(1)
    shown = " | ".join(f"{steps:,} steps" for steps in STEPS)
    head = f"| table | rows to train on | the rule's steps | seed | {shown} |"
    lines = [environment(1, range(seeds)), "", "MASE relative to seasonal naive:", "", head, "|---" * 7 + "|"]
    for name in TABLES:
        lines += of_table(name, seeds)
    write_section("training_steps", "Training steps by rows", __doc__, lines)


if __name__ == "__main__":
    main()
