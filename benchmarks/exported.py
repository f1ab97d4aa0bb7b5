"""Do exports forecast as gatecast does (`cells`), and what does one observation cost in them (`costs`)?

Cells: nets of 16 units with weights drawn at random, hourly rows, a season of 24, 12 rows ahead, three calibrated
quantiles, two targets, a covariate, a fifteenth of the values missing; the largest difference of any point or quantile
after the rows of a shape (series x rows), in the unit that a target was scaled by, relative where the scaled forecast
is larger than 1.  No graph was traced with any of these shapes.  Costs: the net of `benchmarks/stream_step.py`, a GRU
of 64 units, one series, one thread.  A step of the ONNX graph forecasts too, so it stands beside an observation and a
forecast.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import msgspec
import numpy as np
import torch

from gatecast.artifact import About
from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.splits import Split
from gatecast.evaluation.calibration import Calibration
from gatecast.exporting.facts import as_json, describe, weights_of
from gatecast.exporting.graph_files import onnx_graphs, onnx_run
from gatecast.exporting.graphs import Run, first_arrays, inputs_of, machine_of, read, stepped
from gatecast.exporting.numpy_folder import told_by_runtime
from gatecast.exporting.probing import Told, difference, probe, told_by_gatecast
from gatecast.exporting.runtime import Forecaster
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.streaming import ForecastStream, StreamOptions
from gatecast.training.config import TrainingConfig
from gatecast.workflow import FitOptions, Model
from report import environment, write_section
from stream_step import HOUR, START, fitted

SHAPES = ((1, 30), (3, 60))
HORIZON, LEVELS, ROUNDS = 12, (0.1, 0.5, 0.9), 300
CELLS = {
    "rnn, tanh": LayerConfig(cell="rnn"),
    "rnn, relu": LayerConfig(cell="rnn", nonlinearity="relu"),
    "lstm": LayerConfig(cell="lstm"),
    "gru, reset after": LayerConfig(cell="gru"),
    "gru, reset before": LayerConfig(cell="gru", reset_after=False),
    "mingru": LayerConfig(cell="mingru"),
    "minlstm": LayerConfig(cell="minlstm"),
    "indrnn": LayerConfig(cell="indrnn"),
    "slstm": LayerConfig(cell="slstm"),
    "grud": LayerConfig(cell="grud"),
}


def table() -> Panel:
    """Three series of two targets and a past covariate."""
    rng = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * (np.arange(300)[:, None] + np.arange(3)) / 24)
    arrays = {f"s{number}": 10 * (number + 1) + wave + rng.normal(size=wave.shape) / 5 for number in range(3)}
    return panel_from_arrays(arrays, Columns(("y0", "y1"), "id", "ds", past=("x",)), parse_frequency("1h"))


def drawn(layer: LayerConfig) -> Model:
    """A model whose weights are as large as those of a trained one, so that every part of it matters."""
    config = ForecasterConfig(
        lookback=36,
        horizon=HORIZON,
        mode="sequences",
        normalise="causal",
        season=24,
        network=NetworkConfig(layer=msgspec.structs.replace(layer, hidden_size=16)),
        training=msgspec.convert({"steps": 1, "evaluate_every": 1, "time": 32, "chunks": 2}, TrainingConfig),
    )
    net = RecurrentForecaster(config).fit(table(), Split(*(np.full(3, end) for end in (150, 225, 300))))
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in net.network_.parameters():
            weight.copy_(0.25 * torch.randn(weight.shape))
    moves = ((-0.1, 0.0, 0.2),) * 2
    return Model(net, FitOptions(), 24, (), About(), calibration=Calibration(LEVELS, (moves,) * HORIZON))


def differences(name: str, layer: LayerConfig) -> str:
    """A row of the table."""
    model = drawn(layer)
    machine = machine_of(model)
    step, sequence = (onnx_run(graph.SerializeToString()) for graph in onnx_graphs(machine).values())
    facts = json.loads(as_json(describe(model.forecaster, model.calibration)))
    weights = weights_of(model.forecaster)
    cells = [name]
    for batch, rows in SHAPES:
        made = probe(model.forecaster, batch, rows)
        (theirs,) = told_by_gatecast(model.forecaster, model.calibration, made, [rows])
        ours: tuple[Told, ...] = (stepped(machine, step, made), read(machine, sequence, made))
        ours = (*ours, told_by_runtime(facts, weights, made, rows))
        cells += [f"{difference(model.forecaster, made, told, theirs):.1e}" for told in ours]
    return f"| {' | '.join(cells)} |"


def middle(call: Callable[[int], object]) -> float:
    """Microseconds of one call, in the median."""
    taken = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        call(number)
        taken.append(1e6 * (time.perf_counter() - started))
    return statistics.median(taken[ROUNDS // 10 :])


def costs() -> list[str]:
    """What one observation and one forecast cost."""
    net = fitted()
    model = Model(net, FitOptions(), 24, (), About())
    machine = machine_of(model)
    run: Run = onnx_run(onnx_graphs(machine)["step"].SerializeToString())
    runtime = Forecaster(describe(net, None), weights_of(net))
    stream = ForecastStream(net, options=StreamOptions(intervals="fixed"))
    made = probe(net, 1, 40)
    now = {
        name: each[:, 0] if machine.inputs()[name].timed else each for name, each in inputs_of(machine, made).items()
    }
    state = first_arrays(machine, 1)
    times = [str(START + row * HOUR) for row in range(ROUNDS)]

    def step(_: int) -> None:
        run(now | state)

    rows = [
        ("gatecast, `ForecastStream.observe`", middle(lambda row: stream.observe("s", times[row], 10.0))),
        ("gatecast, `ForecastStream.forecast`", middle(lambda _: stream.forecast("s"))),
        ("ONNX, a step with its forecast, onnxruntime", middle(step)),
        ("numpy alone, `Forecaster.observe`", middle(lambda row: runtime.observe("s", times[row], 10.0))),
        ("numpy alone, `Forecaster.forecast`", middle(lambda _: runtime.forecast("s"))),
    ]
    return ["| what | median, us |", "|---|---|", *(f"| {name} | {taken:,.0f} |" for name, taken in rows)]


def main(what: str) -> None:
    """Print the tables and put them into RESULTS.md, that of the cells with each row that is done."""
    torch.set_num_threads(1)
    question, answer = __doc__.split("Costs: ")[0 if what == "cells" else 1], [environment(threads=1)]
    if what == "costs":
        write_section("exported", "An observation in an export", question, [*costs(), "", *answer], what)
        return
    kinds = ("step of ONNX", "sequence of ONNX", "numpy")
    names = [f"{kind}, {batch} x {rows}" for batch, rows in SHAPES for kind in kinds]
    lines = [f"| cell | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
    for name, layer in CELLS.items():
        lines.append(differences(name, layer))
        write_section("exported", "Exports beside gatecast", question, [*lines, "", *answer], what)


if __name__ == "__main__":
    for each in sys.argv[1:] or ("costs", "cells"):
        main(each)
