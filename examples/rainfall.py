"""Next month's rain from humidity, temperature and rain: AutoReg and Elman nets beside simple rules.

    python examples/rainfall.py                              made weather, about ten seconds
    python examples/rainfall.py --data Rainfall_data.csv     a real file with the four columns below, a row a month

    months             0 .................. -100 ........... -50 ........... end
    scaler, weights    [======= train =======)
    which epoch                              [= validation =)
    scores                                                   [==== test ====)

Every method says each of the last 50 months from the true months before it, and all are scored on the same 50.
"""

import argparse
import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from statsmodels.tsa.ar_model import AutoReg
from torch import Tensor, nn

from gatecast.data.columns import TableOptions
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.scalers import Scaling, Standard
from gatecast.data.splits import Origins, Split, rolling_origins
from gatecast.data.windows import windows_between
from gatecast.errors import GatecastError, TableError, TooShortError
from gatecast.evaluation.backtest import Backtest, backtest, score
from gatecast.evaluation.baselines import Naive, SeasonalNaive
from gatecast.forecast import Forecast, Forecaster, make_forecast
from gatecast.nn import RNN
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, INK, NET

RAIN, OTHERS = "Precipitation", ("Specific Humidity", "Relative Humidity", "Temperature")
UNITS = {RAIN: "mm", "Specific Humidity": "g/kg", "Relative Humidity": "%", "Temperature": "°C"}
YEAR, TEST, LIMIT = 12, 50, 0.5  # LIMIT: the longest gradient that clipping lets through


@dataclass(frozen=True)
class Method:
    """A rule from the months so far, (months, 4) with rain first, to the rain of the next; it sees nothing else."""

    name: str
    rule: Callable[[np.ndarray], float]

    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:  # noqa: ARG002 - always 1
        """Walk forward: one month ahead of each origin."""
        values = panel.values.astype(np.float64)
        rain = [self.rule(values[:position]) for position in origins.position]
        return make_forecast(panel, origins, np.array(rain)[:, None, None])  # (N, 1, 1)


def classical(panel: Panel, split: Split) -> list[Forecaster]:
    """The simple methods, and AutoReg of order 12: fitted once before the test part, and fitted anew every month."""
    before_test = panel.targets[: int(split.validation_end[0]), 0].astype(np.float64)
    once = AutoReg(before_test, YEAR).fit().params  # a constant, then the weights of 1, 2, ... 12 months ago
    return [
        Naive(),
        SeasonalNaive(YEAR),
        Method("month_mean", lambda past: past[len(past) % YEAR :: YEAR, 0].mean()),
        Method("autoreg", lambda past: once[0] + once[1:] @ past[: -YEAR - 1 : -1, 0]),
        Method("autoreg_refit", lambda past: AutoReg(past[:, 0], YEAR).fit().forecast(1)[0]),
    ]


class Net(nn.Module):
    """An Elman RNN over 12 months: as many columns out as in, rain first."""

    def __init__(self, columns: int, scaling: Scaling) -> None:
        super().__init__()
        self.columns, self.scaling = columns, scaling
        self.recurrent = RNN(columns, 16, batch_first=True)
        self.output = nn.Linear(16, columns)

    def forward(self, window: Tensor) -> Tensor:
        """The next scaled month of each window."""
        states, _ = self.recurrent(window)  # (B, 12, columns) -> (B, 12, 16)
        month: Tensor = self.output(states[:, -1])  # (B, columns)
        return month

    def scaled(self, values: np.ndarray) -> Tensor:
        """The columns that the net reads; (months, 4) -> (months, columns)."""
        return torch.tensor(self.scaling.transform(values[:, : self.columns], 0), dtype=torch.float32)

    @torch.no_grad()
    def rain(self, past: np.ndarray) -> float:
        """The rain of the month after `past`, in millimetres."""
        month = self(self.scaled(past[-YEAR:])[None])  # (1, columns)
        return float(self.scaling.inverse(month.double().numpy(), 0)[0, 0])


