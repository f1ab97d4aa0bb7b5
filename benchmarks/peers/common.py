"""What all peers share: the piece of work, the clock, the scores and the line that is reported.

The work is column OT of ETTh1 (Zhou et al. 2021): 12, 4 and 4 months of 30 days to train, validate and test by,
standardised by the first part; 96 hours in, 24 hours out, 64 windows a step, hidden size 64, Adam with 1e-3, squared
error.  Each peer's environment runs this file, so it needs numpy alone.

Seconds are those of the process's own clock, all its threads together: on a machine that others use too, the clock on
the wall would measure them.  The time to the first step is told by both.
"""

import ast
import gzip
import json
import logging
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

LOOKBACK, HORIZON, WINDOWS, HIDDEN, RATE = 96, 24, 64, 64, 1e-3
TRAIN, KNOWN, ROWS = 8640, 11_520, 14_400  # where training, validation and test end
START = "2016-07-01"
SKIPPED, BLOCKS = 50, 10  # the first steps are left out; the others are timed in blocks
USER = ("table", "settings", "fit", "backtest", "forecast")  # functions that hold what a user writes


@dataclass
class Clock:
    """When each training step was over: seconds of the process, and on the wall since it was started."""

    used: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def tick(self) -> None:
        """Note the end of a step."""
        self.used.append(time.process_time())
        self.wall.append(time.time() - float(os.environ["PEER_STARTED"]))

    def steps_a_second(self) -> float:
        """The median over blocks of steps, each long enough to hold what comes between epochs."""
        size = (len(self.used) - SKIPPED - 1) // BLOCKS
        ends = self.used[SKIPPED :: max(1, size)]
        return max(1, size) / statistics.median(after - before for before, after in pairwise(ends))


@dataclass
class Result:
    """What one peer did; seconds are of the process unless they say `wall`."""

    name: str
    versions: str
    steps: int
    windows_a_second: float
    targets_a_second: float
    counted: str
    backtest_windows_a_second: float
    call_ms: float
    peak_mb: float
    mse: float
    mae: float
    first_step: float
    first_step_wall: float
    share_of_core: float
    lines: int
    parts: dict[str, float]


@dataclass
class Peer:
    """How to drive one peer.

    Attributes:
        name: as it stands in the table.
        packages: whose versions are told.
        counted: which targets the loss of one window takes, in words.
        supervised: how many those are.
        table: the values in the form that the peer reads; made once.
        fit: trains on the first `TRAIN` rows, calls `tick` after each step, and returns the model.
        backtest: forecasts from every row of the test part; (windows, HORIZON).
        forecast: one forecast from what is known at `KNOWN`.
        repeats: how often the backtest is timed.
        windows: windows of one step.
        parts: parts of the backtest, to be timed too.
    """

    name: str
    packages: tuple[str, ...]
    counted: str
    supervised: float
    table: Callable[[np.ndarray], Any]
    fit: Callable[[Any, int, Callable[[], None]], Any]
    backtest: Callable[[Any, Any], np.ndarray]
    forecast: Callable[[Any, Any], object]
    repeats: int = 3
    windows: int = WINDOWS
    parts: Callable[[Any, Any], dict[str, Callable[[], object]]] = lambda _model, _table: {}


def main(peer: Peer) -> None:
    """Train, backtest and forecast, and print the result as one line of JSON."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    y, clock = series(), Clock()
    table = peer.table(y)
    model = peer.fit(table, int(sys.argv[1]), clock.tick)
    errors = peer.backtest(model, table) - targets(y)
    used = median_seconds(lambda: peer.backtest(model, table), peer.repeats)
    parts = {name: len(errors) / median_seconds(part, 25) for name, part in peer.parts(model, table).items()}
    rate = clock.steps_a_second() * peer.windows if clock.used else 0.0
    result = Result(
        name=peer.name,
        versions=", ".join(f"{name} {sys.modules[name].__version__}" for name in peer.packages),
        steps=len(clock.used),
        windows_a_second=rate,
        targets_a_second=rate * peer.supervised,
        counted=peer.counted,
        backtest_windows_a_second=len(errors) / used,
        call_ms=1e3 * median_seconds(lambda: peer.forecast(model, table), 15),
        peak_mb=peak_mb(),
        mse=float(np.square(errors).mean()),
        mae=float(np.abs(errors).mean()),
        first_step=clock.used[0] if clock.used else 0.0,
        first_step_wall=clock.wall[0] if clock.wall else 0.0,
        share_of_core=(clock.used[-1] - clock.used[0]) / (clock.wall[-1] - clock.wall[0]) if clock.used else 0.0,
        lines=user_lines(Path(sys.argv[0])),
        parts=parts,
    )
    print("RESULT " + json.dumps(asdict(result)), flush=True)


def series() -> np.ndarray:
    """OT, standardised by its training part; (ROWS,), float32."""
    with gzip.open(Path(os.environ["GATECAST_DATA"]) / "ETTh1.csv.gz", "rt") as file:
        lines = file.read().splitlines()[1 : ROWS + 1]
    y = np.array([float(line.rsplit(",", 1)[1]) for line in lines])
    return ((y - y[:TRAIN].mean()) / y[:TRAIN].std()).astype(np.float32)


def lookbacks(y: np.ndarray) -> np.ndarray:
    """What each window of the test part reads; (windows, LOOKBACK)."""
    return np.lib.stride_tricks.sliding_window_view(y[KNOWN - LOOKBACK : -HORIZON], LOOKBACK)


def targets(y: np.ndarray) -> np.ndarray:
    """What each window of the test part is scored by; (windows, HORIZON)."""
    return np.lib.stride_tricks.sliding_window_view(y[KNOWN:], HORIZON)


def median_seconds(way: Callable[[], object], repeats: int) -> float:
    """The median over calls, after one that is not counted."""
    found = []
    for _ in range(repeats + 1):
        started = time.process_time()
        way()
        found.append(time.process_time() - started)
    return statistics.median(found[1:])


def peak_mb() -> float:
    """The most memory that the process has held, of its own: `ru_maxrss` would start at that of its parent."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def user_lines(script: Path) -> int:
    """Lines of what a user writes, all formatted alike; imports, signatures and docstrings are left out."""
    tree = ast.parse(script.read_text())
    bodies = [part.body[1:] for part in tree.body if isinstance(part, ast.FunctionDef) and part.name in USER]
    bodies += [part.body[1:] for part in tree.body if isinstance(part, ast.ClassDef) and part.name == "Net"]
    bodies.append([part for part in tree.body if isinstance(part, ast.Assign)])
    lines = {line for body in bodies for node in body for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    text = script.read_text().splitlines()
    return sum(bool(text[line - 1].strip()) and not text[line - 1].strip().startswith("#") for line in lines)


def quiet_trainer(callback: type, tick: Callable[[], None]) -> dict[str, object]:
    """Arguments of a Lightning trainer that prints and writes nothing and tells the clock of each step."""

    def on_train_batch_end(*_: object, **__: object) -> None:
        tick()

    told = type("Told", (callback,), {"on_train_batch_end": on_train_batch_end})()
    return {**SILENT, "callbacks": [told]}


SILENT: dict[str, object] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
