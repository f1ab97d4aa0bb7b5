"""How good are the forecasts on public data, by published protocols, beside naive methods and what others published?

Names are tasks or groups of tasks; without a name all run.  Every seed has its row, then comes their mean; the naive
rows come from the same code on the same windows.  Weights are chosen on the validation part, and the test part is
looked at once.  `fit s` is the time of training alone, `judge s` that of all the forecasts that are judged.  With
`--device cuda` the nets train there, and their sections stand beside those of the CPU.

    python benchmarks/accuracy.py [NAME...] [--seeds 0 1 2] [--device cpu]
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import torch

from accuracy_tables import Row, gift_summary, mean_row, task_lines
from accuracy_tasks import ALIASES, GROUPS, TASKS, Task
from default_tables import judge_tables
from gatecast.evaluation.baselines import Naive, SeasonalNaive
from gatecast.forecast import Forecaster
from gatecast.forecaster import RecurrentForecaster
from protocols import Protocol, gift_errors
from published import published
from report import environment, write_section
from rivals import AutoRegOfOrder, SeasonalNaiveIntervals


def rivals(protocol: Protocol, autoreg: int) -> Iterator[tuple[Forecaster, float]]:
    """The simple methods beside the net, fitted on what trains its weights, and their seconds of fitting."""
    quantiles = protocol.errors is gift_errors
    yield SeasonalNaiveIntervals(protocol.season) if quantiles else SeasonalNaive(protocol.season), 0.0
    if protocol.season > 1:
        yield Naive(), 0.0
    if autoreg:
        started = time.perf_counter()
        fitted = AutoRegOfOrder(autoreg).fit(protocol.panel, protocol.split.train_end)
        yield fitted, time.perf_counter() - started


def judged(protocol: Protocol, forecaster: Forecaster, fit: float, seed: int | None = None) -> Row:
    """The row of a fitted forecaster."""
    started = time.perf_counter()
    errors = protocol.errors(protocol, forecaster)
    row = Row(forecaster.name, errors, seed=seed, fit=fit, judge=time.perf_counter() - started)
    print(row, flush=True)
    return row


def trained(task: Task, protocol: Protocol, seed: int, device: str = "cpu") -> Row:
    """The row of the net with one seed."""
    training = msgspec.structs.replace(task.config.training, seed=seed, device=device)
    forecaster = RecurrentForecaster(msgspec.structs.replace(task.config, training=training))
    started = time.perf_counter()
    forecaster.fit(protocol.panel, protocol.split)
    return judged(protocol, forecaster, time.perf_counter() - started, seed)


def run(name: str, seeds: Sequence[int], device: str = "cpu") -> Mapping[str, float]:
    """Train and judge one task and write its section; returns the mean errors of the net."""
    task = TASKS[name]
    protocol = task.protocol()
    nets = [trained(task, protocol, seed, device) for seed in seeds]
    simple = [judged(protocol, *rival) for rival in rivals(protocol, task.autoreg)]
    lines = [environment(threads=1, seeds=seeds), "", *task_lines(task, protocol, nets, simple, published(name))]
    title, arguments = (
        (task.title, name) if device == "cpu" else (f"{task.title}, on {device}", f"{name} --device {device}")
    )
    write_section("accuracy", f"Accuracy: {title}", None, lines, arguments=arguments)
    return mean_row(nets).errors


def names_of(asked: Sequence[str]) -> list[str]:
    """Tasks by name, alias or group, each once, in the order asked."""
    names = [name for word in asked for name in GROUPS.get(word, (ALIASES.get(word, word),))]
    return list(dict.fromkeys(names))


def main() -> None:
    """Run the tasks asked for and write their sections into RESULTS.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = (*TASKS, *ALIASES, *GROUPS, "tables")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--device", default="cpu", help="where the nets are trained; the tables stay on the CPU")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such task; there are {', '.join(known)}")
    if not os.environ.get("GATECAST_DATA"):
        sys.stderr.write("accuracy skipped: GATECAST_DATA is not set\n")
        return
    torch.set_num_threads(1)
    errors = {}
    for name in names_of(options.names or (*TASKS, "tables")):
        if name == "tables":
            judge_tables(options.seeds)
        else:
            errors[name] = run(name, options.seeds, options.device)
    if options.device == "cpu" and set(GROUPS["gift"]) <= errors.keys():
        lines = [environment(threads=1, seeds=options.seeds), "", *gift_summary(errors)]
        write_section("accuracy", "Accuracy: GIFT-Eval, all at once", None, lines, arguments="gift")


if __name__ == "__main__":
    main()