def windows(net: Net, panel: Panel, start: np.ndarray, end: np.ndarray) -> tuple[Tensor, Tensor]:
    """Every month in [start, end) with the 12 before it."""
    scaled = net.scaled(panel.values)
    position = torch.from_numpy(windows_between(panel, start, end, YEAR, horizon=1).position)
    return scaled[position[:, None] + torch.arange(-YEAR, 0)], scaled[position]  # (N, 12, columns), (N, columns)


def fit(net: Net, panel: Panel, split: Split, limit: float, epochs: int) -> tuple[float, np.ndarray]:
    """Train, keep the epoch with the lowest validation error of the rain; gives that, and every step's gradient norm.

    The norms, (steps, 2), are those before and after clipping.
    """
    x, y = windows(net, panel, 0 * split.train_end, split.train_end)
    later_x, later_y = windows(net, panel, split.train_end, split.validation_end)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    lowest, norms = np.inf, []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(16):
            loss = nn.functional.mse_loss(net(x[rows]), y[rows])  # (B, columns) against (B, columns)
            optimiser.zero_grad()
            loss.backward()
            before = nn.utils.clip_grad_norm_(net.parameters(), limit)  # gives the norm that it found
            used = nn.utils.get_total_norm([p.grad for p in net.parameters() if p.grad is not None])
            norms.append((before.item(), used.item()))
            optimiser.step()
        with torch.no_grad():
            error = nn.functional.mse_loss(net(later_x)[:, 0], later_y[:, 0]).item()
        if error < lowest:
            lowest, best = error, copy.deepcopy(net.state_dict())
    net.load_state_dict(best)
    return lowest, np.array(norms)


def train_nets(panel: Panel, split: Split, seed: int, epochs: int = 150) -> tuple[list[Method], dict[str, np.ndarray]]:
    """Rain alone and all four columns, without clipping and with it; the nets as methods, and their gradient norms."""
    methods, norms = [], {}
    for columns in (1, 4):
        scaling = Standard().fit(panel.values[: int(split.train_end[0]), :columns])
        for name, limit in ((f"rnn_{columns}to{columns}", np.inf), (f"rnn_{columns}to{columns}_clipped", LIMIT)):
            torch.manual_seed(seed)
            net = Net(columns, scaling)
            lowest, norms[name] = fit(net, panel, split, limit, epochs)
            methods.append(Method(name, net.rain))
            before, after = norms[name].max(axis=0)
            print(f"{name:18} validation {lowest:.3f}, largest gradient {before:.2f}, used {after:.2f}")
    return methods, norms


def made_weather(months: int = 252) -> pl.DataFrame:
    """Seasons with noise, and rains that follow the humidity of the month before."""
    random, turn = np.random.default_rng(3), 2 * np.pi * np.arange(months + 1) / YEAR
    humidity = 62 + 20 * np.sin(turn - 2.6) + random.normal(0, 6, months + 1)
    rain = np.maximum(0, 12 * (humidity[:-1] - 60) + random.normal(0, 60, months))
    humidity, turn = humidity[1:], turn[1:]
    specific = humidity / 6 + random.normal(0, 0.3, months)
    temperature = 18 + 9 * np.sin(turn - 1.6) + random.normal(0, 1, months)
    return pl.DataFrame(dict(zip((RAIN, *OTHERS), (rain, specific, humidity, temperature), strict=True)))


def read(source: str | pl.DataFrame) -> tuple[Panel, Split]:
    """The four columns, rain first, and the three parts of the months."""
    panel, _ = load_panel(source, TableOptions(target=(RAIN,), past=OTHERS, frequency="row"))
    end = panel.lengths
    if end[0] < 3 * TEST:
        raise TooShortError(f"{2 * TEST} months choose and score, so give at least {3 * TEST} months, not {end[0]}.")
    for month, place in np.argwhere(~np.isfinite(panel.values))[:1]:
        raise TableError(f'column "{panel.columns.channels[place]}", month {month}, has no value. Fill it.')
    return panel, Split(end - 2 * TEST, end - TEST, end)


