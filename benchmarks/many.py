"""Many small nets at once: what does a step cost stacked, and what do local nets cost and bring?

The first table has the milliseconds of one training step of one net (GRU, 64 windows of 48 rows, horizon 6), in the
process's own time: one net after another by the loop of one net, and all of them stacked by `train_many`, in turn, a
median of so many rounds; then stacked without kernels, where the cells' equations run under torch.vmap (fewer rounds).

The second table has made panels of 200 hourly rows a series, horizon 6, lookback 24: one where all series follow one
rule that is not linear, and one where each series swings with a period and a damping of its own.  The one net has the
defaults; the local nets have 8 units.  Seconds are of the clock; the MASE is that of `model.backtest()`'s windows.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import msgspec
import numpy as np
import torch

from gatecast.choosing import choose
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import scoring_origins, split_by_time
from gatecast.evaluation.backtest import backtest, score
from gatecast.evaluation.baselines import baselines_by_name
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.forecaster.local import LocalNets, local_config
from gatecast.kernels.library import library
from gatecast.models.config import NetworkConfig
from gatecast.models.ensemble import build_network, nets_of
from gatecast.nn import LayerConfig
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import TrainingState, train
from gatecast.training.many import Learner, ManyState, step_many
from gatecast.training.stackable import course_with
from gatecast.workflow.options import build_options
from report import environment, write_section

HORIZON, ROWS, BEFORE = 6, 200, 50
SIMPLE = ("naive", "mean", "autoreg")


def one_rule(series: int, seed: int = 0) -> np.ndarray:
    """Series that all follow one rule: y[t] = 1.5 tanh(1.2 y[t-1]) - 0.9 y[t-2] exp(-0.3 y[t-2]^2) + noise."""
    rng = np.random.default_rng(seed)
    y, noise = rng.normal(size=(series, ROWS + BEFORE)), 0.3 * rng.normal(size=(series, ROWS + BEFORE))
    for t in range(2, ROWS + BEFORE):
        newest, older = y[:, t - 1], y[:, t - 2]
        y[:, t] = 1.5 * np.tanh(1.2 * newest) - 0.9 * older * np.exp(-0.3 * older**2) + noise[:, t]
    return y[:, BEFORE:]


def own_rules(series: int, seed: int = 0) -> np.ndarray:
    """Series that each swing in their own way: AR(2) with a period of 2.2 to 20 rows and a damping of .75 to .98."""
    rng = np.random.default_rng(seed)
    y, noise = rng.normal(size=(series, ROWS + BEFORE)), 0.3 * rng.normal(size=(series, ROWS + BEFORE))
    damping, period = rng.uniform(0.75, 0.98, series), rng.uniform(2.2, 20, series)
    for t in range(2, ROWS + BEFORE):
        y[:, t] = 2 * damping * np.cos(2 * np.pi / period) * y[:, t - 1] - damping**2 * y[:, t - 2] + noise[:, t]
    return y[:, BEFORE:]


TABLES: tuple[tuple[str, Callable[[int], np.ndarray], int], ...] = (
    ("one rule", one_rule, 1000),
    ("own rules", own_rules, 1000),
    ("own rules", own_rules, 5000),
)


def as_panel(values: np.ndarray) -> Panel:
    """A row of values for each series, hourly."""
    columns = Columns(target=("y",), id="unique_id", time="ds")
    return panel_from_arrays({f"s{i}": row[:, None] for i, row in enumerate(values)}, columns, parse_frequency("1h"))


def learners(hidden: int, nets: int) -> list[Learner]:
    """Nets of one shape over one table, each with its own seed."""
    training = TrainingConfig(steps=100_000, evaluate_every=100_000, schedule="constant")
    network = NetworkConfig(layer=LayerConfig(hidden_size=hidden))
    config = ForecasterConfig(lookback=48, horizon=HORIZON, network=network, training=training)
    panel = as_panel(one_rule(20))
    shape, course, _ = RecurrentForecaster(config).prepare(panel, split_by_time(panel, HORIZON))
    found = []
    for seed in range(nets):
        own = msgspec.structs.replace(training, seed=seed)
        (net,) = nets_of(build_network(network, shape.sizes, seed))
        found.append(Learner(net, course_with(course, own), own))
    return found


def took(call: Callable[[], object]) -> float:
    """Seconds of the process's own time."""
    started = time.process_time()
    call()
    return time.process_time() - started


