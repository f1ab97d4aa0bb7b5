"""What do time and memory cost as functions of rows, series, units and workers, and what of a billion rows?

Costs are measured at small sizes and fitted by least squares; each fit is then held to a size that it has not seen,
well beyond the others.  What is fitted:

    preparing    reading a Parquet table and laying it out for training: seconds and bytes, by rows and series
    a step       of 64 windows of 96 rows (GRU, horizon 24): seconds, by units H: a + b H + c H^2
    forecasting  every series of partitions once: seconds, by rows and series

Seconds are busy ones of one core; those of sums of gradients over workers of this machine (gloo) are of the clock.
Bytes are the most memory that a process of its own ever held, less what one that has imported everything holds.  In a
training by W workers, what a step costs by H is shared out among them, what it costs apart from H is not, and each step
has a sum; the last table says so for a billion rows.  Networks between machines are not in it.

    python benchmarks/cost_model.py
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from batch import measured, model_in, peak, simulated
from gatecast.data.partitioning import PartitionOptions, partition_table
from gatecast.data.partitions import partitions_of
from gatecast.data.reading import load_panel
from gatecast.data.splits import split_by_time
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.scale.folder import Results, record_of
from gatecast.scale.pieces import Asked, seal_of
from gatecast.training.config import TrainingConfig
from gatecast.training.group import Together
from gatecast.training.loop import train
from report import environment, write_section

SIZES = ((1_000, 250), (1_000, 500), (1_000, 1_000), (10_000, 25), (10_000, 50), (10_000, 100))  # series, rows of each
UNSEEN = (20_000, 150)
UNITS, UNSEEN_UNITS = (16, 32, 64, 128, 256), 384
WEIGHTS = (20_000, 200_000, 1_000_000)
STEPS, SUMS = 12, 30
LOOKBACK, HORIZON = 96, 24
HUGE = (1_000_000, 1_000)  # a billion rows
HUGE_STEPS = 5_000
Fit = Callable[..., float]


class Cost(NamedTuple):
    """Busy seconds and bytes of one piece of work."""

    seconds: float
    bytes: float


def apart(work: Callable[..., Cost], *arguments: object) -> Cost:
    """Do it in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def config(units: int) -> ForecasterConfig:
    """A GRU of so many units."""
    network = NetworkConfig(layer=LayerConfig(hidden_size=units))
    training = TrainingConfig(steps=STEPS, evaluate_every=10_000)
    return ForecasterConfig(lookback=8, horizon=2, season=1, network=network, training=training)


def prepare(path: str) -> Cost:
    """Read a table and lay it out."""
    torch.set_num_threads(1)
    before, begun = peak(), time.process_time()
    panel, _ = load_panel(path)
    RecurrentForecaster(config(16)).prepare(panel, split_by_time(panel, 2))
    return Cost(time.process_time() - begun, (peak() - before) * 2**20)


def step(units: int) -> Cost:
    """One training step, the median of several, at a usual window."""
    torch.set_num_threads(1)
    panel, _ = load_panel(simulated(20, 600))
    sized = config(units)
    sized = ForecasterConfig(LOOKBACK, HORIZON, season=24, network=sized.network, training=sized.training)
    network, course, state = RecurrentForecaster(sized).prepare(panel, split_by_time(panel, HORIZON))
    taken, begun = [], time.process_time()
    for _ in train(network, course, sized.training, state):
        taken.append(time.process_time() - begun)
        begun = time.process_time()
    return Cost(statistics.median(taken[1:-1]), 4.0 * sum(p.numel() for p in network.parameters()))


def forecast(data: str, model: str) -> Cost:
    """Forecast every series of partitions."""
    torch.set_num_threads(1)
    out, sources, asked = Path(data + "-out"), partitions_of(Path(data)), Asked("predict", None, None)
    results = Results(out, sources, record_of(seal_of(Path(model)), asked, sources))
    done = [measured(results.piece(place, Path(model))) for place in results.places()]
    return Cost(sum(each.busy for each in done), max(each.peak for each in done) * 2**20)


def _sum(rank: int, world: int, store: str, told: "multiprocessing.Queue[tuple[int, float]]") -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=world)
    for weights in WEIGHTS:
        values, taken = torch.ones(weights), []
        for _ in range(SUMS):
            begun = time.perf_counter()
            Together().sum(values)
            taken.append(time.perf_counter() - begun)
        if rank == 0:
            told.put((weights, statistics.median(taken)))
    torch.distributed.destroy_process_group()


def sums(world: int, folder: Path) -> dict[int, float]:
    """Seconds of a sum over so many workers, by weights."""
    spawned = multiprocessing.get_context("spawn")
    told, store = spawned.Queue(), f"file://{folder}/store-{world}"
    workers = [spawned.Process(target=_sum, args=(rank, world, store, told)) for rank in range(world)]
    for worker in workers:
        worker.start()
    found = dict(told.get(timeout=120) for _ in WEIGHTS)
    for worker in workers:
        worker.join()
    return found


def fitted(rows: list[tuple[float, ...]], values: list[float]) -> np.ndarray:
    """Coefficients that are not below zero, by least squares of relative errors."""
    from scipy.optimize import nnls  # noqa: PLC0415

    weight = 1 / np.asarray(values)
    return np.asarray(nnls(np.asarray(rows) * weight[:, None], np.ones(len(values)))[0])


def by_table(series: int, rows: int) -> tuple[float, float, float]:
    """What the cost of a table may depend on: rows, series, and neither."""
    return (series * rows, series, 1.0)


def by_units(units: int) -> tuple[float, float, float]:
    """What the cost of a step may depend on."""
    return (1.0, units, units**2)


