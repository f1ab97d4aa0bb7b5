"""Who is told what happens during a search: a terminal, or nobody."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol, final, runtime_checkable

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from gatecast.data.columns import Guess
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord
from gatecast.tuning.records import TrialRecord
from gatecast.tuning.telling import short, told
from gatecast.visible import visible
from gatecast.workflow.listening import Listener, Look, Silent
from gatecast.workflow.terminal import Terminal


@runtime_checkable
class SearchListener(Protocol):
    """Told about a search as it goes on; what is told may come from another thread."""

    @property
    def fit(self) -> Listener:
        """Who is told about the table, and about the last fit."""
        ...

    def searching(self, names: tuple[str, ...], trials: int, seconds: float | None) -> AbstractContextManager[None]:
        """Say what is searched, in how many trials and how much time."""
        ...

    def tried(self, trial: TrialRecord, best: TrialRecord | None) -> None:
        """Say what a trial came to, and which is the best so far."""
        ...


@final
class SilentSearch:
    """Nobody listens."""

    @property
    def fit(self) -> Listener:
        """Nobody either."""
        return Silent()

    def searching(self, names: tuple[str, ...], trials: int, seconds: float | None) -> AbstractContextManager[None]:  # noqa: ARG002
        """Say nothing."""
        return nullcontext()

    def tried(self, trial: TrialRecord, best: TrialRecord | None) -> None:
        """Say nothing."""


@final
class SearchTerminal:
    """A line for each trial, and a bar with the best loss so far and the time left; on stderr."""

    def __init__(self) -> None:
        self._terminal = Terminal()
        self._console: Console = self._terminal.console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._first: dict[str, Any] = {}
        self._until: float | None = None

    @property
    def fit(self) -> Listener:
        """The same terminal."""
        return self._terminal

    @contextmanager
    def searching(self, names: tuple[str, ...], trials: int, seconds: float | None) -> Iterator[None]:
        """Name what is searched, and show a bar, which goes at the end."""
        self._terminal.stage(f"searching {', '.join(map(short, names))}; the test part is not looked at")
        columns = (
            TextColumn("trials"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
        )
        self._until = None if seconds is None else time.monotonic() + seconds
        with Progress(*columns, console=self._console, transient=True) as self._progress:
            self._task = self._progress.add_task("", total=trials, told="")
            yield

    def tried(self, trial: TrialRecord, best: TrialRecord | None) -> None:
        """One line, and the bar moves."""
        if trial.number == 0:
            self._first = trial.settings
        loss = "     -" if trial.loss is None else f"{trial.loss:.4f}"
        mark = "[bold]*[/]" if best is not None and best.number == trial.number else " "
        line = f"{trial.number + 1:4d} {mark} {loss}  {escape(visible(told(trial, self._first)))}"
        self._console.print(line, soft_wrap=not self._console.is_terminal)
        if self._progress is not None:
            so_far = "" if best is None or best.loss is None else f"best {best.loss:.4f}"
            left = "" if self._until is None else f"  {max(0.0, self._until - time.monotonic()):.0f} s left"
            self._progress.update(self._task, completed=trial.number + 1, told=so_far + left)


@final
class WithoutGuesses:
    """A listener who has heard the guesses already."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """Say nothing."""

    def stage(self, text: str) -> None:
        """Pass it on."""
        self._listener.stage(text)

    def training(self, config: TrainingConfig, first_step: int) -> AbstractContextManager[None]:
        """Pass it on."""
        return self._listener.training(config, first_step)

    def step(self, record: StepRecord) -> None:
        """Pass it on."""
        self._listener.step(record)

    def looked(self, look: Look) -> None:
        """Pass it on."""
        self._listener.looked(look)
