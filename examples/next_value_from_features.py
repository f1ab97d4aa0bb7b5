"""The next value of a table's last column, forecast by a GRU from windows over all of its columns.

one window        rows [p - lookback, p), every column        its target: the last column of row p
windows           p = first, first + stride, ...; and always the last row of the part
parts by time     train 60 % | validation 20 % (chooses the epoch) | test 20 % (only scores)

python examples/next_value_from_features.py                      # a made table of a process
python examples/next_value_from_features.py --data plant.csv --lookback 48 --readout mean --layers 2 --dropout 0.2
"""

import math
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
import torch
from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number
from drawing.next_value_from_features import Curves, draw
from made.next_value_from_features import make_table, read
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import mse_loss

from gatecast import GatecastError, nn
from gatecast.data.scalers import Scaling, Standard
from gatecast.data.splits import Origins
from gatecast.errors import OptionError, TooShortError
from gatecast.evaluation.comparison import compare

BATCH, RATE, OUT = 64, 3e-3, Path("runs/examples/next_value_from_features")  # windows a step, learning rate, results
Count = Annotated[int, Parameter(validator=Number(gte=1))]
Part = tuple[Tensor, Tensor]  # windows (N, L, C) and targets (N, 1)


@Parameter(name="*")
@dataclass(frozen=True)
class Settings:
    """Everything that is chosen; stored with the model."""

    lookback: Count = 8
    stride: Count = 1
    readout: Literal["last", "mean"] = "last"
    bias: bool = True
    dropout: Annotated[float, Parameter(validator=Number(gte=0, lt=1))] = 0.0
    layers: Count = 1
    bidirectional: bool = False
    hidden: Count = 32
    epochs: Count = 60
    seed: int = 0


class Net(torch.nn.Module):
    """A window of scaled rows to the scaled next value."""

    def __init__(self, chosen: Settings, scaling: Scaling) -> None:
        super().__init__()
        self.chosen, self.scaling, self.directions = chosen, scaling, 2 if chosen.bidirectional else 1
        sizes = scaling.centre.shape[1], chosen.hidden, chosen.layers, chosen.bias
        self.gru = nn.GRU(*sizes, batch_first=True, dropout=chosen.dropout, bidirectional=chosen.bidirectional)
        self.output = torch.nn.Linear(self.directions * chosen.hidden, 1)

    def forward(self, window: Tensor) -> Tensor:
        """(B, L, C) -> (B, 1)."""
        states, last = self.gru(window)  # (B, L, D * H), (layers * D, B, H)
        if self.chosen.readout == "mean":
            return self.output(states.mean(dim=1))
        # The backward reading ends at the first row; in states[:, -1] it has seen one row only.
        return self.output(last[-self.directions :].transpose(0, 1).flatten(1))  # (B, D * H) -> (B, 1)

    @torch.no_grad()
    def forecast(self, rows: np.ndarray) -> np.ndarray:
        """The next value after each of the windows (N, L, C), both on the original scale."""
        self.eval()
        scaled = self(torch.from_numpy(self.scaling.transform(rows, 0).astype(np.float32)))  # (N, 1)
        target = Scaling(self.scaling.centre[:, :1], self.scaling.scale[:, :1])
        return target.inverse(scaled.double().numpy(), 0)[:, 0]  # (N,)