def table_costs(folder: Path, model: Path) -> dict[tuple[int, int], tuple[Cost, Cost]]:
    """Preparing and forecasting each size."""
    found = {}
    for series, rows in (*SIZES, UNSEEN):
        path = folder / f"{series}-{rows}.parquet"
        simulated(series, rows).write_parquet(path)
        partition_table([path], folder / path.stem, PartitionOptions(rows=250_000))
        found[series, rows] = (apart(prepare, str(path)), apart(forecast, str(folder / path.stem), str(model)))
    return found


def line(name: str, form: str, unseen: str, predicted: float, measured_: float) -> str:
    """One line of the table of fits."""
    return f"| {name} | {form} | {unseen} | {predicted:,.4g} | {measured_:,.4g} | {predicted / measured_ - 1:+.0%} |"


def huge(fits: dict[str, np.ndarray], summed: dict[int, dict[int, float]]) -> list[str]:
    """What a billion rows take, for some numbers of workers and units."""
    lines = []
    per_weight = max(0.0, (summed[4][WEIGHTS[-1]] - summed[4][WEIGHTS[0]]) / (WEIGHTS[-1] - WEIGHTS[0]))
    for workers in (1, 8, 64):
        for units in (32, 128):
            own = (HUGE[0] // workers, HUGE[1])
            share = float(fits["step"] @ (np.asarray(by_units(units)) * np.asarray((1.0, 1 / workers, 1 / workers))))
            weights = 3 * units * (units + 20)
            together = 0.0 if workers == 1 else summed[4][WEIGHTS[0]] + per_weight * weights
            prepared = float(fits["seconds"] @ by_table(*own)) / 60
            memory = float(fits["bytes"] @ by_table(*own)) / 2**30
            forecast_ = float(fits["forecast"] @ by_table(*own)) / 60
            training = HUGE_STEPS * (share + together) / 60
            cells = f"{memory:,.1f} | {prepared:,.1f} | {training:,.1f} | {forecast_:,.1f}"
            lines.append(f"| {workers} | {units} | {cells} |")
    return lines


def main() -> None:
    """Measure, fit, and say what it predicts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = table_costs(folder, model_in(folder, "windows"))
        summed = {world: sums(world, folder) for world in (2, 4)}
    steps = {units: apart(step, units) for units in (*UNITS, UNSEEN_UNITS)}
    known = [by_table(*size) for size in SIZES]
    fits = {
        "seconds": fitted(known, [tables[size][0].seconds for size in SIZES]),
        "bytes": fitted(known, [tables[size][0].bytes for size in SIZES]),
        "forecast": fitted(known, [tables[size][1].seconds for size in SIZES]),
        "step": fitted([by_units(units) for units in UNITS], [steps[units].seconds for units in UNITS]),
    }
    lines = [environment(threads=1), "", *told_of_fits(fits, tables[UNSEEN], steps[UNSEEN_UNITS])]
    lines += ["", *told_of_sums(summed), "", *told_of_a_billion(fits, summed)]
    write_section("cost_model", "What a billion rows cost", __doc__, lines)


def told_of_fits(fits: dict[str, np.ndarray], unseen: tuple[Cost, Cost], step_: Cost) -> list[str]:
    """What was fitted, and how far off it is at sizes that it has not seen."""
    at, size = by_table(*UNSEEN), f"{UNSEEN[0] * UNSEEN[1] / 1e6:g} M rows, {UNSEEN[0]:,} series"
    prepared, forecast_ = unseen
    per_row, per_series, fixed = fits["bytes"]
    first, second, third = 1e3 * fits["step"]
    bytes_ = f"{per_row:.0f} B a row + {per_series:,.0f} B a series + {fixed / 2**20:.0f} MiB"
    units = f"{first:.2f} + {second:.4f} H + {third:.6f} H^2"
    step_ms = 1e3 * float(fits["step"] @ by_units(UNSEEN_UNITS))
    return [
        "| cost | fitted | held to | predicted | measured | off by |",
        "|---" * 6 + "|",
        line("preparing, s", in_microseconds(fits["seconds"]), size, fits["seconds"] @ at, prepared.seconds),
        line("preparing, MiB", bytes_, size, fits["bytes"] @ at / 2**20, prepared.bytes / 2**20),
        line("forecasting, s", in_microseconds(fits["forecast"]), size, fits["forecast"] @ at, forecast_.seconds),
        line("a step, ms", units, f"H = {UNSEEN_UNITS}", step_ms, 1e3 * step_.seconds),
    ]


def in_microseconds(fit: np.ndarray) -> str:
    """A fit of seconds by rows and series."""
    return f"{1e6 * fit[0]:.2f} us a row + {1e6 * fit[1]:.0f} us a series"


def told_of_sums(summed: dict[int, dict[int, float]]) -> list[str]:
    """What a sum over workers takes."""
    lines = [f"| a sum over | {' | '.join(f'{weights:,} weights' for weights in WEIGHTS)} |", "|---" * 4 + "|"]
    for world, found in summed.items():
        lines.append(f"| {world} workers | {' | '.join(f'{1e3 * found[weights]:.2f} ms' for weights in WEIGHTS)} |")
    return lines


def told_of_a_billion(fits: dict[str, np.ndarray], summed: dict[int, dict[int, float]]) -> list[str]:
    """What is predicted."""
    return [
        f"Predicted for {HUGE[0]:,} series of {HUGE[1]:,} rows, {HUGE_STEPS:,} steps and workers with a core each:",
        "",
        "| workers | units | GiB a worker | preparing, min | training, min | forecasting all, min |",
        "|---" * 6 + "|",
        *huge(fits, summed),
    ]


if __name__ == "__main__":
    main()
