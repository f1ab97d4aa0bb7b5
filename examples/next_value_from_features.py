"""The next value of a table's last column, forecast by a GRU from windows over all of its columns.

one window        rows [p - lookback, p), every column        its target: the last column of row p
windows           p = first, first + stride, ...; and always the last row of the part
parts by time     train 60 % | validation 20 % (chooses the epoch) | test 20 % (only scores)

python examples/next_value_from_features.py                      # a made table of a process
python examples/next_value_from_features.py --data plant.csv --lookback 48 --readout mean --layers 2 --dropout 0.2
"""

from copy import deepcopy
from pathlib import Path

import msgspec
import numpy as np
import torch
from command_line.next_value_from_features import DEFAULTS, Settings, run
from drawing.next_value_from_features import Curves, draw
from judging.next_value_from_features import forecast, judge
from made.next_value_from_features import make_table, read
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import mse_loss

from gatecast import nn
from gatecast.data.scalers import Scaling, Standard
from gatecast.errors import TooShortError

BATCH, RATE, OUT = 64, 3e-3, Path("runs/examples/next_value_from_features")  # windows a step, learning rate, results
Part = tuple[Tensor, Tensor]  # windows (N, L, C) and targets (N, 1)


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
    best, best_epoch, weights = np.inf, 0, deepcopy(net.state_dict())
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
    print(f"best epoch {train(net, learnt, chosen_by, Curves(out))} of {chosen.epochs}")
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


def main(*, data: Path | None = None, out: Path = OUT, chosen: Settings = DEFAULTS) -> None:
    """Read, learn, save, load, judge, use."""
    out.mkdir(parents=True, exist_ok=True)
    table, target, ends = read(data or make_table(out / "process.csv"))
    net = learn(table, ends, chosen, out)
    save(net, out / "model.safetensors")
    loaded = load(out / "model.safetensors")
    learnt, test = windows(0, ends[0], chosen.lookback, 1), windows(ends[1], ends[2], chosen.lookback, 1)
    actual, forecasts = judge(net, loaded, table, learnt, test)
    draw(actual, forecasts, target, out / "forecast.png")
    print(f"next {target}, after the last row: {forecast(loaded, table[None, -chosen.lookback :])[0]:.4g}")
    print(f"{out / 'forecast.png'}, {out / 'model.safetensors'}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(main, __doc__ or "")
