"""Tomorrow's closing price with an LSTM, and why "tomorrow = today" is so hard to beat.

    python examples/stock_close.py                     a made price, a few seconds
    python examples/stock_close.py --data QQQ.csv      a real file with the columns Date and Close

    rows               0 ................ 60 % ........... 80 % .......... 100 %
    scaler, weights    [====== train ======)
    which epoch                            [= validation =)
    scores                                                 [==== test ====)

Two nets of one make: `lstm` reads min-max levels, as most tutorials do; `lstm_change` reads how far each price lies
from the last one, and forecasts the change.
"""

import argparse
import copy
import sys
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from gatecast.data.calendar import parse_frequency
from gatecast.data.columns import Columns, TableOptions
from gatecast.data.panel import Panel, panel_from_arrays
from gatecast.data.reading import load_panel
from gatecast.data.scalers import MinMax, Scaling
from gatecast.data.splits import Origins, Split, rolling_origins, split_by_time
from gatecast.data.windows import windows_between
from gatecast.errors import GatecastError
from gatecast.evaluation.backtest import Backtest, backtest, score
from gatecast.evaluation.baselines import Drift, Naive
from gatecast.forecast import Forecast, make_forecast
from gatecast.nn import LSTM
from gatecast.reporting.paper import label, legend, png, sheet, time_axis
from gatecast.reporting.style import BEST, GREY, INK, NET

LOOKBACK = 60


class Net(nn.Module):
    """An LSTM and one number read from its last state; a `Forecaster`, so that gatecast can judge it."""

    def __init__(self, name: str, scaling: Scaling) -> None:
        super().__init__()
        self.name, self.scaling = name, scaling
        self.recurrent = LSTM(1, 32, batch_first=True)
        self.output = nn.Linear(32, 1)

    def forward(self, window: Tensor) -> Tensor:
        """The next scaled price of each window."""
        base = window[:, -1] if self.name == "lstm_change" else torch.zeros_like(window[:, -1])  # (B, 1)
        states, _ = self.recurrent(window - base[:, None])  # (B, 60, 1) -> (B, 60, 32)
        prediction: Tensor = base + self.output(states[:, -1])  # (B, 1)
        return prediction

    def windows(self, panel: Panel, origins: Origins) -> tuple[Tensor, Tensor]:
        """The 60 scaled prices before each origin, and the one at it."""
        scaled = torch.tensor(self.scaling.transform(panel.targets, 0), dtype=torch.float32)
        position = torch.from_numpy(origins.position)
        return scaled[position[:, None] + torch.arange(-LOOKBACK, 0)], scaled[position]  # (N, 60, 1), (N, 1)

    @torch.no_grad()
    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:  # noqa: ARG002 - always 1
        """One day ahead of each origin, in dollars."""
        scaled = self(self.windows(panel, origins)[0]).double().numpy()  # (N, 1)
        return make_forecast(panel, origins, self.scaling.inverse(scaled, 0)[:, None])  # (N, 1, 1)


def fit(net: Net, panel: Panel, split: Split, epochs: int) -> list[float]:
    """Train on the first part and keep the weights of the best epoch; gives the validation loss after each epoch."""
    start, middle, end = 0 * split.train_end, split.train_end, split.validation_end
    x, y = net.windows(panel, windows_between(panel, start, middle, LOOKBACK, horizon=1))
    later_x, later_y = net.windows(panel, windows_between(panel, middle, end, LOOKBACK, horizon=1))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.002)
    losses: list[float] = []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.mse_loss(net(x[rows]), y[rows])  # (B, 1) against (B, 1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            losses.append(nn.functional.mse_loss(net(later_x), later_y).item())
        if losses[-1] == min(losses):
            best = copy.deepcopy(net.state_dict())
    net.load_state_dict(best)
    return losses


def made_prices(rows: int = 700) -> pl.DataFrame:
    """A random walk that drifts upwards: of the past, only the last value helps."""
    steps = np.random.default_rng(0).normal(0.001, 0.012, rows)
    days = np.busday_offset("2020-01-01", np.arange(rows), roll="forward")
    return pl.DataFrame({"Date": days, "Close": (100 * np.exp(steps.cumsum())).round(2)})


def read(source: str | pl.DataFrame) -> tuple[np.ndarray, Panel]:
    """The trading days, and their prices numbered from 0: a holiday is no row, so it is no gap either."""
    table, _ = load_panel(source, TableOptions(time="Date", target=("Close",), past=()))
    traded = np.isfinite(table.targets[:, 0])
    prices = {"Close": table.targets[traded]}  # (N, 1)
    return table.times[traded], panel_from_arrays(prices, Columns(target=("Close",)), parse_frequency("row"))


