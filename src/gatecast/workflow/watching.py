"""`gatecast fit --watch`: losses and the gradient by lag while a net learns, in the terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite, log10
from typing import final

import numpy as np
from jaxtyping import Float
from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gatecast.data.columns import Guess
from gatecast.data.panel import Panel, some_series
from gatecast.data.splits import Split
from gatecast.errors import TooShortError
from gatecast.forecaster import RecurrentForecaster
from gatecast.inspection import forecast_gradients, gradient_advice, probe
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord
from gatecast.workflow.listening import Look
from gatecast.workflow.terminal import Terminal

WIDTH = 36  # characters of a curve or a bar, so that a line fits in 80
DECADES = 9  # of gradient that a bar spans, four characters each
BLOCKS = "▁▂▃▄▅▆▇█"
CUTOFFS, UPDATES = 4, 128  # what each look can afford


@final
class Watching:
    """Draws over itself while training goes on, and stays when it ends."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._live: Live | None = None
        self._losses: list[float] = []
        self._validation: list[float] = []
        self._step, self._most = 0, ""
        self._norms: Float[np.ndarray, " lags"] = np.zeros(0)
        self._advice: tuple[str, ...] = ()

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """As the terminal does."""
        self._terminal.guessed(guesses)

    def stage(self, text: str) -> None:
        """As the terminal does."""
        self._terminal.stage(text)

    @contextmanager
    def training(self, config: TrainingConfig, first_step: int) -> Iterator[None]:
        """Show the view until training ends."""
        self._step = first_step
        self._most = f" of {config.steps:,}" if config.budget is None else f", within {config.budget}"
        with Live(console=self._terminal.console, auto_refresh=False) as self._live:
            yield
            self._show()

    def step(self, record: StepRecord) -> None:
        """Note the loss."""
        self._step = record.step
        self._losses.append(record.loss)

    def looked(self, look: Look) -> None:
        """Measure the gradient by lag, and draw."""
        if look.record.validation is not None:
            self._validation.append(look.record.validation)
        self._norms = gradients_now(look.forecaster, look.panel, look.split)
        self._advice = tuple(gradient_advice(self._norms, look.forecaster.config))
        self._show()

    def _show(self) -> None:
        if self._live is not None:
            self._live.update(self._view(), refresh=True)

    def _view(self) -> Group:
        """Everything, one curve or bar a line."""
        table = Table.grid(padding=(0, 2))
        for name, values in (("loss", self._losses), ("validation", self._validation)):
            if values:
                table.add_row(name, Text(curve(values), style="cyan"), f"{values[-1]:.4f}, lowest {min(values):.4f}")
        if len(self._norms):
            table.add_row("", "", "")
            table.add_row("[dim]updates back[/]", "[dim]|d loss / d state|, 4 blocks a decade[/]", "")
            for lag in some_lags(len(self._norms)):
                table.add_row(f"{lag:>12}", Text(bar(self._norms, lag), style="blue"), f"{self._norms[lag]:.1e}")
        advice = [Text(f"advice: {each}", style="yellow") for each in self._advice]
        return Group(f"[bold]training[/] step {self._step:,}{escape(self._most)}", table, *advice)


def gradients_now(forecaster: RecurrentForecaster, panel: Panel, split: Split) -> Float[np.ndarray, " lags"]:
    """The norms of the gradients by lag, from some cutoffs of the validation part of the longest series.

    Empty where that has no room for a forecast.
    """
    series = int(np.argmax(split.validation_end - split.train_end))
    first, end = int(split.train_end[series]), int(split.validation_end[series]) - forecaster.config.horizon
    if end < first:
        return np.zeros(0)
    cutoffs = np.unique(np.linspace(first, end, CUTOFFS).round().astype(int)).tolist()
    try:
        alone = some_series(panel, np.array([series]))
        return forecast_gradients(probe(forecaster, alone, 0, cutoffs, min(UPDATES, first)))
    except TooShortError:
        return np.zeros(0)


def curve(values: Sequence[float], width: int = WIDTH) -> str:
    """A curve of blocks, from the lowest value to the highest, in logarithms where all are above 0.

    Many values are averaged in groups.
    """
    groups = np.array_split(np.asarray(values, dtype=np.float64), min(width, len(values)))
    means = np.array([group.mean() for group in groups])
    means = np.log(means) if (means > 0).all() else means
    low, high = means.min(), means.max()
    shares = np.zeros(len(means)) if high == low else (means - low) / (high - low)
    return "".join(BLOCKS[round(share * (len(BLOCKS) - 1))] for share in shares.tolist())


def bar(norms: Float[np.ndarray, " lags"], lag: int) -> str:
    """A bar whose length is the logarithm of a norm beside the largest; none below `DECADES` decades."""
    largest, own = float(norms.max()), float(norms[lag])
    if not (own > 0 and isfinite(own) and isfinite(largest)):
        return ""
    return "█" * max(0, round(WIDTH * (1 + log10(own / largest) / DECADES)))


def some_lags(count: int) -> list[int]:
    """0, 1, 2, 4, 8 and so on, and the last one."""
    doubled = [0, *(2**power for power in range(20) if 2**power < count)]
    return sorted({*doubled, count - 1})
