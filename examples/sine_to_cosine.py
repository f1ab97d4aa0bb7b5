"""A sequence in, a sequence of the same length out: the sine of an angle in, its cosine out.

    python examples/sine_to_cosine.py                     made waves, about 20 seconds
    python examples/sine_to_cosine.py --steps 3000        the same, trained for longer
    python examples/sine_to_cosine.py --data pairs.csv    the first column in, the second column out

One value of a sine does not tell its cosine: 0.5 on the way up and 0.5 on the way down have opposite ones.  The state
must carry the slope and, as every wave has a period of its own, the frequency.  Two ways to read the answer:

    every step     y_t = V h_t + d                        from the inputs up to step t, and no others
    last state     (y_0 ... y_{T-1}) = V h_{T-1} + d      all at once, when the whole sequence has been seen
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor
from torch.nn.functional import mse_loss

from gatecast import nn
from gatecast.data.columns import TableOptions
from gatecast.data.reading import load_panel, read_table
from gatecast.data.scalers import Scaling, Standard
from gatecast.data.splits import split_by_time
from gatecast.errors import GatecastError, OptionError, TableError
from gatecast.evaluation.metrics import rmse
from gatecast.reporting.paper import label, legend, png, sheet
from gatecast.reporting.style import BEST, GREY, INK, NET

LENGTH, SCORED_FROM = 50, 10  # steps of a sequence; before step 10 too little of a wave is seen to know its period
HIDDEN, BATCH, RATE = 32, 64, 0.02  # units, sequences a training step, highest learning rate
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
STROKES = {"rnn": (BEST, "--"), "lstm": (NET, "-"), "gru": ("#009E73", "-.")}


class Frame(NamedTuple):
    """One picture of the animation: the fit after so many training steps."""

    step: int
    mse: float
    output: np.ndarray  # (T,)


class EveryStep(torch.nn.Module):
    """The output of each step, from the state at that step."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.recurrent = CELLS[cell](1, HIDDEN, batch_first=True)
        self.output = torch.nn.Linear(HIDDEN, 1)

    def forward(self, x: Tensor) -> Tensor:
        """A sequence of the same length."""
        states, _ = self.recurrent(x)  # (B, T, 1) -> (B, T, H)
        y: Tensor = self.output(states)  # (B, T, 1)
        return y


class LastState(torch.nn.Module):
    """The outputs of all steps, from the state after the last one."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.recurrent = CELLS[cell](1, HIDDEN, batch_first=True)
        self.output = torch.nn.Linear(HIDDEN, LENGTH)

    def forward(self, x: Tensor) -> Tensor:
        """A sequence of the same length."""
        states, _ = self.recurrent(x)  # (B, T, 1) -> (B, T, H)
        y: Tensor = self.output(states[:, -1])  # (B, H) -> (B, T)
        return y.unsqueeze(-1)  # (B, T, 1)


READOUTS = {"every_step": EveryStep, "last_state": LastState}


def made_waves(count: int, seed: int, shortest: float = 16, longest: float = 40) -> np.ndarray:
    """Sine and cosine of waves that start anywhere and have periods from `shortest` to `longest` steps; (N, T, 2)."""
    random = np.random.default_rng(seed)
    start = random.uniform(0, 2 * np.pi, (count, 1))
    period = random.uniform(shortest, longest, (count, 1))
    angle = start + 2 * np.pi * np.arange(LENGTH) / period  # (N, T)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def read_waves(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The two columns of a file, cut into training sequences from its first 80 % and test sequences from the rest."""
    names = read_table(path).columns
    if len(names) < 2:
        raise TableError(f"{path} has {len(names)} column; the input is expected in the first, the output in a second.")
    panel, _ = load_panel(path, TableOptions(target=(names[1],), past=(names[0],)))
    if not np.isfinite(panel.values).all():
        raise TableError(f"{path} has missing values in {names[0]} or {names[1]}. Fill them, or leave the rows out.")
    cut = int(split_by_time(panel, LENGTH).validation_end[0])
    pairs = panel.values[:, ::-1].astype(np.float64)  # (rows, 2): input, output
    return in_sequences(pairs[:cut], stride=5), in_sequences(pairs[cut:], stride=LENGTH)


