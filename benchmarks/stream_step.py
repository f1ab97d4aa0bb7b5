"""What does one observation cost in process, beside encoding the lookback again?

A GRU of 64 units with a carried state, hourly rows, a season of 24, 24 rows ahead, three quantiles, on one thread.  One
call takes one row of one series, or one row of each of 1,000 series.  Every 24 rows of a series its forecast is made
and settled, which intervals, coverage and the drift alarm rest on: the median shows a row, the mean shows all of it.
The other way is torch.nn.GRU of the same size over the last 168 rows, from zeros, without a forecast either.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np
import torch

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns
from gatecast.data.panel import panel_from_arrays
from gatecast.data.splits import Split
from gatecast.forecaster import ForecasterConfig, RecurrentForecaster
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.streaming import ForecastStream, StreamOptions
from gatecast.training.config import TrainingConfig
from report import environment, write_section

LOOKBACK, ROWS, BLOCK, MANY = 168, 2400, 240, 1000
PEER = 7600  # us
START = np.datetime64("2024-01-01", "us")
HOUR = np.timedelta64(1, "h")
TRAINING = {"steps": 20, "evaluate_every": 10, "time": 64, "streams": 4, "chunks": 3, "burn_in": 4}


def fitted() -> RecurrentForecaster:
    """A net trained a little: speed does not depend on how well."""
    wave = np.sin(2 * np.pi * np.arange(900) / 24)[:, None]
    noise = np.random.default_rng(0).normal(size=(900, 1))
    panel = panel_from_arrays({"s": 10 + wave + 0.1 * noise}, Columns(("y",), "id", "ds"), parse_frequency("1h"))
    config = ForecasterConfig(
        lookback=LOOKBACK,
        horizon=24,
        mode="sequences",
        normalise="causal",
        season=24,
        subtract="seasonal",
        ahead=False,
        network=NetworkConfig(layer=LayerConfig(hidden_size=64)),
        training=msgspec.convert(TRAINING, TrainingConfig),
    )
    return RecurrentForecaster(config).fit(panel, Split(*(np.array([end]) for end in (600, 750, 900))))


def microseconds(call: Callable[[], object]) -> float:
    """Of one call."""
    started = time.perf_counter()
    call()
    return 1e6 * (time.perf_counter() - started)


def main() -> None:
    """Print the table and put it into RESULTS.md."""
    torch.set_num_threads(1)
    net = fitted()
    one, many = ForecastStream(net), ForecastStream(net, options=StreamOptions(warm_up=2))
    names, values = [f"n{number}" for number in range(MANY)], np.random.default_rng(1).normal(size=MANY)
    gru = torch.nn.GRU(15, 64, batch_first=True)
    windows = {1: torch.randn(1, LOOKBACK, 15), MANY: torch.randn(MANY, LOOKBACK, 15)}

    def encode(count: int) -> None:
        with torch.inference_mode():
            gru(windows[count])

    kinds: dict[str, list[float]] = {name: [] for name in ("one", "gru one", "many", "gru many", "forecast")}
    for first in range(0, ROWS, BLOCK):  # in turn, so that what disturbs one disturbs all
        times = [str(START + row * HOUR) for row in range(first, first + BLOCK)]
        kinds["one"] += [microseconds(partial(one.observe, "s", ds, 10.0)) for ds in times]
        kinds["gru one"] += [microseconds(partial(encode, 1)) for _ in range(20)]
        kinds["many"] += [microseconds(partial(many.observe_many, names, ds, values)) for ds in times]
        kinds["gru many"] += [microseconds(partial(encode, MANY)) for _ in range(3)]
        kinds["forecast"] += [microseconds(partial(one.forecast, "s")) for _ in range(10)]
    middle = {name: statistics.median(kind[len(kind) // 10 :]) for name, kind in kinds.items()}
    mean = {name: statistics.fmean(kind[len(kind) // 10 :]) for name, kind in kinds.items()}
    cells = [
        ("`observe`, one series", middle["one"], mean["one"], middle["gru one"]),
        ("`observe_many`, 1,000 series, each", middle["many"] / MANY, mean["many"] / MANY, middle["gru many"] / MANY),
    ]
    peer = f"Darts BlockRNNModel, another run on this machine: {PEER / middle['one']:,.0f} times one observation here"
    lines = [
        "| what | median, us | mean, us | encoding 168 rows again, median, us | ratio of medians |",
        "|---|---|---|---|---|",
        *(f"| {name} | {own:.2f} | {all_of:.2f} | {gru:,.0f} | {gru / own:,.0f} |" for name, own, all_of, gru in cells),
        f"| `forecast` of 24 rows, one series | {middle['forecast']:,.0f} | {mean['forecast']:,.0f} | | |",
        "",
        f"The fastest single forecast of a library in `benchmarks/peers.py` took {PEER / 1000} ms ({peer}).",
        "",
        environment(threads=1),
    ]
    write_section("stream_step", "One observation", __doc__, lines)


if __name__ == "__main__":
    main()
