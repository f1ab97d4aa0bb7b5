"""Tomorrow's closing price with an LSTM, and why "tomorrow = today" is so hard to beat.

    python examples/stock_close.py                     a made price, a few seconds
    python examples/stock_close.py --data QQQ.csv      a real file with the columns Date and Close

Scaler and weights see the first 60 % of the rows, the next 20 % choose the epoch, and the last 20 % only score.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl
import torch
from drawing.stock_close import write
from made.stock_close import made_prices
from torch import Tensor

from gatecast import Forecast, GatecastError, TableOptions, nn
from gatecast.data.panel import Panel
from gatecast.data.reading import load_panel
from gatecast.data.scalers import MinMax, Scaling
from gatecast.data.splits import Origins, Split, rolling_origins, split_by_time
from gatecast.data.windows import windows_between
from gatecast.errors import TrainingError
from gatecast.evaluation.backtest import backtest, score
from gatecast.evaluation.baselines import Drift, Naive
from gatecast.forecast import make_forecast


class Net(torch.nn.Module):
    """`lstm` reads min-max levels, as in most tutorials; `lstm_change` the distance of each price from the last one."""

    def __init__(self, name: str, scaling: Scaling) -> None:
        super().__init__()
        self.name, self.scaling = name, scaling
        self.recurrent = nn.LSTM(1, 32, batch_first=True)
        self.output = torch.nn.Linear(32, 1)

    def forward(self, window: Tensor) -> Tensor:
        """The next scaled price of each window."""
        base = window[:, -1] if self.name == "lstm_change" else torch.zeros_like(window[:, -1])  # (B, 1)
        states, _ = self.recurrent(window - base[:, None])  # (B, 60, 1) -> (B, 60, 32)
        return base + self.output(states[:, -1])  # (B, 1)

    def windows(self, panel: Panel, origins: Origins) -> tuple[Tensor, Tensor]:
        """The 60 scaled prices before each origin, and the one at it."""
        scaled = torch.tensor(self.scaling.transform(panel.targets, 0), dtype=torch.float32)
        position = torch.from_numpy(origins.position)
        return scaled[position[:, None] + torch.arange(-60, 0)], scaled[position]  # (N, 60, 1), (N, 1)

    @torch.no_grad()
    def forecast(self, panel: Panel, origins: Origins, horizon: int) -> Forecast:  # noqa: ARG002 - always 1
        """One day ahead of each origin, in dollars: a net with this method can be judged like any forecaster."""
        scaled = self(self.windows(panel, origins)[0]).double().numpy()  # (N, 1)
        return make_forecast(panel, origins, self.scaling.inverse(scaled, 0)[:, None])  # (N, 1, 1)


def fit(net: Net, panel: Panel, split: Split, epochs: int) -> list[float]:
    """Train on the first part and keep the weights of the best epoch; gives the validation loss after each epoch."""
    x, y = net.windows(panel, windows_between(panel, 0 * split.train_end, split.train_end, 60, 1))
    later_x, later_y = net.windows(panel, windows_between(panel, split.train_end, split.validation_end, 60, 1))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.002)
    losses: list[float] = []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            loss = torch.nn.functional.mse_loss(net(x[rows]), y[rows])  # (B, 1) against (B, 1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            losses.append(torch.nn.functional.mse_loss(net(later_x), later_y).item())
        if not np.isfinite(losses[-1]):
            raise TrainingError(f"{net.name}: the loss is {losses[-1]}, not a finite number. Look for extreme prices.")
        if losses[-1] == min(losses):
            best = {name: weight.clone() for name, weight in net.state_dict().items()}
    net.load_state_dict(best)
    return losses


def judge(net: Net, panel: Panel, split: Split) -> dict[str, np.ndarray]:
    """Score the net beside "tomorrow = today" and the straight line on, on the same days; gives the forecasts."""
    origins = rolling_origins(split.validation_end, split.test_end, horizon=1, stride=1)
    result = backtest([net, Naive(), Drift()], panel, origins, horizon=1)
    metrics = score(result, 1, split.validation_end, net.name)
    for row in metrics.scores:
        print(f"  {row.model:12} MSE {row.rmse**2:9.4f}   MAE {row.mae:8.4f}   MASE {row.mase:8.4f}")
    print(f"  {metrics.verdict.text}")
    return {name: forecast.mean[:, 0, 0] for name, forecast in result.forecasts.items()}


def main() -> None:
    """Read, split, scale, train, judge, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", help="a CSV with the columns Date and Close (default: a made price)")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/stock_close"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    table, _ = load_panel(options.data or made_prices(), TableOptions(time="Date", target=("Close",), past=()))
    traded = np.isfinite(table.targets[:, 0])  # reading fills the holidays in, as days without a price
    days = table.times[traded]
    panel, _ = load_panel(pl.DataFrame({"Close": table.targets[traded, 0]}), TableOptions(target=("Close",)))
    split = split_by_time(panel, horizon=1, validation=0.2, test=0.2)
    train_end, test_start = int(split.train_end[0]), int(split.validation_end[0])
    scaling = MinMax().fit(panel.targets[:train_end])
    lowest, highest = scaling.centre.item(), scaling.centre.item() + scaling.scale.item()
    print(f"{len(days)} prices: {train_end} train, {test_start - train_end} validation, {len(days) - test_start} test")
    print(f"scaler, from rows 0 to {train_end - 1}: lowest {lowest:.2f}, range {highest - lowest:.2f}")
    test = pl.DataFrame({"Date": days[test_start:], "Close": panel.targets[test_start:, 0].astype(np.float64)})
    for name in ("lstm", "lstm_change"):
        torch.manual_seed(options.seed)
        net = Net(name, scaling)
        losses = fit(net, panel, split, epochs=200 if options.data else 30)
        print(f"\n{name}: best epoch {np.argmin(losses) + 1} of {len(losses)}, validation loss {min(losses):.3g}")
        test = test.with_columns(**judge(net, panel, split))
    # The trap: a net on levels has seen nothing above the highest training price, and must extrapolate there.
    above = test.filter(pl.col("Close") > highest)
    print(f"\n{len(above)} of {len(test)} test prices lie above {highest:.2f}, the highest of the training part.")
    for name in ("lstm", "lstm_change") if len(above) else ():
        print(f"  there {name} is off by {(above[name] - above['Close']).mean():+.2f} dollars on average")
    write(options.out, test, highest, days, panel.targets)


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main()
    except (GatecastError, OSError) as error:
        sys.exit(str(error))