def in_sequences(pairs: np.ndarray, stride: int) -> np.ndarray:
    """Stretches of rows, each `stride` rows after the one before; (N, T, 2)."""
    return np.lib.stride_tricks.sliding_window_view(pairs, LENGTH, axis=0)[::stride].swapaxes(1, 2)


def train(net: torch.nn.Module, waves: Tensor, steps: int) -> Iterator[int]:
    """Take steps on random batches, and give the number of each; the learning rate rises, then falls to zero."""
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(1, steps + 1):
        x, y = waves[torch.randint(len(waves), (BATCH,))].split(1, dim=-1)  # (B, T, 1) each
        loss = mse_loss(net(x), y)  # at every step of the sequence
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        yield step


@torch.no_grad()
def predict(net: torch.nn.Module, scaling: Scaling, waves: np.ndarray) -> np.ndarray:
    """The net's output for every sequence, in the units of the data; (N, T)."""
    x = torch.tensor(scaling.transform(waves, 0)[..., :1], dtype=torch.float32)  # (N, T, 1)
    both = torch.cat([x, net(x)], dim=-1).double().numpy()  # (N, T, 2)
    return scaling.inverse(both, 0)[..., 1]


def fit(name: str, waves: np.ndarray, test: np.ndarray, steps: int) -> tuple[np.ndarray, list[Frame]]:
    """Train one net; gives its output on the test part, and how the first test sequence was met on the way.

    Nothing is chosen by what is seen on the way: the net that counts is the one after the last step.
    """
    cell, readout = name.split("_", 1)
    torch.manual_seed(0)
    net = READOUTS[readout](cell)
    scaling = Standard().fit(waves.reshape(-1, 2))
    scaled = torch.tensor(scaling.transform(waves, 0), dtype=torch.float32)
    shown, frames = set(np.geomspace(4, steps, 24).astype(int).tolist()), []
    for step in train(net, scaled, steps):
        if step in shown:
            output = predict(net, scaling, test)
            frames.append(Frame(step, mse(test, output), output[0]))
    return predict(net, scaling, test), frames


def mse(waves: np.ndarray, output: np.ndarray, first: int = SCORED_FROM) -> float:
    """Mean squared error over all sequences and the steps from `first`."""
    return rmse(waves[:, first:, 1], output[:, first:]) ** 2


