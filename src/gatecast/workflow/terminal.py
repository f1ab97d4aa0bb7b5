"""The terminal as a listener: guesses, and a progress bar with loss, validation loss and time left."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gatecast.data.columns import Guess
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord
from gatecast.visible import visible
from gatecast.workflow.listening import Look

_KERNEL = "JPY_PARENT_PID"  # which Jupyter gives its kernels


@final
class Terminal:
    """Writes to stderr, so that stdout holds results alone."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, emoji=False)
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._validation = float("inf")

    def _say(self, text: str) -> None:
        """One line; broken between words in a terminal, left whole in a file."""
        self.console.print(text, soft_wrap=not self.console.is_terminal)

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """List the guesses, with how to overrule them."""
        if not guesses:
            return
        self._say("[bold]Decided for you[/] (name an option to say otherwise):")
        for guess in guesses:
            what, value, why = (escape(visible(text)) for text in (guess.what, guess.value, guess.why))
            self._say(f"  [cyan]{what}[/] = {value}  [dim]{why}[/]")

    def stage(self, text: str) -> None:
        """One line a stage."""
        self._say(f"[dim]{escape(visible(text))}[/]")

    @contextmanager
    def training(self, config: TrainingConfig, first_step: int) -> Iterator[None]:
        """Show a progress bar, which goes when training ends."""
        columns = (
            TextColumn("training"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  validation {task.fields[best]:.4f}"),
            TimeRemainingColumn(),
        )
        often = 1 if _KERNEL in os.environ else 10  # `!gatecast fit` in a notebook: what is drawn over may be kept
        with Progress(*columns, console=self.console, transient=True, refresh_per_second=often) as self._progress:
            total = config.steps if config.budget is None else None  # a budget is no number of steps
            self._task = self._progress.add_task("", total=total, completed=first_step, loss=0.0, best=0.0)
            yield

    def step(self, record: StepRecord) -> None:
        """Move the bar; `validation` shows the best so far."""
        if self._progress is None:
            return
        if record.validation is not None:
            self._validation = min(self._validation, record.validation)
        self._progress.update(self._task, completed=record.step, loss=record.loss, best=self._validation)

    def looked(self, look: Look) -> None:
        """The bar shows the validation loss already."""