def judge(net: Net, panel: Panel, split: Split) -> Backtest:
    """Score the net beside "tomorrow = today" and the straight line on: the same code, the same days."""
    origins = rolling_origins(split.validation_end, split.test_end, horizon=1, stride=1)
    result = backtest([net, Naive(), Drift()], panel, origins, horizon=1)
    metrics = score(result, 1, split.validation_end, net.name)
    for row in metrics.scores:
        print(f"  {row.model:12} MSE {row.rmse**2:9.4f}   MAE {row.mae:8.4f}   MASE {row.mase:8.4f}")
    print(f"  {metrics.verdict.text}")
    return result


def tell_the_trap(highest: float, close: np.ndarray, shown: dict[str, np.ndarray]) -> None:
    """A net on min-max levels has seen nothing above 1, so it must extrapolate once the price rises further."""
    above = close > highest
    print(f"\n{above.sum()} of {len(close)} test prices lie above {highest:.2f}, the highest of the training part.")
    for name in ("lstm", "lstm_change") if above.any() else ():
        print(f"  there {name} is off by {(shown[name] - close)[above].mean():+.2f} dollars on average")


def draw(days: np.ndarray, panel: Panel, split: Split, shown: dict[str, np.ndarray]) -> bytes:
    """Every day with the test forecasts of `lstm`, and the last 100 days of each net beside "tomorrow = today"."""
    close, test = panel.targets[:, 0], days[int(split.validation_end[0]) :]
    error = {name: np.abs(values - close[-len(test) :]).mean() for name, values in shown.items()}
    finding = ", ".join(f"{name} {error[name]:.2f}" for name in ("lstm", "lstm_change", "naive"))
    figure, (whole, *ends) = sheet(f"Mean absolute error in dollars over {len(test)} test days: {finding}", 3, 2.6)
    whole.axhline(close[: int(split.train_end[0])].max(), color=GREY, linestyle="--", label="highest training price")
    whole.plot(days, close, color=INK, linewidth=1, label="actual")
    whole.plot(test, shown["lstm"], color=NET, label="lstm, test part")
    for chart, name in zip(ends, ("lstm", "lstm_change"), strict=True):
        chart.plot(test[-100:], shown[name][-100:], color=NET, label=name)
        chart.plot(test[-100:], shown["naive"][-100:], color=BEST, linestyle=":", label="tomorrow = today")
        chart.plot(test[-100:], close[-100:], color=INK, linewidth=1, label="actual")
    headings = ("Every day", "The last 100 days: levels", "The last 100 days: changes")
    for chart, heading in zip((whole, *ends), headings, strict=True):
        label(chart, time_axis(chart, days), "close, dollars", heading)
        legend(chart)
    return png(figure)


def run(options: argparse.Namespace) -> None:
    """Read, split, scale, train, judge, draw."""
    days, panel = read(options.data or made_prices())
    split = split_by_time(panel, horizon=1, validation=0.2, test=0.2)
    train_end, test_start = int(split.train_end[0]), int(split.validation_end[0])
    scaling = MinMax().fit(panel.targets[:train_end])
    lowest, spread = float(scaling.centre[0, 0]), float(scaling.scale[0, 0])
    print(f"{len(days)} prices: {train_end} train, {test_start - train_end} validation, {len(days) - test_start} test")
    print(f"scaler, from rows 0 to {train_end - 1}: lowest {lowest:.2f}, range {spread:.2f}")
    epochs = 200 if options.data else 30
    shown: dict[str, np.ndarray] = {}
    for name in ("lstm", "lstm_change"):
        torch.manual_seed(options.seed)
        net = Net(name, scaling)
        losses = fit(net, panel, split, epochs)
        print(f"\n{name}: best epoch {int(np.argmin(losses)) + 1} of {epochs}, validation loss {min(losses):.3g}")
        result = judge(net, panel, split)
        shown |= {model: forecast.mean[:, 0, 0] for model, forecast in result.forecasts.items()}
    close = result.actual[:, 0, 0]
    tell_the_trap(lowest + spread, close, shown)
    options.out.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"Date": days[test_start:], "Close": close, **shown}).write_csv(options.out / "forecasts.csv")
    (options.out / "last_100_days.png").write_bytes(draw(days, panel, split, shown))
    print(f"\nwritten: {options.out / 'forecasts.csv'}, {options.out / 'last_100_days.png'}")


def main() -> int:
    """The command line; what gatecast refuses is one line on stderr."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", help="a CSV with the columns Date and Close (default: a made price)")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/stock_close"), help="folder to write to")
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