def milliseconds(hidden: int, nets: int, rounds: int) -> tuple[float, float]:
    """One step of one net: alone, and stacked."""
    many = learners(hidden, nets)
    state = ManyState(many)
    running = [train(each.net, each.course, each.config, TrainingState(each.net, each.config)) for each in many]
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 2):
        taken[0].append(took(lambda: [next(each) for each in running]))
        taken[1].append(took(lambda: step_many(state)))
    alone, stacked = (1e3 * statistics.median(each[2:]) / nets for each in taken)
    return alone, stacked


def by_equations(hidden: int, nets: int) -> float:
    """One step of one net, stacked, without kernels."""
    os.environ["GATECAST_KERNELS"] = "off"
    library.cache_clear()
    state = ManyState(learners(hidden, nets))
    taken = [took(lambda: step_many(state)) for _ in range(3)]
    del os.environ["GATECAST_KERNELS"]
    library.cache_clear()
    return 1e3 * statistics.median(taken[1:]) / nets


def steps(rounds: int) -> list[str]:
    """The first table."""
    lines = [
        "| units | nets | one after another, ms | stacked, ms | ratio | stacked by equations, ms |",
        "|---" * 6 + "|",
    ]
    for hidden in (8, 16, 32, 64):
        for nets in (1, 4, 16, 64):
            alone, stacked = milliseconds(hidden, nets, rounds)
            equations = f"{by_equations(hidden, nets):.2f}" if nets in {4, 16} else ""
            lines.append(f"| {hidden} | {nets} | {alone:.2f} | {stacked:.2f} | {alone / stacked:.2f} | {equations} |")
            print(lines[-1], flush=True)
    return lines


def judged(name: str, make: Callable[[int], np.ndarray], series: int) -> str:
    """A row of the second table."""
    panel = as_panel(make(series))
    split = split_by_time(panel, HORIZON)
    config = choose(panel, split, build_options({"horizon": HORIZON, "lookback": 24, "calendar": "none"})).config
    started = time.perf_counter()
    net = RecurrentForecaster(config).fit(panel, split)
    between = time.perf_counter()
    local = LocalNets(local_config(config, 8)).fit(panel, split)
    seconds = time.perf_counter() - between
    simple = [each.fit(panel, split.validation_end) for each in baselines_by_name(SIMPLE, 1)]
    origins = scoring_origins(split.validation_end, split.test_end, HORIZON)
    result = backtest([net, local, *simple], panel, origins, HORIZON)
    metrics = score(result, 1, split.validation_end, net.name, nets=(local.name,))
    errors = {each.model: f"{each.mase:.3f}" for each in metrics.scores}
    row = [name, f"{series:,}", f"{between - started:.1f}", f"{seconds:.1f}", *errors.values()]
    print("|", " | ".join(row), "|", flush=True)
    return f"| {' | '.join(row)} |"


def main() -> None:
    """Measure, print and put the tables into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    said = parser.parse_args()
    torch.set_num_threads(1)
    lines = [environment(threads=1), "", *steps(said.rounds), ""]
    names = ["one net", "local", *SIMPLE]
    lines += [f"| panel | series | one net, s | local, s | {' | '.join(f'MASE of {name}' for name in names)} |"]
    lines += ["|---" * 9 + "|"]
    lines += [judged(*table) for table in TABLES]
    write_section("many", "Many small nets at once, and local nets", __doc__, lines)


if __name__ == "__main__":
    main()
