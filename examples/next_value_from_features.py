"""The next value of a table's last column, forecast by a GRU from windows over all of its columns.

one window        rows [p - lookback, p), every column        its target: the last column of row p
windows           p = first, first + stride, ...; and always the last row of the part
parts by time     train 60 % | validation 20 % (chooses the epoch) | test 20 % (only scores)

python examples/next_value_from_features.py                      # a made table of a process
python examples/next_value_from_features.py --data plant.csv --lookback 48 --readout mean --layers 2 --dropout 0.2
tensorboard --logdir runs/examples/next_value_from_features
"""

import argparse
import math
import sys
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import mse_loss

from gatecast import GatecastError, TableOptions, nn
from gatecast.data.reading import load_panel, read_table
from gatecast.data.scalers import Scaling, Standard
from gatecast.data.splits import split_by_time
from gatecast.errors import MissingExtraError, OptionError, TableError, TooShortError
from gatecast.evaluation.comparison import diebold_mariano
from gatecast.evaluation.metrics import rmse
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, INK, NET

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

BATCH, RATE, SHOWN = 64, 3e-3, 150  # windows a step, learning rate, rows in the picture
LAGS = (3, 6, 1, 2, 4, 1)  # of the made table: how many rows ago each feature acts
Rows = TypeVar("Rows", np.ndarray, Tensor)
Part = tuple[Tensor, Tensor]  # windows (N, L, C) and targets (N, 1)
Count = Annotated[int, msgspec.Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True):
    """Everything that is chosen; stored with the model."""

    lookback: Count = 8
    stride: Count = 1
    readout: Literal["last", "mean"] = "last"
    bias: bool = True
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    layers: Count = 1
    bidirectional: bool = False
    hidden: Count = 32
    epochs: Count = 60
    seed: int = 0


class Net(torch.nn.Module):
    """A window of scaled rows to the scaled next value."""

    def __init__(self, columns: int, chosen: Settings) -> None:
        super().__init__()
        self.readout, self.directions = chosen.readout, 2 if chosen.bidirectional else 1
        sizes = columns, chosen.hidden, chosen.layers, chosen.bias
        self.gru = nn.GRU(*sizes, batch_first=True, dropout=chosen.dropout, bidirectional=chosen.bidirectional)
        self.output = torch.nn.Linear(self.directions * chosen.hidden, 1)

    def forward(self, window: Tensor) -> Tensor:
        """(B, L, C) -> (B, 1)."""
        states, last = self.gru(window)  # (B, L, D * H), (layers * D, B, H)
        # The backward reading ends at the first row; in states[:, -1] it has seen one row only.
        read = states.mean(dim=1) if self.readout == "mean" else last[-self.directions :].transpose(0, 1).flatten(1)
        forecast: Tensor = self.output(read)  # (B, D * H) -> (B, 1)
        return forecast


class Model(NamedTuple):
    """What it takes to forecast from rows on the original scale."""

    net: Net
    scaling: Scaling
    settings: Settings


def make_table(path: Path, rows: int = 4000) -> None:
    """A made process: the past of five features of six drives the purity; the noise has a variance of 0.09."""
    random = np.random.default_rng(7)
    features = random.normal(size=(rows, 6))
    for row in range(1, rows):
        features[row] = 0.7 * features[row - 1] + math.sqrt(1 - 0.7**2) * features[row]
    feed, steam, pressure, reflux, heat, _ = (np.roll(each, lag) for each, lag in zip(features.T, LAGS, strict=True))
    purity = 90 + 2 * feed - 3 * np.tanh(steam) + pressure * reflux + 1.5 * heat + random.normal(scale=0.3, size=rows)
    table = np.column_stack([features, purity])[max(LAGS) :]
    np.savetxt(path, table, "%.4f", ",", header="feed,steam,pressure,reflux,heat,coolant,purity", comments="")


class Table(NamedTuple):
    """The numbers of a table in time order, the target first, and where its parts end."""

    values: np.ndarray  # (rows, C)
    target: str
    ends: tuple[int, ...]  # of train, validation and test


def read(path: Path) -> Table:
    """Read one series; its last column is the target.  A gap of the calendar, such as a holiday, is no row here."""
    target = read_table(path).columns[-1]
    panel, _ = load_panel(path, TableOptions(target=(target,)))
    if len(panel.ids) > 1:
        raise TableError(f"{path} holds {len(panel.ids)} series, and this example reads one: give one of them.")
    given = ~np.isnan(panel.values).all(axis=1)
    for row, column in np.argwhere(np.isnan(panel.values[given]))[:1]:
        name = panel.columns.channels[column]
        raise TableError(f'column "{name}" has no value in row {row} (counted from 0): fill it first.')
    split = split_by_time(panel, horizon=1)
    ends = split.train_end, split.validation_end, split.test_end
    return Table(panel.values[given].astype(np.float64), target, tuple(int(given[: end[0]].sum()) for end in ends))


