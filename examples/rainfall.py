"""Next month's rain from humidity, temperature and rain: AutoReg and Elman nets beside simple rules.

    python examples/rainfall.py                              made weather, about ten seconds
    python examples/rainfall.py --data Rainfall_data.csv     a real file with the four columns, a row a month

The last 50 months only score, the 50 before them choose the epoch; scaler and weights see what is earlier still.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from drawing.rainfall import write
from made.rainfall import made_weather
from statsmodels.tsa.ar_model import AutoReg

from gatecast import GatecastError, TableOptions, nn
from gatecast.data.reading import load_panel
from gatecast.data.scalers import Scaling, Standard
from gatecast.data.splits import rolling_origins
from gatecast.errors import TableError, TooShortError, TrainingError
from gatecast.evaluation.backtest import backtest, score
from gatecast.evaluation.baselines import Naive, SeasonalNaive
from gatecast.forecast import make_forecast

RAIN, OTHERS = "Precipitation", ("Specific Humidity", "Relative Humidity", "Temperature")
NETS = {"rnn_1to1": (1, np.inf), "rnn_1to1_clipped": (1, 0.5), "rnn_4to4": (4, np.inf), "rnn_4to4_clipped": (4, 0.5)}
YEAR, TEST = 12, 50


def classical(rain: np.ndarray) -> dict[str, list[float]]:
    """Walk forward over the test months: the mean of the same month so far, AutoReg fitted once, and fitted anew."""
    months = range(len(rain) - TEST, len(rain))
    once = AutoReg(rain[:-TEST], YEAR).fit().params  # a constant, then the weights of 1, 2, ... 12 months ago
    return {
        "month_mean": [rain[month % YEAR : month : YEAR].mean() for month in months],
        "autoreg": [once[0] + once[1:] @ rain[month - YEAR : month][::-1] for month in months],
        "autoreg_refit": [AutoReg(rain[:month], YEAR).fit().forecast(1)[0] for month in months],
    }


class Net(torch.nn.Module):
    """An Elman RNN over 12 months: as many columns out as in, rain first."""

    def __init__(self, scaling: Scaling) -> None:
        super().__init__()
        self.scaling, self.columns = scaling, scaling.centre.shape[1]
        self.recurrent = nn.RNN(self.columns, 16, batch_first=True)
        self.output = torch.nn.Linear(16, self.columns)

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        """The next scaled month of each window."""
        states, _ = self.recurrent(window)  # (B, 12, columns) -> (B, 12, 16)
        return self.output(states[:, -1])  # (B, columns)

    def windows(self, values: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """The 12 scaled months before each month of (months, 4), and that month; the first 12 have no such window."""
        scaled = torch.tensor(self.scaling.transform(values[:, : self.columns], 0), dtype=torch.float32)
        return scaled.unfold(0, YEAR, 1)[:-1].mT, scaled[YEAR:]  # (N, 12, columns), (N, columns)


def fit(name: str, values: np.ndarray, seed: int, epochs: int = 150) -> tuple[Net, np.ndarray, np.ndarray]:
    """Train a net; gives it at its best epoch, its rain of the test months, and each step's gradient norms."""
    columns, limit = NETS[name]
    torch.manual_seed(seed)
    net = Net(Standard().fit(values[: -2 * TEST, :columns]))
    x, y = net.windows(values[: -2 * TEST])
    later_x, later_y = net.windows(values[-2 * TEST - YEAR : -TEST])
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    lowest, norms = np.inf, []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(16):
            loss = torch.nn.functional.mse_loss(net(x[rows]), y[rows])  # (B, columns) against (B, columns)
            optimiser.zero_grad()
            loss.backward()
            found = torch.nn.utils.clip_grad_norm_(net.parameters(), limit)  # gives the norm before clipping
            used = torch.nn.utils.get_total_norm([weight.grad for weight in net.parameters()])
            norms.append((found.item(), used.item()))
            optimiser.step()
        with torch.no_grad():
            error = torch.nn.functional.mse_loss(net(later_x)[:, 0], later_y[:, 0]).item()
        if not np.isfinite(error):
            raise TrainingError(f"{name}: the loss is {error}, not a finite number. Look for extreme values.")
        if error < lowest:
            lowest, best = error, {key: weight.clone() for key, weight in net.state_dict().items()}
    net.load_state_dict(best)
    longest = np.max(norms, axis=0)
    print(f"{name:18} validation {lowest:.3f}, largest gradient {longest[0]:.2f}, used {longest[1]:.2f}")
    month = net(net.windows(values[-TEST - YEAR :])[0]).detach()  # (50, columns)
    return net, net.scaling.inverse(month.double().numpy(), 0)[:, 0], np.array(norms)


def main() -> None:
    """Read, forecast the same 50 months with every method, score them, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", help=f"a CSV with the columns {', '.join(OTHERS)}, {RAIN} (default: made weather)")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/rainfall"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    panel, _ = load_panel(options.data or made_weather(), TableOptions(target=(RAIN,), past=OTHERS, frequency="row"))
    if (months := len(panel.values)) < 3 * TEST:
        raise TooShortError(f"{2 * TEST} months choose and score, so give at least {3 * TEST} months, not {months}.")
    for month, place in np.argwhere(~np.isfinite(panel.values))[:1]:
        raise TableError(f'column "{panel.columns.channels[place]}", month {month}, has no value. Fill it.')
    said, norms = {}, {}
    for name in NETS:
        _, said[name], norms[name] = fit(name, panel.values, options.seed)
    said |= classical(panel.targets[:, 0].astype(np.float64))
    origins = rolling_origins(panel.lengths - TEST, panel.lengths, horizon=1, stride=1)
    simple = backtest([Naive(), SeasonalNaive(YEAR)], panel, origins, horizon=1)
    forecasts = {name: make_forecast(panel, origins, np.reshape(rain, (TEST, 1, 1))) for name, rain in said.items()}
    result = replace(simple, forecasts={**forecasts, **simple.forecasts})
    print(f"\nthe last {TEST} months        MSE      MAE    MASE")
    for row in sorted(score(result, YEAR, panel.lengths - TEST, "autoreg").scores, key=lambda row: row.rmse):
        print(f"{row.model:18} {row.rmse**2:10.1f} {row.mae:8.2f} {row.mase:7.4f}")
    for net in NETS:
        own = {name: forecast for name, forecast in result.forecasts.items() if name == net or name not in NETS}
        print(f"\n{score(replace(result, forecasts=own), YEAR, panel.lengths - TEST, net).verdict.text}")
    write(options.out, result, norms)


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main()
    except (GatecastError, OSError) as error:
        sys.exit(str(error))