def windows(start: int, end: int, lookback: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that each window reads, and the row of [start, end) that it forecasts, which it never reads."""
    first = max(start, lookback)
    if first >= end:
        raise TooShortError(f"lookback={lookback} needs more than {lookback} rows, but the part ends at row {end}.")
    places = np.arange(first, end, stride)
    places = places if places[-1] == end - 1 else np.append(places, end - 1)  # the last row is always forecast
    return places[:, None] + np.arange(-lookback, 0), places  # (N, L), (N,)


def train(net: Net, learnt: Part, chosen_by: Part, curves: Curves) -> int:
    """Adam on the mean squared error; ends with the weights of the epoch that validates best, and returns it."""
    (x, y), optimiser = learnt, torch.optim.Adam(net.parameters(), lr=RATE)  # (N, L, C), (N, 1)
    best, best_epoch, weights = math.inf, 0, deepcopy(net.state_dict())
    for epoch in range(1, net.chosen.epochs + 1):
        net.train()
        losses = []
        for batch in torch.randperm(len(x)).split(BATCH):
            loss = mse_loss(net(x[batch]), y[batch])  # (B, 1) against (B, 1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        with torch.no_grad():
            checked = mse_loss(net.eval()(chosen_by[0]), chosen_by[1]).item()
        curves.add(net, epoch, losses, checked)
        if checked < best:
            best, best_epoch, weights = checked, epoch, deepcopy(net.state_dict())
    net.load_state_dict(weights)
    return best_epoch


def learn(table: np.ndarray, ends: list[int], chosen: Settings, out: Path) -> Net:
    """Scale by the training part, train on it, and choose the epoch on the validation part."""
    torch.manual_seed(chosen.seed)
    net = Net(chosen, Standard().fit(table[: ends[0]]))
    scaled = torch.from_numpy(net.scaling.transform(table, 0).astype(np.float32))  # (rows, C)
    parts = windows(0, ends[0], chosen.lookback, chosen.stride), windows(ends[0], ends[1], chosen.lookback, 1)
    learnt, chosen_by = ((scaled[rows], scaled[places, :1]) for rows, places in parts)
    shape = (*learnt[0].shape[1:],)
    print(f"{len(learnt[0])} windows to learn from, each (L, C) = {shape}; {len(chosen_by[0])} to choose by")
    curves = Curves(out)
    print(f"best epoch {train(net, learnt, chosen_by, curves)} of {chosen.epochs}")
    curves.close()
    return net


def save(net: Net, path: Path) -> None:
    """One safetensors file: weights and scaler numbers as tensors, settings as JSON; reading it runs nothing."""
    numbers = {"centre": torch.tensor(net.scaling.centre), "scale": torch.tensor(net.scaling.scale)}
    save_file(net.state_dict() | numbers, path, {"settings": msgspec.json.encode(net.chosen).decode()})


def load(path: Path) -> Net:
    """What `save` wrote."""
    with safe_open(path, "pt") as file:
        chosen = msgspec.json.decode(file.metadata()["settings"], type=Settings)
    tensors = load_file(path)
    net = Net(chosen, Scaling(tensors.pop("centre").numpy(), tensors.pop("scale").numpy()))
    net.load_state_dict(tensors)
    return net


def judge(net: Net, table: np.ndarray, ends: list[int]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Every row of the test part, and what the net and simple methods forecast for it."""
    target = table[:, 0]
    learnt, learnt_places = windows(0, ends[0], net.chosen.lookback, 1)
    test, places = windows(ends[1], ends[2], net.chosen.lookback, 1)  # (N, L), (N,)
    flat = [np.column_stack([table[rows].reshape(len(rows), -1), np.ones(len(rows))]) for rows in (learnt, test)]
    return target[places], {
        "GRU": net.forecast(table[test]),
        "naive (last target)": target[places - 1],
        "mean of training part": np.full(len(places), target[: ends[0]].mean()),
        "linear, same windows": flat[1] @ np.linalg.lstsq(flat[0], target[learnt_places])[0],
    }


def report(actual: np.ndarray, forecasts: dict[str, np.ndarray]) -> None:
    """The mean squared error of every forecast, and whether the net's beats the best other by more than luck."""
    errors = {name: (actual - values) ** 2 for name, values in forecasts.items()}  # each (N,)
    for name, error in errors.items():
        print(f"  {name:24s} test MSE {error.mean():10.5g}")
    net, *simple = errors
    best, rows = min(simple, key=lambda name: errors[name].mean()), np.arange(len(actual))
    test = compare(errors[net], errors[best], Origins(0 * rows, rows), rows, horizon=1)
    verdict = "beats" if test.clear and test.difference < 0 else "does not beat"
    chance = "p < 0.001" if test.p_value < 0.001 else f"p = {test.p_value:.2g}"
    ratio = errors[net].mean() / errors[best].mean()
    print(f"{net} {verdict} the best simple method, {best}: {ratio:.2f} times its error ({chance}, {test.test})")


def run(*, data: Path | None = None, out: Path = OUT, chosen: Settings = Settings()) -> None:
    """Read, learn, save, load, judge, use."""
    if chosen.dropout and chosen.layers == 1:
        raise OptionError("dropout acts between layers, and one layer has no between: set --layers 2, or --dropout 0.")
    out.mkdir(parents=True, exist_ok=True)
    table, target, ends = read(data or make_table(out / "process.csv"))
    net = learn(table, ends, chosen, out)
    save(net, out / "model.safetensors")
    loaded = load(out / "model.safetensors")
    actual, forecasts = judge(loaded, table, ends)
    report(actual, forecasts)
    same = np.array_equal(forecasts["GRU"], judge(net, table, ends)[1]["GRU"])
    print(f"forecasts of the model read back from its file equal those before it was written: {same}")
    draw(actual, forecasts, target, out / "forecast.png")
    print(f"next {target}, after the last row: {loaded.forecast(table[None, -chosen.lookback :])[0]:.4g}")
    print(f"{out / 'forecast.png'}, {out / 'model.safetensors'}")


def main() -> None:
    """Read the options; say in one line what is wrong with them or with the table."""
    torch.set_num_threads(1)
    app = App(help=(__doc__ or "").splitlines()[0], default_command=run)
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False, result_action="return_value")
    except (GatecastError, OSError, CycloptsError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