def positions(start: int, end: int, lookback: int, stride: int) -> np.ndarray:
    """The rows of [start, end) to forecast: a stride apart, always the last one, each with a whole window before it."""
    first = max(start, lookback)
    if first >= end:
        raise TooShortError(f"lookback={lookback} needs more than {lookback} rows, but the part ends at row {end}.")
    places = np.arange(first, end, stride)
    return places if places[-1] == end - 1 else np.append(places, end - 1)


def windows(table: Rows, places: np.ndarray, lookback: int) -> Rows:
    """The `lookback` rows before each place, and never the place itself."""
    return table[places[:, None] + np.arange(-lookback, 0)]  # (N, L, C)


def open_log(folder: Path) -> "SummaryWriter | None":
    """TensorBoard event files; without the extra, one line with the remedy and no files."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - only this needs the extra
    except ImportError:
        print(MissingExtraError("tensorboard", "tensorboard", "writing TensorBoard files"), file=sys.stderr)
        return None
    return SummaryWriter(str(folder), purge_step=0)  # an earlier run's curves in this folder are not drawn


def write_epoch(log: "SummaryWriter", net: Net, epoch: int, losses: list[float], checked: float) -> None:
    """The losses of an epoch, and how its last gradients are spread."""
    for number, loss in enumerate(losses, start=(epoch - 1) * len(losses) + 1):
        log.add_scalar("loss/step", loss, number)
    log.add_scalar("loss/epoch", sum(losses) / len(losses), epoch)
    log.add_scalar("loss/validation", checked, epoch)
    for name, parameter in net.named_parameters():
        log.add_histogram(f"gradients/{name}", parameter.grad, epoch)


@torch.no_grad()
def part_loss(net: Net, x: Tensor, y: Tensor) -> float:
    """The mean squared error over a part, on the scaled values."""
    net.eval()
    return mse_loss(net(x), y).item()


def train(net: Net, learnt: Part, chosen_by: Part, epochs: int, log: "SummaryWriter | None") -> int:
    """Adam on the mean squared error; ends with the weights of the epoch that validates best, and returns it."""
    (x, y), optimiser = learnt, torch.optim.Adam(net.parameters(), lr=RATE)  # (N, L, C), (N, 1)
    best, best_epoch, weights = part_loss(net, *chosen_by), 0, deepcopy(net.state_dict())
    for epoch in range(1, epochs + 1):
        net.train()
        losses = []
        for batch in torch.randperm(len(x)).split(BATCH):
            loss = mse_loss(net(x[batch]), y[batch])  # (B, 1) against (B, 1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        checked = part_loss(net, *chosen_by)
        if checked < best:
            best, best_epoch, weights = checked, epoch, deepcopy(net.state_dict())
        if log:
            write_epoch(log, net, epoch, losses, checked)
    net.load_state_dict(weights)
    return best_epoch


@torch.no_grad()
def forecast(model: Model, rows: np.ndarray) -> np.ndarray:
    """The next value after each of the windows (N, L, C), both on the original scale."""
    model.net.eval()
    scaled = model.net(torch.from_numpy(model.scaling.transform(rows, 0).astype(np.float32)))  # (N, 1)
    target = Scaling(model.scaling.centre[:, :1], model.scaling.scale[:, :1])
    return target.inverse(scaled.double().numpy(), 0)[:, 0]  # (N,)


def linear(x: np.ndarray, y: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Least squares from whole windows x (N, L, C) to y (N,), the plain rival of a net; forecasts for later windows."""
    flat, flat_later = (np.column_stack([each.reshape(len(each), -1), np.ones(len(each))]) for each in (x, later))
    return np.asarray(flat_later @ np.linalg.lstsq(flat, y)[0])


def save(model: Model, path: Path) -> None:
    """One safetensors file: weights and scaler numbers as tensors, settings as JSON; reading it runs nothing."""
    numbers = {"centre": torch.tensor(model.scaling.centre), "scale": torch.tensor(model.scaling.scale)}
    settings = msgspec.json.encode(model.settings).decode()
    save_file(model.net.state_dict() | numbers, path, {"settings": settings})


def load(path: Path) -> Model:
    """What `save` wrote."""
    with safe_open(path, "pt") as file:
        settings = msgspec.json.decode(file.metadata()["settings"], type=Settings)
    tensors = load_file(path)
    scaling = Scaling(tensors.pop("centre").numpy(), tensors.pop("scale").numpy())
    net = Net(scaling.centre.shape[1], settings)
    net.load_state_dict(tensors)
    return Model(net, scaling, settings)