def simple_outputs(waves: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """What needs no net: the input itself, the mean, and the best straight line from the last two inputs."""

    def last_two(each: np.ndarray) -> np.ndarray:
        now = each[..., 0]
        before = np.concatenate([now[:, :1], now[:, :-1]], axis=1)  # step 0 has none before it: itself
        return np.stack([now, before, np.ones_like(now)], axis=-1)  # (N, T, 3)

    settled = last_two(waves)[:, 1:]  # where there are two
    weights = np.linalg.lstsq(settled.reshape(-1, 3), waves[:, 1:, 1].reshape(-1))[0]
    mean = np.full(test.shape[:2], waves[..., 1].mean())
    return {"input_itself": test[..., 0], "mean": mean, "linear_last_two": last_two(test) @ weights}


def draw_by_step(test: np.ndarray, outputs: dict[str, np.ndarray]) -> bytes:
    """The error at each step, one chart for each readout."""
    figure, charts = sheet("Test MSE at each step of the sequence", 2, 2.6)
    for chart, readout in zip(charts, READOUTS, strict=True):
        for name in ("linear_last_two", *(f"{cell}_{readout}" for cell in CELLS)):
            colour, dash = STROKES.get(name.split("_", maxsplit=1)[0], (GREY, ":"))
            errors = ((outputs[name] - test[..., 1]) ** 2).mean(axis=0)  # (T,)
            chart.plot(errors, color=colour, linestyle=dash, label=name)
        chart.axvspan(0, SCORED_FROM - 0.5, color=GREY, alpha=0.12, linewidth=0)
        chart.set_yscale("log")
        chart.sharey(charts[0])
        label(chart, "step (grey: not in the main score)", "MSE", readout.replace("_", " "))
        legend(chart)
    return png(figure)


def animate(path: Path, wave: np.ndarray, fits: dict[str, list[Frame]]) -> None:
    """The fit of one test sequence as training goes on, the cells side by side."""
    figure = Figure(figsize=(9, 3), facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.07, right=0.99, bottom=0.27, top=0.86, wspace=0.08)
    charts = figure.subplots(1, len(fits), sharey=True)
    scaling, moving = Standard().fit(wave), []
    rescaled = scaling.transform(wave, 0)[:, 0] * scaling.scale[0, 1] + scaling.centre[0, 1]  # (T,)
    for chart in charts:
        chart.plot(rescaled, color=GREY, linestyle=":", label="input, drawn on the output's scale")
        chart.plot(wave[:, 1], color=INK, linewidth=1, label="wanted output")
        moving += chart.plot(wave[:, 1], color=BEST, linewidth=2, alpha=0.8, label="net")
        chart.set_ylim(wave[:, 1].min() - 0.4 * np.ptp(wave[:, 1]), wave[:, 1].max() + 0.4 * np.ptp(wave[:, 1]))
        chart.set_xlabel("step of the sequence", fontsize=9)
    charts[0].set_ylabel("output", fontsize=9)
    figure.legend(*charts[0].get_legend_handles_labels(), loc="lower center", ncols=3, frameon=False, fontsize=9)

    def show(number: int) -> list[Line2D]:
        for chart, line, (cell, frames) in zip(charts, moving, fits.items(), strict=True):
            line.set_ydata(frames[number].output)
            title = f"{cell}, training step {frames[number].step}, MSE {frames[number].mse:.1e}"
            chart.set_title(title, fontsize=9, loc="left")
        return moving

    count = len(next(iter(fits.values())))
    FuncAnimation(figure, show, frames=[*range(count), *[count - 1] * 5]).save(path, PillowWriter(fps=4), dpi=80)


def write_outputs(path: Path, test: np.ndarray, outputs: dict[str, np.ndarray]) -> None:
    """Every test sequence, one row for each step, beside what each method made of it."""
    sequence, step = np.mgrid[: len(test), :LENGTH]
    columns = {"sequence": sequence, "step": step, "input": test[..., 0], "output": test[..., 1], **outputs}
    pl.DataFrame({name: each.reshape(-1) for name, each in columns.items()}).write_csv(path, float_precision=7)


def tell(test: np.ndarray, outputs: dict[str, np.ndarray]) -> None:
    """The table of scores."""
    print(f"{'test MSE':18}  steps {SCORED_FROM} to {LENGTH - 1}   all steps      step 0      step 1      step 5")
    for name, output in outputs.items():
        by_step = ((output - test[..., 1]) ** 2).mean(axis=0)
        first = "  ".join(f"{by_step[step]:10.2e}" for step in (0, 1, 5))
        print(f"{name:18}  {mse(test, output):14.2e}  {mse(test, output, first=0):10.2e}  {first}")


def run(options: argparse.Namespace) -> None:
    """Read or make, train, score, draw."""
    if options.steps < 100:
        raise OptionError(f"--steps counts training steps from 100 up, got {options.steps}.")
    waves, test = read_waves(options.data) if options.data else (made_waves(2000, seed=0), made_waves(500, seed=1))
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{len(waves)} sequences to learn from, {len(test)} others to score, {LENGTH} steps each")
    outputs, fits = {}, {}
    for name in [f"{cell}_{readout}" for readout in READOUTS for cell in CELLS]:
        outputs[name], fits[name] = fit(name, waves, test, options.steps)
    outputs |= simple_outputs(waves, test)
    tell(test, outputs)
    if not options.data:
        same, other = (made_waves(100, seed, shortest=25, longest=25) for seed in (2, 3))
        exact = mse(other, simple_outputs(same, other)["linear_last_two"])
        print(f"were every period 25 steps, linear_last_two would be exact: MSE {exact:.0e}")
    write_outputs(options.out / "test.csv", test, outputs)
    (options.out / "by_step.png").write_bytes(draw_by_step(test, outputs))
    animate(options.out / "training.gif", test[0], {cell: fits[f"{cell}_every_step"] for cell in CELLS})
    print(f"written: {options.out / 'training.gif'}, {options.out / 'by_step.png'}, {options.out / 'test.csv'}")


def main() -> int:
    """The command line; what is refused is one line on stderr."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="a CSV, input in the first column, output in the second")
    parser.add_argument("--out", type=Path, default=Path("runs/examples/sine_to_cosine"), help="folder to write to")
    parser.add_argument("--steps", type=int, default=600, help="training steps of each net (default: 600)")
    torch.set_num_threads(1)
    try:
        run(parser.parse_args())
    except (GatecastError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