def draw(title: str, across: str, charts: list[tuple[str, dict[str, np.ndarray]]], first: int = 0) -> bytes:
    """Charts below one another, each what it measures and its lines; `first` numbers the first point of a line."""
    figure, axes = sheet(title, len(charts), 1.7)
    steps = across == "training step"
    for axis, (unit, lines) in zip(axes, charts, strict=True):
        for (name, values), colour, dash in zip(lines.items(), (NET, BEST, INK), ("-", "--", "-"), strict=False):
            place = first + np.arange(len(values))
            axis.plot(place, values, dash, color=colour, linewidth=0.5 if steps else 1, label=name)
        axis.set_yscale("log" if steps else "linear")
        label(axis, across if axis is axes[-1] else "", unit)
        legend(axis)
    return png(figure)


def pictures(panel: Panel, result: Backtest, norms: dict[str, np.ndarray]) -> dict[str, bytes]:
    """The four columns, the forecasts of the test part, and the gradients without clipping and with it."""
    first, actual = int(result.origins.position[0]), result.actual[:, 0, 0]
    said = {name: forecast.mean[:, 0, 0] for name, forecast in result.forecasts.items()}
    scored = np.where(np.arange(len(panel.values)) < first, np.nan, panel.values.T)  # (4, months)
    columns = [
        (f"{name}, {UNITS[name]}", {"before": whole[: first + 1], "the months that are scored": end})
        for name, whole, end in zip(panel.columns.channels, panel.values.T, scored, strict=True)
    ]
    rain = [
        ("rain, mm", {name: said[name], "month_mean": said["month_mean"], "actual": actual})
        for name in ("rnn_1to1_clipped", "rnn_4to4_clipped", "autoreg")
    ]
    gradients = [
        ("gradient norm", {name: norms[name][:, 1], f"{name}_clipped": norms[f"{name}_clipped"][:, 1]})
        for name in ("rnn_1to1", "rnn_4to4")
    ]
    return {
        "overview": draw("Rain, humidity and temperature, month by month", "month", columns),
        "last_50_months": draw("Rain of the last 50 months, forecast one month ahead", "month", rain, first),
        "gradient_norm": draw(
            f"The gradient of each step: as it is, and clipped at {LIMIT}", "training step", gradients
        ),
    }


def run(options: argparse.Namespace) -> None:
    """Read, forecast with every method, score them on the same 50 months, draw."""
    panel, split = read(options.data or made_weather())
    origins = rolling_origins(split.validation_end, split.test_end, horizon=1, stride=1)
    simple = classical(panel, split)
    nets, norms = train_nets(panel, split, options.seed)
    result = backtest([*nets, *simple], panel, origins, horizon=1)
    print(f"\nthe last {len(origins)} months        MSE      MAE    MASE")
    for row in sorted(score(result, YEAR, split.validation_end, nets[0].name).scores, key=lambda row: row.rmse):
        print(f"{row.model:18} {row.rmse**2:10.1f} {row.mae:8.2f} {row.mase:7.4f}")
    for net in nets:
        own = {key: result.forecasts[key] for key in (net.name, *(method.name for method in simple))}
        print(f"\n{score(replace(result, forecasts=own), YEAR, split.validation_end, net.name).verdict.text}")
    options.out.mkdir(parents=True, exist_ok=True)
    result.to_frame().write_csv(options.out / "forecasts.csv")
    for name, picture in pictures(panel, result, norms).items():
        (options.out / f"{name}.png").write_bytes(picture)
    print(f"\nwritten: forecasts.csv, overview.png, last_50_months.png, gradient_norm.png in {options.out}")


def main() -> int:
    """The command line; what gatecast refuses is one line on stderr."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", help=f"a CSV with the columns {', '.join(OTHERS)}, {RAIN} (default: made weather)")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/rainfall"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=0)
    torch.set_num_threads(1)
    try:
        run(parser.parse_args())
    except (GatecastError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