def report(actual: np.ndarray, forecasts: dict[str, np.ndarray]) -> None:
    """The mean squared error of every forecast, and whether the first beats the best other by more than luck."""
    for name, values in forecasts.items():
        print(f"  {name:24s} test MSE {rmse(actual, values) ** 2:10.5g}")
    net, *simple = forecasts
    errors = {name: (actual - values) ** 2 for name, values in forecasts.items()}  # each (N,)
    best = min(simple, key=lambda name: errors[name].mean())
    ratio = errors[net].mean() / errors[best].mean()
    p_value = diebold_mariano(errors[net], errors[best], lags=int(np.cbrt(len(actual)))).p_value
    verdict = "beats" if ratio < 1 and p_value < 0.05 else "does not beat"
    chance = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
    print(f"{net} {verdict} the best simple method, {best}: {ratio:.2f} times its error ({chance}, Diebold-Mariano)")


def draw(actual: np.ndarray, rows: dict[str, np.ndarray], name: str, path: Path) -> None:
    """Forecast against actual over the end of the test part."""
    figure, (chart,) = sheet(
        f"The last {min(SHOWN, len(actual))} rows of the test part, each forecast from the rows before it"
    )
    x = np.arange(len(actual))[-SHOWN:]
    for (who, values), colour, dash in zip(rows.items(), (NET, BEST), ("-", ":"), strict=False):
        chart.plot(x, values[-SHOWN:], color=colour, linestyle=dash, linewidth=1.4, label=who)
    chart.plot(x, actual[-SHOWN:], color=INK, linewidth=1, label="actual")
    label(chart, "row of the test part", name)
    legend(chart)
    path.write_bytes(png(figure))


def learn(table: Table, chosen: Settings, out: Path) -> Model:
    """Scale by the training part, train on it, and choose the epoch on the validation part."""
    train_end, validation_end, _ = table.ends
    scaling = Standard().fit(table.values[:train_end])
    scaled = torch.from_numpy(scaling.transform(table.values, 0).astype(np.float32))  # (rows, C)
    places = positions(0, train_end, chosen.lookback, chosen.stride)
    later = positions(train_end, validation_end, chosen.lookback, 1)
    learnt, chosen_by = ((windows(scaled, each, chosen.lookback), scaled[each, :1]) for each in (places, later))
    print(f"{len(places)} windows to learn from, each (L, C) = {(*learnt[0].shape[1:],)}; {len(later)} to choose by")
    torch.manual_seed(chosen.seed)
    model, log = Model(Net(scaled.shape[1], chosen), scaling, chosen), open_log(out)
    print(f"best epoch {train(model.net, learnt, chosen_by, chosen.epochs, log)} of {chosen.epochs}")
    if log:
        log.close()
    return model


def judge(model: Model, loaded: Model, table: Table, out: Path) -> None:
    """Every row of the test part, forecast by the model read back from its file and by simple methods."""
    values, (train_end, validation_end, end), lookback = table.values, table.ends, model.settings.lookback
    learnt, test = positions(0, train_end, lookback, 1), positions(validation_end, end, lookback, 1)
    target, x = values[:, 0], windows(values, test, lookback)  # (rows,), (N, L, C)
    forecasts = {
        "GRU": forecast(loaded, x),
        "naive (last target)": target[test - 1],
        "mean of training part": np.full(len(test), target[:train_end].mean()),
        "linear, same windows": linear(windows(values, learnt, lookback), target[learnt], x),
    }
    report(target[test], forecasts)
    same = np.array_equal(forecasts["GRU"], forecast(model, x))
    print(f"forecasts of the model read back from its file equal those before it was written: {same}")
    draw(target[test], forecasts, table.target, out / "forecast.png")


def run(data: Path | None, out: Path, chosen: Settings) -> None:
    """Read, learn, save, load, judge, use."""
    if chosen.dropout and chosen.layers == 1:
        raise OptionError("dropout acts between layers, and one layer has no between: set --layers 2, or --dropout 0.")
    out.mkdir(parents=True, exist_ok=True)
    if data is None:
        make_table(data := out / "process.csv")
    table = read(data)
    model = learn(table, chosen, out)
    save(model, out / "model.safetensors")
    loaded = load(out / "model.safetensors")
    judge(model, loaded, table, out)
    print(f"next {table.target}, after the last row: {forecast(loaded, table.values[None, -chosen.lookback :])[0]:.4g}")
    print(f"{out / 'forecast.png'}, {out / 'model.safetensors'}")


def main() -> None:
    """Read the options; say in one line what is wrong with them or with the table."""
    parser = argparse.ArgumentParser(description="The next value of the last column, from windows over all columns.")
    parser.add_argument("--data", type=Path, help="a CSV whose last column is the target (default: a made one)")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/next_value_from_features"))
    for name in ("lookback", "stride", "layers", "hidden", "epochs", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Settings(), name))
    parser.add_argument("--readout", choices=["last", "mean"], default="last", help="of the states of the window")
    parser.add_argument("--no-bias", dest="bias", action="store_false", help="a GRU without biases")
    parser.add_argument("--dropout", type=float, default=0.0, help="share of units dropped between layers")
    parser.add_argument("--bidirectional", action="store_true", help="also read each window backwards")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        run(options.data, options.out, msgspec.convert(vars(options), Settings))
    except (GatecastError, OSError, msgspec.ValidationError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
